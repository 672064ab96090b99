"""Count people: every cell that a report of any country may show, and the sums that readers know of them.

Reports of single countries are views of the same cells, so what one hides no other gives away.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from bot.disclosure.suppression import Sum
from bot.exports.response import GROUPS
from bot.reports.people import COMPLETE, DECLINED, INVITED, LEFT, PARTIAL, Person
from bot.reports.plan import Figure, Kind, Plan

ALL = "*all"
#: What cells count beside the choices of a form.
RESPONDENTS, SILENT, ANSWERED, NOT = "*respondents", "*silent", "*answered", "!"
STANDING, SOURCE, OUTCOME, CHAIN = "*standing", "*source", "*outcome", "*chain"
ELSEWHERE = "elsewhere"  # who is from none of the plan's countries
STANDINGS = (COMPLETE, PARTIAL, LEFT, DECLINED, INVITED)


class Cell(NamedTuple):
    """A number of people: which question, what they said, of which country of origin (or ALL)."""

    question: str
    said: str
    origin: str


#: All respondents.
EVERYBODY = Cell("", RESPONDENTS, ALL)


@dataclass(frozen=True)
class Asked:
    """A question as a report counts it: its choices in the form's order, and whether several may be chosen."""

    name: str
    codes: tuple[str, ...]
    many: bool


@dataclass
class Counted:
    """Every cell with its number, the sums between them, and the medians of corridors by cell."""

    counts: dict[Cell, int] = field(default_factory=dict)
    sums: list[Sum[Cell]] = field(default_factory=list)
    medians: dict[Cell, float] = field(default_factory=dict)

    def add(self, cell: Cell, count: int) -> Cell:
        """Note a number."""
        self.counts[cell] = count
        return cell

    def sum_up(self, parts: Iterable[Cell], total: Cell) -> None:
        """Note that readers know the sum of these."""
        self.sums.append(Sum(tuple(parts), total))


def count(plan: Plan, questions: Mapping[str, Asked], people: Iterable[Person]) -> Counted:
    """Count everything that the plan shows of these questions; who comes from none of its countries is left out."""
    return _Counting(plan, questions, people).run()


def respondents(plan: Plan, people: Iterable[Person]) -> list[Person]:
    """Return who comes from a country of the plan."""
    return _Counting(plan, {}, people).respondents


class _Counting:
    def __init__(self, plan: Plan, questions: Mapping[str, Asked], people: Iterable[Person]) -> None:
        self._plan, self._questions, self._found = plan, questions, Counted()
        everybody = self._everybody = list(people)
        self._others = [person for person in everybody if plan.origin not in person.answers]
        self._groups: dict[str, list[Person]] = {country: [] for country in plan.countries}
        for person in everybody:
            for code in person.answers.get(plan.origin, ()):
                if code in self._groups:
                    self._groups[code].append(person)
        self._groups[ALL] = [person for country in plan.countries for person in self._groups[country]]

    @property
    def respondents(self) -> list[Person]:
        """Return who is counted in the figures of answers."""
        return self._groups[ALL]

    def run(self) -> Counted:
        """Return all cells."""
        self._each(lambda people: {RESPONDENTS: len(people)}, "")
        self._across("", (RESPONDENTS,))
        for figure in self._plan.figures():
            if all(name in self._questions for name in figure.questions):
                self._figure(figure)
        if any(figure.kind is Kind.OUTCOMES for figure in self._plan.figures()):
            self._outcomes()
        return self._found

    def _figure(self, figure: Figure) -> None:
        match figure.kind:
            case Kind.STANDING:
                self._parts(STANDING, (COMPLETE, PARTIAL), lambda person: (person.standing,))
                self._beside_respondents()
            case Kind.SOURCES:
                kinds = sorted({person.source for person in self._groups[ALL]})
                self._parts(SOURCE, kinds, lambda person: (person.source,))
            case Kind.CHAINS:
                lengths = sorted({person.chain for person in self._groups[ALL]})
                self._parts(CHAIN, lengths, lambda person: (person.chain,))
            case Kind.OUTCOMES:
                pass  # when all others are counted, with which it has sums
            case Kind.PYRAMID:
                self._pyramid(figure)
            case Kind.CORRIDORS:
                self._corridors(figure)
            case _:
                self._question(self._questions[figure.question], figure.of)

    # one question

    def _question(self, asked: Asked, of: tuple[str, tuple[str, ...]] | None) -> None:
        name = asked.name
        if Cell(name, SILENT, ALL) in self._found.counts:
            return
        base = self._base(of)

        def tally(people: list[Person]) -> dict[str, int]:
            within = [person for person in people if is_asked(person, of)]
            said = Counter(code for person in within for code in set(person.answers.get(name, ())))
            answered = sum(1 for person in within if name in person.answers)
            found = {code: said[code] for code in asked.codes} | {SILENT: len(within) - answered}
            if asked.many:
                found |= {ANSWERED: answered} | {NOT + code: len(within) - said[code] for code in asked.codes}
            return found

        self._each(tally, name)
        for origin in self._groups:
            silent, answered = Cell(name, SILENT, origin), Cell(name, ANSWERED, origin)
            if asked.many:
                self._found.sum_up((silent, answered), base(origin))
                for code in asked.codes:
                    self._found.sum_up((Cell(name, code, origin), Cell(name, NOT + code, origin)), base(origin))
            else:
                self._found.sum_up((silent, *(Cell(name, code, origin) for code in asked.codes)), base(origin))
        beside = (ANSWERED, *(NOT + code for code in asked.codes)) if asked.many else ()
        self._across(name, (SILENT, *asked.codes, *beside))

    def _base(self, of: tuple[str, tuple[str, ...]] | None) -> Callable[[str], Cell]:
        """Return what says how many were asked; those who chose one of several answers are a sum of their own."""
        if of is None:
            return lambda origin: Cell("", RESPONDENTS, origin)
        name, codes = of
        self._question(self._questions[name], None)
        if len(codes) == 1:
            return lambda origin: Cell(name, codes[0], origin)
        together = "+".join(codes)
        if Cell(name, together, ALL) not in self._found.counts:
            self._each(lambda people: {together: sum(1 for person in people if is_asked(person, of))}, name)
            for origin in self._groups:
                self._found.sum_up((Cell(name, code, origin) for code in codes), Cell(name, together, origin))
            self._across(name, (together,))
        return lambda origin: Cell(name, together, origin)

    # other figures

    def _parts(self, name: str, codes: Iterable[str], said: Callable[[Person], tuple[str, ...]]) -> None:
        """Count the parts of all respondents."""
        wanted = tuple(codes)

        def tally(people: list[Person]) -> dict[str, int]:
            found = Counter(code for person in people for code in said(person))
            return {code: found[code] for code in wanted}

        self._each(tally, name)
        for origin in self._groups:
            self._found.sum_up((Cell(name, code, origin) for code in wanted), Cell("", RESPONDENTS, origin))
        self._across(name, wanted)

    def _beside_respondents(self) -> None:
        """Count who is no respondent, whose country nobody knows."""
        found = Counter(person.standing for person in self._others)
        found[LEFT] += found.pop(COMPLETE, 0) + found.pop(PARTIAL, 0)
        for code in (LEFT, DECLINED, INVITED):
            self._found.add(Cell(STANDING, code, ALL), found[code])

    def _outcomes(self) -> None:
        """Count interviews by AAPOR's groups, and by group and standing, which nobody sees but who subtracts."""
        found = Counter((self._stands(person), person.outcome) for person in self._everybody)
        stands = (*STANDINGS, ELSEWHERE)
        for stand in stands:
            parts = [self._found.add(Cell(OUTCOME, f"{stand}/{group}", ALL), found[stand, group]) for group in GROUPS]
            if (total := Cell(STANDING, stand, ALL)) in self._found.counts:
                self._found.sum_up(parts, total)
        for group in GROUPS:
            total = self._found.add(Cell(OUTCOME, group, ALL), sum(found[stand, group] for stand in stands))
            self._found.sum_up((Cell(OUTCOME, f"{stand}/{group}", ALL) for stand in stands), total)

    def _stands(self, person: Person) -> str:
        """Return as what the figure of how far people came counts somebody."""
        origins = person.answers.get(self._plan.origin)
        if origins is None:
            return LEFT if person.standing in (COMPLETE, PARTIAL) else person.standing
        return person.standing if set(origins) & set(self._plan.countries) else ELSEWHERE

    def _pyramid(self, figure: Figure) -> None:
        rows, sides = self._questions[figure.question], self._questions[figure.across]
        self._question(sides, None)
        keys = {(side, row): f"{side}|{row}" for side in figure.sides for row in (*rows.codes, SILENT)}

        def tally(people: list[Person]) -> dict[str, int]:
            found: Counter[tuple[str, str]] = Counter()
            for person in people:
                for side in person.answers.get(figure.across, ()):
                    found[side, person.answers.get(figure.question, (SILENT,))[0]] += 1
            return {key: found[pair] for pair, key in keys.items()}

        self._each(tally, figure.question)
        for origin in self._groups:
            for side in figure.sides:
                parts = (Cell(figure.question, key, origin) for (of, _), key in keys.items() if of == side)
                self._found.sum_up(parts, Cell(figure.across, side, origin))
        self._across(figure.question, keys.values())

    def _corridors(self, figure: Figure) -> None:
        """Count who gave the number by corridor; the others of a corridor are a cell too, for its sum is known."""
        places = self._questions[figure.question]
        for origin, people in self._groups.items():
            for code in places.codes:
                there = [
                    person
                    for person in people
                    if code in person.answers.get(figure.question, ()) and is_asked(person, figure.of)
                ]
                numbers = [number for person in there if (number := _number(person, figure.measure)) is not None]
                cell = self._found.add(Cell(figure.measure, code, origin), len(numbers))
                if numbers:
                    self._found.medians[cell] = median(numbers)
        self._across(figure.measure, places.codes)

    # helpers

    def _each(self, tally: Callable[[list[Person]], dict[str, int]], question: str) -> None:
        for origin, people in self._groups.items():
            for said, number in tally(people).items():
                self._found.add(Cell(question, said, origin), number)

    def _across(self, question: str, said: Iterable[str]) -> None:
        """Note that the countries of origin add up to all."""
        for each in said:
            parts = (Cell(question, each, country) for country in self._plan.countries)
            self._found.sum_up(parts, Cell(question, each, ALL))


def is_asked(person: Person, of: tuple[str, tuple[str, ...]] | None) -> bool:
    """Tell whether a question that is only for who chose one of these was for a person."""
    return of is None or bool(set(of[1]) & set(person.answers.get(of[0], ())))


def _number(person: Person, name: str) -> float | None:
    try:
        return float(person.answers[name][0])
    except (KeyError, ValueError):
        return None
