"""Read what a person sent as the value of the open question, or say in which way it cannot be read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial

from bot.channels.base import Inbound
from bot.content import Content
from bot.content.normalise import plain_marks
from bot.messaging import received
from bot.surveys.form import Question, Range, Type
from bot.surveys.moments import place, read_day, read_moment, read_place, read_time
from bot.surveys.spelling import Option, choose, choose_many, search

TEXT_LIMIT = 2000
LONG_LIST = 10  #: more choices than this do not fit one message: they come in pages, and can be searched

_DIGITS = 18
_SHORT_YEAR = re.compile(r"\d{1,2}\s*[-/. ]\s*(?:\d{1,2}|[^\W\d]+\.?)\s*[-/. ]\s*\d{2}")
MEDIA_HINTS = {
    Type.IMAGE: "survey.hint_photo",
    Type.AUDIO: "survey.hint_sound",
    Type.VIDEO: "survey.hint_film",
    Type.FILE: "survey.hint_file",
}
MEDIA_TYPES = {Type.IMAGE: "image", Type.AUDIO: "audio", Type.VIDEO: "video", Type.FILE: ""}


class Problem(StrEnum):
    """In which way an answer cannot be read; the value is the key of the wording that says so."""

    CHOICE = "survey.invalid_choice"
    MATCHES = "survey.choice_matches"  #: several choices of a long list fit
    NUMBER = "survey.invalid_number"
    WHOLE = "survey.invalid_whole_number"
    RANGE = "survey.hint_range"
    DATE = "survey.invalid_date"
    SHORT_YEAR = "survey.short_year"
    TIME = "survey.invalid_time"
    MOMENT = "survey.invalid_moment"
    PLACE = "survey.invalid_geopoint"
    PLACE_NAME = "survey.place_name"
    RANK = "survey.invalid_rank"
    MEDIA = "survey.invalid_media"
    TEXT_ONLY = "survey.invalid_text_only"
    TOO_LONG = "survey.too_long"


@dataclass(frozen=True, slots=True)
class Unread:
    """No value: why, what the wording needs, and the choices that came near."""

    problem: Problem
    values: Mapping[str, object] = field(default_factory=dict)
    matches: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """With whose ears we listen: the words of all languages, the person's own language and time of day."""

    content: Content
    language: str
    now: datetime  #: in the person's zone


def read(question: Question, options: Sequence[Option], inbound: Inbound, listener: Listener) -> str | Unread:
    """Return the value as an XForm stores it: codes, ISO dates, "lat lon altitude accuracy"."""
    if question.type in MEDIA_TYPES:
        return _media(question.type, inbound, listener)
    if question.type is Type.GEOPOINT and inbound.location:
        return place(*inbound.location) or Unread(Problem.PLACE)
    text = inbound.text.strip()
    return _written(question, options, text, listener) if text else Unread(Problem.TEXT_ONLY)


def _written(question: Question, options: Sequence[Option], text: str, listener: Listener) -> str | Unread:
    typed, text = text, "\n".join(map(plain_marks, text.split("\n")))
    parse = partial(listener.content.formats.parse_date, language=listener.language, today=listener.now.date())
    match question.type:
        case Type.SELECT_ONE | Type.BOOLEAN | Type.ACKNOWLEDGE:
            return _one(options, text, listener)
        case Type.SELECT_MULTIPLE:
            return _many(options, text, listener)
        case Type.RANK:
            return _rank(options, text, listener)
        case Type.INTEGER | Type.DECIMAL | Type.RANGE:
            return _number(question, text, listener)
        case Type.DATE:
            return read_day(text, question.appearance, parse) or _unclear_day(text)
        case Type.TIME:
            return read_time(text) or Unread(Problem.TIME)
        case Type.DATETIME:
            return read_moment(text, parse, listener.now.tzinfo) or Unread(Problem.MOMENT)
        case Type.GEOPOINT:
            named = any(map(str.isalpha, text))
            return read_place(text) or Unread(Problem.PLACE_NAME if named else Problem.PLACE)
    return typed if len(typed) <= TEXT_LIMIT else Unread(Problem.TOO_LONG, {"limit": TEXT_LIMIT})


def _one(options: Sequence[Option], text: str, listener: Listener) -> str | Unread:
    found = choose(text, options, listener.content.keywords, listener.language)
    return found.value if found else _unclear(text, options)


def _many(options: Sequence[Option], text: str, listener: Listener) -> str | Unread:
    found = choose_many(text, options, listener.content.keywords, listener.language)
    if found is None:
        return _unclear(text, options)
    return " ".join(option.value for option in options if option in found)


def _unclear(text: str, options: Sequence[Option]) -> Unread:
    matches = search(text, options) if len(options) > LONG_LIST else []
    return Unread(Problem.MATCHES, matches=tuple(matches[:LONG_LIST])) if matches else Unread(Problem.CHOICE)


def _rank(options: Sequence[Option], text: str, listener: Listener) -> str | Unread:
    found = choose_many(text, options, listener.content.keywords, listener.language)
    if found is None or len(found) != len(options):
        return Unread(Problem.RANK)
    return " ".join(option.value for option in found)


def _number(question: Question, text: str, listener: Listener) -> str | Unread:
    too_long = sum(map(str.isdigit, text)) > _DIGITS
    number = None if too_long else listener.content.formats.parse_number(text, listener.language)
    if number is None:
        return Unread(Problem.NUMBER)
    if question.range and not _within(number, question.range):
        return Unread(Problem.RANGE, bounds(question.range, listener))
    if question.type is Type.INTEGER and number != int(number):
        return Unread(Problem.WHOLE)
    return f"{number.normalize():f}" if number else "0"


def _within(number: Decimal, asked: Range) -> bool:
    low, high = sorted((Decimal(str(asked.start)), Decimal(str(asked.end))))
    step = abs(Decimal(str(asked.step)))
    return low <= number <= high and not (step and (number - low) % step)


def bounds(asked: Range, listener: Listener) -> dict[str, object]:
    """Return the bounds of a range as the person reads them."""
    write = partial(listener.content.formats.format_number, language=listener.language)
    return {"low": write(min(asked.start, asked.end)), "high": write(max(asked.start, asked.end))}


def _unclear_day(text: str) -> Unread:
    """Say of "12/3/90" that the year could be another."""
    return Unread(Problem.SHORT_YEAR if _SHORT_YEAR.fullmatch(text) else Problem.DATE)


def _media(type: Type, inbound: Inbound, listener: Listener) -> str | Unread:
    wanted = MEDIA_TYPES[type]
    for media in inbound.media:
        fits = wanted in ("", media.kind) or media.content_type.startswith(f"{wanted}/")
        if fits and media.size <= received.LIMIT:
            return media.reference
    asked = listener.content.catalogue.text(MEDIA_HINTS[type], listener.language)
    return Unread(Problem.MEDIA, {"wanted": asked, "megabytes": received.MEGABYTES})
