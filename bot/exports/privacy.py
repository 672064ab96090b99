"""Which answers do not leave in an export, and why."""

import re
from collections.abc import Iterable
from enum import StrEnum

from bot.exports.options import Options
from bot.surveys.form import Form, Question, Type


class Withheld(StrEnum):
    """Why a question has no column."""

    LEFT_OUT = "left out on request"
    FREE_TEXT = "free text"
    MEDIA = "a file"
    LOCATION = "an exact location"
    IDENTIFIER = "identifies the interview, its device or its exact time"
    DERIVED = "computed from something withheld"


_BY_TYPE = {
    Type.IMAGE: Withheld.MEDIA,
    Type.AUDIO: Withheld.MEDIA,
    Type.VIDEO: Withheld.MEDIA,
    Type.FILE: Withheld.MEDIA,
    Type.GEOPOINT: Withheld.LOCATION,
    Type.GEOTRACE: Withheld.LOCATION,
    Type.GEOSHAPE: Withheld.LOCATION,
}
_WORDS = {Type.TEXT, Type.BARCODE}
# Each gives a value that is the same in every export of the interview and in nearly no other interview.
_UNIQUE = re.compile(r"\b(uuid|now|random|digest)\s*\(")
_NAME = re.compile(r"/\s*([\w.-]+)")


def withheld(form: Form, options: Options) -> dict[str, Withheld]:
    """Return the reason by the path of each question that gets no column."""
    questions = list(form.questions())
    reasons = {question.path: reason for question in questions if (reason := _reason(question, options))}
    return reasons | dict.fromkeys(derived(form, reasons) - reasons.keys(), Withheld.DERIVED)


def derived(form: Form, paths: Iterable[str]) -> set[str]:
    """Return the questions whose values are computed from these, in any number of steps, and these themselves."""
    found = set(paths)
    while True:
        names = {path.rsplit("/", 1)[1] for path in found}
        more = {each.path for each in form.questions() if each.path not in found and _reads(each) & names}
        if not more:
            return found
        found |= more


def _reason(question: Question, options: Options) -> Withheld | None:
    if question.name in options.leave_out:
        return Withheld.LEFT_OUT
    if question.type in _WORDS and not options.free_text:
        return Withheld.FREE_TEXT
    preload = question.bind.preload[0] if question.bind.preload else ""
    source = question.bind.calculate.source if question.bind.calculate else ""
    if question.path.split("/")[2] == "meta" or preload in {"property", "uid"} or _UNIQUE.search(source):
        return Withheld.IDENTIFIER
    return _BY_TYPE.get(question.type)


def _reads(question: Question) -> set[str]:
    """Return the names that the calculation may read: a name used twice in a form counts for both."""
    return set(_NAME.findall(question.bind.calculate.source)) if question.bind.calculate else set()
