"""Values as an XForm stores them: what is no value of its type is empty."""

import math
import re
from datetime import UTC

from bot.surveys.form import Question, Type
from bot.surveys.xpath import dates
from bot.surveys.xpath.values import number_text

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?\Z")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_INT_LIMIT = 2**31
_PLACES = {"geopoint": 1, "geotrace": 2, "geoshape": 3}


def stored(question: Question, text: str) -> str:
    """Return `text` as the question stores it, empty when it is no value of its type."""
    match question.type:
        case Type.SELECT_MULTIPLE | Type.RANK:
            return " ".join(text.split())
        case Type.ACKNOWLEDGE:
            return "OK" if text.lower() == "ok" else ""
        case Type.RANGE:
            return _in_range(question, _typed(question.bind.type, text))
    return _typed(question.bind.type, text)


def _typed(kind: str, text: str) -> str:
    if not text or kind in {"string", "boolean", "binary", "barcode", "intent"}:
        return text
    if kind == "int":
        return _integer(text)
    if kind == "decimal":
        return _decimal(text.strip())
    if kind == "date":
        return _date(text)
    if kind == "time":
        return _time(text)
    if kind == "dateTime":
        return text if _MOMENT.match(text) and _is_moment(text) else ""
    return _geo(kind, text)


def _number(text: str) -> float:
    return float(text) if _NUMBER.match(text.strip()) else math.nan


def _integer(text: str) -> str:
    number = _number(text)
    if not math.isfinite(number) or not -_INT_LIMIT <= math.trunc(number) < _INT_LIMIT:
        return ""
    return str(math.trunc(number))


def _decimal(text: str) -> str:
    """Keep a decimal as it was written, where an expression can read it so."""
    number = _number(text)
    if not math.isfinite(number):
        return ""
    return number_text(number) if "e" in text.lower() else text.removeprefix("+")


def _is_moment(text: str) -> bool:
    return dates.parse(text, UTC) is not None  # the first moment of 1970 is a zero


def _date(text: str) -> str:
    found = _DATE.match(text)
    return found[0] if found and _is_moment(text) and _is_moment(found[0]) else ""


def _time(text: str) -> str:
    time = text.partition("T")[2] if _is_moment(text) else text
    return time if _TIME.match(time) else ""


def _geo(kind: str, text: str) -> str:
    points = [_point(point) for point in text.strip().rstrip("; ").split(";")]
    if len(points) < _PLACES[kind] or (kind == "geopoint" and len(points) > 1) or "" in points:
        return ""
    return ";".join(points)


def _point(text: str) -> str:
    """Write "latitude longitude altitude accuracy" as every ODK client does, empty if it is no place on earth."""
    numbers = [_number(part) for part in text.split()]
    if not 2 <= len(numbers) <= 4 or not all(map(math.isfinite, numbers)):
        return ""
    return " ".join(map(str, numbers)) if abs(numbers[0]) <= 90 and abs(numbers[1]) <= 180 else ""


def _in_range(question: Question, text: str) -> str:
    number, bounds = _number(text), question.range
    return text if bounds and min(bounds.start, bounds.end) <= number <= max(bounds.start, bounds.end) else ""
