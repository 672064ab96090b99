"""What a reader asks of an entity set: the query options of OData, and the tokens that lead on from a page."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.feeds.reading import Row
from bot.feeds.shapes import Edm, EntitySet
from bot.web.odata import filters
from bot.web.odata.problems import Refused

PAGE = 1000  #: rows, when nobody says how many
MOST = 5000
_FARTHEST = 10_000  #: rows passed over where all must be sorted
_KNOWN = ("$filter", "$select", "$orderby", "$top", "$skip", "$count", "$skiptoken", "$deltatoken", "$format")
_LARGEST = 10**15
_PYTHON: Mapping[Edm, type | tuple[type, ...]] = {
    Edm.STRING: str,
    Edm.DATE: str,
    Edm.INTEGER: int,
    Edm.DECIMAL: (int, float),
    Edm.BOOLEAN: bool,
}
_FORMATS = ("json", "application/json")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: behind a key, with so many rows to pass over and to give; `turn` for who follows changes."""

    after: tuple[Any, ...] = ()
    skip: int = 0
    top: int | None = None
    turn: int | None = None

    def at_turn(self, turn: int | None) -> "Place":
        """Return the place for who follows changes from a turn on."""
        return replace(self, turn=turn)


@dataclass(frozen=True)
class Query:
    """Which rows, which of their columns, in which order."""

    entity_set: EntitySet
    test: Callable[[Row], bool] | None
    chosen: tuple[str, ...]  #: columns; none: all
    order: tuple[tuple[int, bool], ...]  #: columns by place, and whether backwards; none: by the key
    place: Place
    count: bool
    first: bool  #: not the continuation of a page
    since: tuple[int, int, str] | None  #: changes are asked for: the turn where they begin, and behind whom

    @property
    def backwards(self) -> bool:
        """Tell whether the rows come against the order of their keys."""
        return bool(self.order) and self.order[0][1]

    @property
    def by_key(self) -> bool:
        """Tell whether the order is that of the key, so that nothing must be sorted."""
        keys = [self.entity_set.places[key.name] for key in self.entity_set.keys]
        asked = [place for place, _ in self.order]
        return asked == keys[: len(asked)] and len({backwards for _, backwards in self.order}) <= 1


def read(entity_set: EntitySet, given: Sequence[tuple[str, str]]) -> Query:
    """Return what is asked; raise Refused with the cure where that makes no sense."""
    options: dict[str, str] = {}
    for name, value in given:
        if name.startswith("$") and name not in _KNOWN:
            raise Refused(f"{name[:40]} is not known here: use {', '.join(_KNOWN)}")
        if name in options and name.startswith("$"):
            raise Refused(f"{name} stands there twice: write it once")
        options[name] = value
    if options.get("$format", "json").split(";")[0] not in _FORMATS:
        raise Refused("$format: answers are JSON; leave it out")
    since = _since(options.get("$deltatoken"))
    order = _order(entity_set, options.get("$orderby", ""))
    place = _place(options.get("$skiptoken"))
    if place is None:
        place = Place(skip=_number(options, "$skip", 0) or 0, top=_number(options, "$top", None))
    query = Query(
        entity_set,
        filters.compiled(options["$filter"], entity_set) if options.get("$filter", "").strip() else None,
        _chosen(entity_set, options.get("$select", "")),
        order,
        place,
        _said(options),
        "$skiptoken" not in options,
        since,
    )
    if place.after and not _fits(query, place.after):
        raise _broken("$skiptoken")
    if not query.by_key and query.place.skip > _FARTHEST:
        raise Refused(f"$skip: at most {_FARTHEST} rows where they are sorted: follow @odata.nextLink instead")
    return query


def token(values: Sequence[Any]) -> str:
    """Return values as an opaque word of a link."""
    return urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def leading_on(place: Place) -> str:
    """Return the `$skiptoken` of a place."""
    return token([list(place.after), place.skip, place.top, place.turn])


def _opened(word: str, name: str) -> Any:
    try:
        return json.loads(urlsafe_b64decode(word.encode() + b"=" * (-len(word) % 4)))
    except (ValueError, RecursionError):
        raise _broken(name) from None


def _broken(name: str) -> Refused:
    return Refused(f"{name} is not one of ours: take links as they come, and begin anew without it")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _place(word: str | None) -> Place | None:
    if word is None:
        return None
    match _opened(word, "$skiptoken"):
        case [list() as after, skip, top, turn] if _is_number(skip) and all(
            each is None or _is_number(each) for each in (top, turn)
        ):
            return Place(tuple(after), skip, top, turn)
    raise _broken("$skiptoken")


def _fits(query: Query, after: tuple[Any, ...]) -> bool:
    """Tell whether a token holds what the rows were sorted by, and a key of the entity set behind it."""
    entity_set = query.entity_set
    sorted_by = [] if query.by_key else [entity_set.columns[place].type for place, _ in query.order]
    types = [*sorted_by, *(key.type for key in entity_set.keys)]
    return len(types) == len(after) and all(
        (value is None and number < len(sorted_by)) or isinstance(value, _PYTHON[kind])
        for number, (kind, value) in enumerate(zip(types, after, strict=True))
    )


def _since(word: str | None) -> tuple[int, int, str] | None:
    if word is None:
        return None
    match _opened(word, "$deltatoken"):
        case [began, turn, str() as respondent] if _is_number(began) and _is_number(turn):
            return began, turn, respondent
    raise _broken("$deltatoken")


def _number(options: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise Refused(f"{name} must be a whole number, 0 or more")
    return int(text)


def _said(options: Mapping[str, str]) -> bool:
    text = options.get("$count", "false")
    if text not in ("true", "false"):
        raise Refused("$count must be true or false")
    return text == "true"


def _column(entity_set: EntitySet, name: str, option: str) -> str:
    if name not in entity_set.places:
        raise Refused(f"{option}: {entity_set.name} has no column {name[:60]}: $metadata lists them")
    return name


def _chosen(entity_set: EntitySet, text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if "*" in names:
        return ()
    return tuple(dict.fromkeys(_column(entity_set, name, "$select") for name in names))


def _order(entity_set: EntitySet, text: str) -> tuple[tuple[int, bool], ...]:
    found: dict[int, bool] = {}
    for part in filter(None, (part.split() for part in text.split(","))):
        name, *way = part
        if way not in ([], ["asc"], ["desc"]):
            raise Refused("$orderby: write columns, with asc or desc behind, and commas between: origin desc,language")
        found.setdefault(entity_set.places[_column(entity_set, name, "$orderby")], way == ["desc"])
    return tuple(found.items())
