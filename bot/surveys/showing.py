"""Write a stored value in the words and the ways of a language."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from bot.surveys.form import Question, Type
from bot.surveys.reading import MEDIA_TYPES, Listener
from bot.surveys.spelling import Option

_LISTED = {Type.SELECT_MULTIPLE, Type.RANK}


def in_words(question: Question, value: str, options: Sequence[Option], listener: Listener) -> str:
    """Return the value as the person would say it."""
    if not value:
        return ""
    labels = {option.value: option.label for option in options}
    if question.type in MEDIA_TYPES:
        return listener.content.catalogue.text("survey.received", listener.language)
    if question.type in _LISTED:
        return ", ".join(labels.get(code, code) for code in value.split())
    if labels:
        return labels.get(value, value)
    return _plain(question, value, listener)


def _plain(question: Question, value: str, listener: Listener) -> str:
    formats = listener.content.formats
    match question.type:
        case Type.DECIMAL | Type.RANGE:  # a whole number may be a year, which takes no separators
            return formats.format_number(Decimal(value), listener.language)
        case Type.DATE:
            return formats.format_date(date.fromisoformat(value), listener.language)
        case Type.DATETIME:
            local = datetime.fromisoformat(value)
            return f"{formats.format_date(local.date(), listener.language)}, {local:%H:%M}"
        case Type.TIME:
            return value[:5]
        case Type.GEOPOINT:
            return ", ".join(value.split()[:2])
    return value
