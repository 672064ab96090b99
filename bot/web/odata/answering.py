"""Rows as OData's JSON: pages with links that lead on, single rows, and changes with who is to be removed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from urllib.parse import quote, urlencode

from bot.feeds import changes
from bot.feeds.changes import Cursor, How
from bot.feeds.reading import Reader, Row
from bot.feeds.shapes import Kind
from bot.web.odata import paging, query
from bot.web.odata.query import Query


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a reader prefers (the header Prefer), and the newest version of OData that it understands."""

    size: int | None = None
    changes: bool = False
    version: str = "4.01"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of a reader."""

    root: str
    query: Query
    options: Sequence[tuple[str, str]]
    wishes: Wishes

    @property
    def size(self) -> int:
        """Return how many rows make a page."""
        return self.wishes.size or query.PAGE

    @property
    def tracks(self) -> bool:
        """Tell whether to say at the end where to ask for changes: of whole respondents, all of them."""
        plain = self.query.entity_set.kind is Kind.TABLE and len(self.query.entity_set.keys) == 1
        begins = self.query.first and self.query.place.top is None and not self.query.place.skip
        return self.wishes.changes and plain and begins and not self.query.order

    @property
    def applied(self) -> dict[str, str]:
        """Return the headers that say which wishes were heard."""
        heard = [f"odata.maxpagesize={self.size}"] if self.wishes.size else []
        heard += ["odata.track-changes"] if self.tracks else []
        said = {"Preference-Applied": ", ".join(heard)} if heard else {}
        return said | ({"OData-Version": self.wishes.version} if self.query.since else {})

    @property
    def context(self) -> str:
        """Return what the rows are, as `$metadata` has it."""
        chosen = f"({','.join(self.query.chosen)})" if self.query.chosen else ""
        return f"{self.root}$metadata#{self.query.entity_set.name}{chosen}"

    def link(self, name: str, word: str) -> str:
        """Return the address of the same question from another place on."""
        fixed = ("$skip", "$top", "$skiptoken", "$deltatoken", "$count")
        kept = [(option, value) for option, value in self.options if option not in fixed]
        asked = urlencode([*kept, (name, word)], quote_via=quote, safe="$,'()*")
        return f"{self.root}{self.query.entity_set.name}?{asked}"


def one(reader: Reader, key: str) -> Row | None:
    """Return one row by its key."""
    return next(iter(reader.of([key]).get(key, ())), None) if reader.set is reader.shape.main else None


def entity(ask: Ask, row: Row) -> dict[str, Any]:
    """Return one row with what it is."""
    return {"@odata.context": f"{ask.context}/$entity", **next(_objects(ask.query, [row]))}


def count(reader: Reader, ask: Ask) -> int:
    """Count rows."""
    return paging.count(reader, ask.query)


def listed(reader: Reader, ask: Ask) -> bytes:
    """Return a page of rows; the last one of a reader who follows changes says where they are."""
    found = paging.page(reader, ask.query, ask.size)
    said: dict[str, Any] = {"@odata.context": ask.context}
    if ask.query.count:
        said["@odata.count"] = paging.count(reader, ask.query)
    said["value"] = list(_objects(ask.query, found.rows))
    turn = reader.feed.turn if ask.tracks else ask.query.place.turn
    if found.next:
        said["@odata.nextLink"] = ask.link("$skiptoken", query.leading_on(found.next.at_turn(turn)))
    elif turn is not None:
        said["@odata.deltaLink"] = ask.link("$deltatoken", query.token([turn + 1, turn + 1, ""]))
    return _encoded(said)


def changed(reader: Reader, ask: Ask) -> bytes:
    """Return who is new or different as rows, and who is gone, or not asked for any more, as removed."""
    assert ask.query.since  # noqa: S101 - else rows are listed
    began, turn, respondent = ask.query.since
    after = Cursor(turn, respondent)
    found = changes.changes(reader.db, reader.feed, reader.shape, after, ask.size, began)
    test, value = ask.query.test, list[dict[str, Any]]()
    for change in found:
        if change.row is not None and (test is None or test(change.row)):
            value += _objects(ask.query, [change.row])
        elif change.row is None or change.how is not How.NEW:
            value.append(_removed(ask, change.respondent, "changed" if change.row else "deleted"))
    said: dict[str, Any] = {"@odata.context": f"{ask.context}/$delta", "value": value}
    if len(found) == ask.size:
        said["@odata.nextLink"] = ask.link("$deltatoken", query.token([began, *found[-1].at]))
    else:
        newest = reader.feed.turn + 1
        said["@odata.deltaLink"] = ask.link("$deltatoken", query.token([newest, newest, ""]))
    return _encoded(said)


def _removed(ask: Ask, respondent: str, reason: str) -> dict[str, Any]:
    name = f"{ask.query.entity_set.name}('{respondent}')"
    if ask.wishes.version == "4.0":
        context = f"{ask.root}$metadata#{ask.query.entity_set.name}/$deletedEntity"
        return {"@odata.context": context, "id": name, "reason": reason}
    return {"@removed": {"reason": reason}, "@id": name, "respondent": respondent}


def _objects(query: Query, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    names = query.chosen or tuple(query.entity_set.places)
    if not query.chosen:
        yield from (dict(zip(names, row, strict=True)) for row in rows)
        return
    places = [query.entity_set.places[name] for name in names]
    pick = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
    yield from (dict(zip(names, pick(row), strict=True)) for row in rows)


def _encoded(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()
