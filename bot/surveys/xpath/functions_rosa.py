"""OpenRosa's functions on strings, selections, dates and the run itself."""

import base64
import binascii
import hashlib
import math
import uuid
from collections.abc import Sequence

import regex

from bot.surveys.xpath import dates
from bot.surveys.xpath.dates import Moment
from bot.surveys.xpath.library import function, lazy
from bot.surveys.xpath.nodes import Element
from bot.surveys.xpath.values import (
    Context,
    EvaluationError,
    Run,
    Value,
    strings,
    to_boolean,
    to_number,
    to_string,
    words,
)

REGEX_SECONDS = 0.1  # a pattern that takes longer on one answer does not match it


@lazy("if", 3, 3)
def _if(arguments: Sequence[Run]) -> Run:
    condition, then, other = arguments
    return lambda context: then(context) if to_boolean(condition(context)) else other(context)


@lazy("coalesce", 2, 2)
def _coalesce(arguments: Sequence[Run]) -> Run:
    first, second = arguments
    return lambda context: to_string(first(context)) or to_string(second(context))


@lazy("once", 1, 1)
def _once(arguments: Sequence[Run]) -> Run:
    (value,) = arguments
    return lambda context: context.current.string() or to_string(value(context))


@function("selected", "ss")
def _selected(_: Context, selection: str, value: str) -> bool:
    return value.strip(" \t\r\n") in (words(selection) or [""])


@function("selected-at", "sn")
def _selected_at(_: Context, selection: str, index: float) -> str:
    chosen = words(selection)
    return chosen[int(index)] if 0 <= index < len(chosen) else ""


@function("count-selected", "s")
def _count_selected(_: Context, selection: str) -> float:
    return float(len(words(selection)))


@function("substr", "sn?n")
def _substr(_: Context, text: str, start: float, end: float = math.inf) -> str:
    if math.isnan(start) or math.isnan(end):
        return ""
    first, last = (min(max(i + len(text) if i < 0 else i, 0), len(text)) for i in (start, end))
    return text[int(first) : int(last)]


@function("join", "s?v*")
def _join(_: Context, glue: str, *values: Value) -> str:
    return glue.join(text for value in values for text in strings(value))


@function("regex", "ss")
def _regex(_: Context, text: str, pattern: str) -> bool:
    try:
        return regex.compile(pattern).search(text, timeout=REGEX_SECONDS) is not None
    except TimeoutError:
        return False
    except regex.error as error:
        raise EvaluationError(f"regex() has a pattern that cannot be read: {error.msg}") from None


@function("uuid", "?n")
def _uuid(context: Context, length: float | None = None) -> str:
    bits = 0
    for _ in range(4):
        bits = bits << 32 | int(context.env.draw(context.current) * 2**32)
    made = str(uuid.UUID(int=bits, version=4))
    if length is None:
        return made
    if not 0 <= length <= 1000:
        raise EvaluationError("uuid() takes a length up to 1000")
    return (made * (int(length) // len(made) + 1))[: int(length)]


@function("digest", "ss?s")
def _digest(_: Context, text: str, algorithm: str, encoding: str = "base64") -> str:
    name = algorithm.replace("-", "").lower()
    if name not in {"md5", "sha1", "sha256", "sha384", "sha512"} or encoding not in {"base64", "hex"}:
        raise EvaluationError("digest() knows MD5, SHA-1, SHA-256, SHA-384 and SHA-512, written as base64 or hex")
    digest = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


@function("base64-decode", "s")
def _base64_decode(_: Context, text: str) -> str:
    packed = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


@function("boolean-from-string", "s")
def _boolean_from_string(_: Context, text: str) -> bool:
    return text in {"1", "true"}


@function("checklist", "nn?v*")
def _checklist(_: Context, least: float, most: float, *values: Value) -> bool:
    return _between(least, most, sum(_truths(values)))


@function("weighted-checklist", "nn?v*")
def _weighted_checklist(context: Context, least: float, most: float, *values: Value) -> bool:
    total = 0.0
    for value, weight in zip(values[::2], values[1::2], strict=True):
        weights = [to_number(text, context.env.tz) for text in strings(weight)]
        total += sum(number for true, number in zip(_truths([value]), weights, strict=False) if true)
    return _between(least, most, total)


def _truths(values: Sequence[Value]) -> list[bool]:
    truths: list[bool] = []
    for value in values:
        # a node of a checklist counts when it is filled
        truths += [bool(node.string().strip()) for node in value] if type(value) is list else [to_boolean(value)]
    return truths


def _between(least: float, most: float, total: float) -> bool:
    return total >= least and (most == -1 or total <= most)


@function("today")
def _today(context: Context) -> float:
    local = context.env.now.astimezone(context.env.tz)
    return dates.moment(local.replace(hour=0, minute=0, second=0, microsecond=0), dated=True)


@function("now")
def _now(context: Context) -> float:
    return dates.moment(context.env.now.astimezone(context.env.tz), dated=False)


@function("date", "v")
@function("date-time", "v")
def _date(context: Context, value: Value) -> Value:
    if value == "" or type(value) is bool or (type(value) is list and to_string(value) == ""):
        return ""
    moment = _moment(context, value)
    return dates.NO_DATE if moment is None else moment


def _moment(context: Context, value: Value) -> Moment | None:
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if isinstance(value, Moment) else dates.from_days(value, context.env.tz)
    if type(value) is bool:
        raise EvaluationError("a date is needed here, not true or false")
    text = to_string(value)
    read = dates.parse(text, context.env.tz)
    if read is None and (parts := regex.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)(T.*)?", text)):
        read = dates.parse(f"{parts[1]}-{parts[2]:0>2}-{parts[3]:0>2}{parts[4] or ''}", context.env.tz)
    return read


@function("format-date", "vs")
@function("format-date-time", "vs")
def _format_date(context: Context, value: Value, layout: str) -> str:
    moment = _moment(context, value)
    return "" if moment is None else dates.write(moment.local, layout)


@function("decimal-date-time", "v")
def _decimal_date_time(context: Context, value: Value) -> float:
    if type(value) is float:  # a number of days already
        return value
    moment = _moment(context, value)
    return math.nan if moment is None else moment.local.timestamp() / dates.DAY


@function("decimal-time", "s")
def _decimal_time(context: Context, text: str) -> float:
    fraction = dates.decimal_time(text, context.env.tz)
    return math.nan if fraction is None else fraction


@function("jr:itext", "s")
def _itext(context: Context, key: str) -> str:
    return context.env.itext(key, context.current)


@function("version")
def _version(context: Context) -> str:
    return next((node.attributes.get("version", "") for node in context.env.root.children), "")


@function("pulldata", "ssss")
def _pulldata(context: Context, source: str, column: str, key: str, value: str) -> str:
    instance = context.env.instance(source)
    rows = instance.named("root") if instance else ()
    for row in rows[0].lookup("item", key).get(value, ()) if rows else ():
        cells: Sequence[Element] = row.named(column)
        return cells[0].string() if cells else ""
    return ""


@function("instance", "s")
def _instance(context: Context, name: str) -> Value:
    found = context.env.instance(name)
    return [] if found is None else [found]


@function("current")
def _current(context: Context) -> Value:
    return [context.current]


@function("random")
def _random(context: Context) -> float:
    return context.env.draw(context.current)


@function("int", "n")
def _int(_: Context, number: float) -> float:
    return float(math.trunc(number)) if math.isfinite(number) else number
