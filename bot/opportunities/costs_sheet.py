"""Figures on the costs of sending money, from a CSV as offices write it."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from babel.core import get_global

from bot.content import links
from bot.opportunities.costs import Figure
from bot.opportunities.models import COUNTRIES
from bot.opportunities.service import today
from bot.sentences import Sentence

COLUMNS = ("from", "to", "provider", "fee_usd", "margin_percent", "source", "as_of")
ROWS_LIMIT = 2000
_LONGEST = {"provider": 80, "source": 200}
_MOST = {"fee_usd": Decimal(200), "margin_percent": Decimal(100)}


class CostsError(Exception):
    """The figures cannot be read; the message says where and how to put it right."""


def read(data: bytes) -> list[Figure]:
    """Return the figures of a file; one wrong line refuses all of it."""
    text = _decoded(data)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip().lower() for name in lines.fieldnames or []]
    if missing := [name for name in COLUMNS if name not in names]:
        raise CostsError(
            Sentence(
                "The first line must name the columns %(columns)s; missing: %(missing)s",
                columns=", ".join(COLUMNS),
                missing=", ".join(missing),
            )
        )
    lines.fieldnames = names
    try:
        found = list(_figures(lines))
    except csv.Error:
        raise CostsError(Sentence("The file is no CSV: save the sheet as CSV UTF-8")) from None
    if not found:
        raise CostsError(Sentence("The file holds no figures below its first line"))
    return found


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CostsError(Sentence("The file is no text: save the sheet as CSV UTF-8"))


def _figures(lines: "csv.DictReader[str]") -> Iterator[Figure]:
    seen: dict[tuple[str, str, str], int] = {}
    for number, line in enumerate(lines, start=2):
        if number > ROWS_LIMIT:
            raise CostsError(Sentence("The file has more than %(limit)s lines: split it", limit=ROWS_LIMIT))
        cells = {name: str(line.get(name) or "").strip() for name in COLUMNS}
        if not any(cells.values()):
            continue
        try:
            figure = figure_of(cells)
        except CostsError as error:
            raise CostsError(Sentence("Line %(line)s: %(problem)s", line=number, problem=error.args[0])) from None
        key = (figure.origin, figure.destination, figure.provider)
        if key in seen:
            raise CostsError(
                Sentence(
                    "Line %(line)s: the same provider and corridor as line %(first)s: keep one",
                    line=number,
                    first=seen[key],
                )
            )
        seen[key] = number
        yield figure


def figure_of(cells: Mapping[str, str]) -> Figure:
    """Return one figure from the texts of its cells, by the names of COLUMNS; raise CostsError."""
    origin, destination = cells["from"].upper(), cells["to"].upper()
    if origin not in get_global("territory_zones") or len(origin) != 2:
        raise CostsError(Sentence("from must be the two letters of a country, such as ZA"))
    if destination not in COUNTRIES or destination == origin:
        raise CostsError(Sentence("to must be another country, one of %(countries)s", countries=", ".join(COUNTRIES)))
    for name, longest in _LONGEST.items():
        if not 0 < len(cells[name]) <= longest:
            raise CostsError(Sentence("%(name)s must have 1 to %(limit)s characters", name=name, limit=longest))
        if links.hosts(cells[name]):  # members read it, and we send no link that is not ours
            raise CostsError(Sentence("%(name)s must be a name, not a web address", name=name))
    return Figure(
        origin,
        destination,
        cells["provider"],
        _number("fee_usd", cells["fee_usd"]),
        _number("margin_percent", cells["margin_percent"]),
        cells["source"],
        _day(cells["as_of"]),
    )


def _number(name: str, text: str) -> Decimal:
    """Read 8.50 or 8,50; a figure that is not known is none, never zero by silence."""
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise CostsError(Sentence("%(name)s must be a number, such as 8.50", name=name)) from None
    if not number.is_finite() or not 0 <= number <= _MOST[name]:
        raise CostsError(Sentence("%(name)s must be between 0 and %(most)s", name=name, most=str(_MOST[name])))
    return number.quantize(Decimal("0.01"))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CostsError(Sentence("as_of must be the day of the figure, such as 2026-03-31")) from None
    if day > today():
        raise CostsError(Sentence("as_of lies in the future"))
    return day
