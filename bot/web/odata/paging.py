"""One page of an entity set: so many rows, where the next ones are, and how many there are in all."""

from collections.abc import Iterator
from dataclasses import replace
from functools import total_ordering
from heapq import nsmallest
from typing import Any, NamedTuple

from bot.feeds import following
from bot.feeds.reading import Key, Reader, Row
from bot.feeds.shapes import Kind
from bot.web.odata.query import Place, Query

#: Rows that one request looks at, so that a filter that lets few through keeps nobody waiting: then the page is short.
LOOKED_AT = 10_000


class Page(NamedTuple):
    """Rows, and the place where the next page begins; None: there is none."""

    rows: list[Row]
    next: Place | None


def page(reader: Reader, query: Query, most: int) -> Page:
    """Read a page of at most so many rows."""
    wanted = most if query.place.top is None else min(most, query.place.top)
    if not wanted:
        return Page([], None)
    return _in_turn(reader, query, wanted) if query.by_key else _sorted(reader, query, wanted)


def count(reader: Reader, query: Query) -> int:
    """Count the rows that the filter lets through, whatever part of them is asked for."""
    if query.test is None and reader.set is reader.shape.main:
        return following.size(reader.db, reader.feed)
    return sum(1 for _, row in reader.rows() if query.test is None or query.test(row))


def _in_turn(reader: Reader, query: Query, wanted: int) -> Page:
    rows: list[Row] = []
    skip, last = query.place.skip, query.place.after
    people = wanted + 1 if query.test is None and reader.set.kind is Kind.TABLE else None
    for looked, (key, row) in enumerate(reader.rows(last, query.backwards, people)):
        if len(rows) == wanted or looked == LOOKED_AT:
            return _ended(query, rows, last, skip)
        if query.test is None or query.test(row):
            if skip:
                skip -= 1
            else:
                rows.append(row)
        last = key
    return Page(rows, None)


def _ended(query: Query, rows: list[Row], last: Key, skip: int) -> Page:
    top = query.place.top
    left = None if top is None else top - len(rows)
    if left == 0:
        return Page(rows, None)
    return Page(rows, replace(query.place, after=last, skip=skip, top=left))


def _sorted(reader: Reader, query: Query, wanted: int) -> Page:
    """Look at all rows for each page, and keep no more of them than a page."""
    after = query.place.after
    found = nsmallest(query.place.skip + wanted + 1, _behind(reader, query, after), key=lambda each: each[0])
    shown = found[query.place.skip : query.place.skip + wanted]
    rows = [row for _, _, row in shown]
    if len(found) <= query.place.skip + wanted:
        return Page(rows, None)
    _, key, row = shown[-1]
    return _ended(query, rows, (*(row[place] for place, _ in query.order), *key), 0)


def _behind(reader: Reader, query: Query, after: Key) -> Iterator[tuple[Any, Key, Row]]:
    keys = len(reader.set.keys)
    values = [backwards for _, backwards in query.order]
    start = _rank(after[:-keys], values, after[-keys:]) if after else None
    for key, row in reader.rows():
        if query.test is None or query.test(row):
            rank = _rank(tuple(row[place] for place, _ in query.order), values, key)
            if start is None or start < rank:
                yield rank, key, row


def _rank(values: tuple[Any, ...], backwards: list[bool], key: Key) -> tuple[Any, ...]:
    pairs = zip(values, backwards, strict=False)
    return (*(_Against(_first(value)) if against else _first(value) for value, against in pairs), key)


def _first(value: Any) -> tuple[bool, Any]:
    """Return what sorts null before all values."""
    return (False, 0) if value is None else (True, value)


@total_ordering
class _Against:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Against) and self.value == other.value

    def __lt__(self, other: "_Against") -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)
