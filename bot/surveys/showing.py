"""Write a stored value in the words and the ways of a language."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from bot.surveys.form import Question, Type
from bot.surveys.reading import MEDIA_TYPES, Listener
from bot.surveys.spelling import Option

_LISTED = {Type.SELECT_MULTIPLE, Type.RANK}
_NUMBERS = {Type.DECIMAL, Type.RANGE}  #: a whole number may be a year, which takes no separators


def in_words(question: Question, value: str, options: Sequence[Option], listener: Listener) -> str:
    """Return the value as the person would say it; what cannot be written better stays as it is."""
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
    try:
        if question.type in _NUMBERS:
            return formats.format_number(Decimal(value), listener.language)
        if question.type is Type.DATE:
            return formats.format_date(date.fromisoformat(value), listener.language)
        if question.type is Type.DATETIME:
            local = datetime.fromisoformat(value)
            return f"{formats.format_date(local.date(), listener.language)}, {local:%H:%M}"
    except (ValueError, InvalidOperation):
        return value
    if question.type is Type.TIME:
        return value[:5]
    return ", ".join(value.split()[:2]) if question.type is Type.GEOPOINT else value
