"""Weighted shares beside the unweighted ones: of all countries together, to totals that staff declare with the form.

Weights are those of an export with the same targets, but for two things: who gave none of the declared answers counts
as one, so that both shares speak of the same people, and classes of few people get one weight together.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.disclosure.models import Release
from bot.disclosure.releases import Published, json_name
from bot.disclosure.suppression import THRESHOLD
from bot.disclosure.weighted import Table, showable
from bot.exports import weighting
from bot.exports.options import Target
from bot.reports.counting import ALL, NOT, SILENT, Asked, Cell, Counted, is_asked
from bot.reports.people import Person
from bot.reports.plan import Figure, Kind, Plan

#: A class of fewer people than this is joined with the one of the nearest weight.
CLASS = 100
#: Kinds of figures that have weighted shares.
KINDS = {Kind.BARS, Kind.SCALE, Kind.MAP}
_ELSE = "*else"  # who was not asked
_EFFECT, _WORTH, _RELEASE = "*design_effect", "*effective", "*release"


@dataclass(frozen=True)
class Weighted:
    """Shares by cell under the weights of these targets, Kish's design effect, and how many respondents are left."""

    shares: Mapping[Cell, float]
    design_effect: float
    effective: float
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Group:
    """People of one weight; `raw` are the classes that were joined in it, by their declared answers or none."""

    raw: frozenset[str]
    size: int
    weight: float


def publish(
    db: Session,
    form_id: str,
    targets: tuple[Target, ...],
    figures: "Figures",
    release: Published[Cell],
    counted: Counted,
    least: int = THRESHOLD,
) -> Weighted | None:
    """Publish weighted shares beside a release of figures; None while they would not be of the same people.

    They stand as long as the release does.
    """
    prefix = f"weights {_short(form_id)} "
    subject = prefix + _short(json.dumps(targets))
    before = list(db.scalars(select(Release).where(Release.subject.startswith(prefix)).order_by(Release.id)))
    mine = [row for row in before if row.subject == subject and row.medians[_RELEASE] == release.release_id]
    if mine:
        return _as_published(mine[-1], targets)
    if any(count is not None and counted.counts[cell] != count for cell, count in release.figures.items()):
        return None  # some came since: they go with the next release
    made = _Weighing(figures, targets, release, before, least)
    if len(made.groups) < 2:
        return None
    shares = {json_name(cell): share for cell, share in made.shares.items()}
    row = Release(
        subject=subject,
        sha256=hashlib.sha256(json.dumps(made.behind, sort_keys=True).encode()).hexdigest(),
        figures=made.behind,
        medians=shares
        | {_EFFECT: made.design_effect, _WORTH: made.people / made.design_effect, _RELEASE: release.release_id},
        at=clock.now(),
    )
    db.add(row)
    db.flush()
    return _as_published(row, targets)


def _as_published(row: Release, targets: tuple[Target, ...]) -> Weighted:
    shares = {Cell(*json.loads(name)): share for name, share in row.medians.items() if not name.startswith("*")}
    return Weighted(shares, row.medians[_EFFECT], row.medians[_WORTH], targets)


@dataclass(frozen=True)
class Figures:
    """What is weighted: the respondents, and the questions of a plan."""

    plan: Plan
    asked: Mapping[str, Asked]
    respondents: Sequence[Person]


class _Weighing:
    def __init__(
        self,
        figures: Figures,
        targets: Sequence[Target],
        release: Published[Cell],
        before: Sequence[Release],
        least: int,
    ) -> None:
        self._figures, self._release, self._least = figures, release, least
        self._wanted = weighting.by_question(targets)
        self._before = [(*json.loads(name), count) for row in before for name, count in row.figures.items()]
        self.behind: dict[str, int | None] = {}  # the counts from which shares came, which a reader may work out
        self.people = len(figures.respondents)
        self._classes = [self._class_of(person) for person in figures.respondents]

    @cached_property
    def groups(self) -> list[Group]:
        """Return the classes, joined until each is large enough."""
        weights = self._raked()
        sizes = Counter(self._classes)
        found = [Group(frozenset({raw}), size, weights.get(raw, 1.0)) for raw, size in sizes.items()]
        found.sort(key=lambda group: (group.weight, sorted(group.raw)))
        while len(found) > 1 and (smallest := min(found, key=lambda group: group.size)).size < CLASS:
            place = found.index(smallest)
            beside = [each for each in (place - 1, place + 1) if 0 <= each < len(found)]
            other = min(beside, key=lambda each: abs(found[each].weight - smallest.weight))
            first, second = sorted((place, other))
            found[first : second + 1] = [_join(found[first], found[second])]
        return found

    @cached_property
    def design_effect(self) -> float:
        """Return Kish's: by how much unequal weights inflate the variance of a mean."""
        total = sum(group.size * group.weight for group in self.groups)
        return sum(group.size * group.weight**2 for group in self.groups) * self.people / total**2

    @cached_property
    def shares(self) -> dict[Cell, float]:
        """Return the weighted shares that may be shown."""
        found: dict[Cell, float] = {}
        if len(self.groups) > 1:
            for figure in self._figures.plan.figures():
                fits = figure.kind in KINDS and all(name in self._figures.asked for name in figure.questions)
                found |= dict(self._shares(figure)) if fits else {}
        return found

    def _shares(self, figure: Figure) -> Iterator[tuple[Cell, float]]:
        asked = self._figures.asked[figure.question]
        if not self._is_open(figure.of):
            return
        for table in self._tables(asked, figure.of):
            shown = self._shown(asked, table)
            answered = [code for code in table if code not in {SILENT, _ELSE}]
            whole = sum(self._weight(table[code]) for code in answered)
            for code in shown & set(asked.codes) if whole else ():
                if not asked.many or NOT + code in shown:
                    yield Cell(asked.name, code, ALL), round(self._weight(table[code]) / whole, 4)

    def _is_open(self, of: tuple[str, tuple[str, ...]] | None) -> bool:
        """Tell whether who was asked may be known by class: by the shares of the question that decides it."""
        if of is None:
            return True
        asked, origin = self._figures.asked[of[0]], next(f.of for f in self._deciding(of[0]))
        if asked.many or not self._is_open(origin):
            return False
        (table,) = self._tables(asked, origin)
        return set(of[1]) <= self._shown(asked, table)

    def _deciding(self, name: str) -> list[Figure]:
        return [f for f in self._figures.plan.figures() if f.question == name and f.kind in KINDS] or [_ANY]

    def _tables(self, asked: Asked, of: tuple[str, tuple[str, ...]] | None) -> Iterator[dict[str, list[int]]]:
        """Yield how many of each group gave each answer; where several may be given, a table for each of them."""
        raw = self._raw(asked, of)
        codes = [[code, NOT + code] for code in asked.codes] if asked.many else [list(asked.codes)]
        for each in codes:
            yield {
                code: [sum(raw[code, one] for one in group.raw) for group in self.groups]
                for code in (*each, SILENT, _ELSE)
            }

    def _raw(self, asked: Asked, of: tuple[str, tuple[str, ...]] | None) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for person, one in zip(self._figures.respondents, self._classes, strict=True):
            said = person.answers.get(asked.name, ())
            if not is_asked(person, of):
                found[_ELSE, one] += 1
            elif not said:
                found[SILENT, one] += 1
            else:
                found.update((code, one) for code in said)
                found.update((NOT + code, one) for code in asked.codes if asked.many and code not in said)
        return found

    def _shown(self, asked: Asked, table: Table) -> set[str]:
        """Return the answers of a table that may be shown, and note what is behind them."""
        closed = [code for code in asked.codes if self._release.figures.get(Cell(asked.name, code, ALL)) is None]
        moved, floors = self._since(asked.name, table)
        shown = showable(table, self._least, closed, moved, floors)
        if not {SILENT, _ELSE} <= shown:
            return set()  # what shares are of would tell how many of the others were silent
        for code in shown:
            for group, count in zip(self.groups, table[code], strict=True):
                self.behind[json_name((asked.name, code, sorted(group.raw)))] = count
        return shown

    def _since(self, name: str, table: Table) -> tuple[set[str], dict[str, list[int]]]:
        """Return of which answers a class differs by few from earlier tables, and the least that is known of each."""
        moved: set[str] = set()
        floors = {code: [0] * len(self.groups) for code in table}
        places = {group.raw: place for place, group in enumerate(self.groups)}
        for question, code, raw, count in self._before:
            if question != name or code not in table:
                continue
            inside = [group for group in places if group & set(raw)]
            now = sum(table[code][places[group]] for group in inside)
            if inside and (frozenset().union(*inside) != set(raw) or 0 < abs(now - count) < self._least):
                moved.add(code)
            place = places.get(frozenset(raw))
            if place is not None and count <= table[code][place]:
                floors[code][place] = max(floors[code][place], count)
        return moved, floors

    def _weight(self, column: Sequence[int]) -> float:
        return sum(count * group.weight for count, group in zip(column, self.groups, strict=True))

    def _class_of(self, person: Person) -> str:
        said = [person.answers.get(name, ("",))[0] for name in self._wanted]
        fits = all(code in codes for code, codes in zip(said, self._wanted.values(), strict=True))
        return f"{','.join(self._wanted)}:{'|'.join(said) if fits else ''}"

    def _raked(self) -> dict[str, float]:
        """Return the weight of each class whose people gave declared answers."""
        from bot.exports.raking import rake  # loads numpy

        fitting = [one for one in self._classes if not one.endswith(":")]
        people = [one.partition(":")[2].split("|") for one in fitting]
        _, places, shares = weighting.margins_of(list(self._wanted.values()), people)
        return dict(zip(fitting, map(float, rake(places, shares).weights), strict=True))


_ANY = Figure("", Kind.BARS, {}, {})


def _join(one: Group, other: Group) -> Group:
    size = one.size + other.size
    weight = (one.weight * one.size + other.weight * other.size) / size
    return Group(one.raw | other.raw, size, weight)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
