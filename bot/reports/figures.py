"""Figures as a report shows them: a title that says the finding, a chart, notes, a text alternative and a table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.exports.response import GROUPS, rates
from bot.reports import charts
from bot.reports.charts import Column, Row
from bot.reports.counting import (
    ALL,
    ANSWERED,
    CHAIN,
    OUTCOME,
    RESPONDENTS,
    SILENT,
    SOURCE,
    STANDING,
    STANDINGS,
    Asked,
    Cell,
)
from bot.reports.plan import BUILT_IN, OF_ALL, Figure, Kind
from bot.reports.published import Published
from bot.reports.weights import KINDS as WEIGHTED
from bot.reports.wording import Wording
from bot.surveys.form import Form, Question


@dataclass(frozen=True)
class Drawn:
    """One figure, all in words and plain values; `chart` is what messages/reports/charts.typ draws, None: nothing."""

    id: str
    topic: str
    title: str
    question: str
    chart: dict[str, Any] | None
    notes: tuple[str, ...]
    alt: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    finding: str | None  #: a sentence for the summary
    share: str | None  #: the number in it


@dataclass(frozen=True)
class View:
    """A report's part of the numbers: its countries of origin in columns, the first of which titles speak of."""

    published: Published
    form: Form
    questions: Mapping[str, Question]
    asked: Mapping[str, Asked]
    wording: Wording
    origins: tuple[str, ...]
    period: str
    world: charts.World

    def draw(self, figure: Figure) -> Drawn:
        """Return a figure whose questions the form has."""
        return _Drawing(self, figure).drawn()

    def origin_name(self, origin: str) -> str:
        """Return how a column is headed."""
        return self.wording.say("origin_all") if origin == ALL else self.wording.country(origin)


#: Of how many answers the line under a figure says the weighted share.
_TOLD = 3


class _Drawing:
    def __init__(self, view: View, figure: Figure) -> None:
        self._view, self._figure = view, figure
        self._published, self._wording = view.published, view.wording
        self._origins = (ALL,) if figure.kind is Kind.OUTCOMES else view.origins
        self._main = self._origins[0]
        self._labels = self._named()

    def drawn(self) -> Drawn:
        """Return the figure."""
        figure, wording = self._figure, self._wording
        topic = wording.fill(figure.title)
        finding, share = self._finding()
        rows = list(self._rows())
        chart = self._chart(rows)
        head, table = self._table(rows)
        return Drawn(
            id=figure.id,
            topic=topic,
            title=finding or topic,
            question=self._question_text(),
            chart=chart,
            notes=tuple(self._notes(chart is None, rows)),
            alt=self._alt(finding or topic, rows),
            head=head,
            rows=table,
            finding=finding,
            share=share,
        )

    # what it is made of

    def _named(self) -> dict[str, str]:
        figure, wording = self._figure, self._wording
        if figure.kind is Kind.STANDING:
            stands = [code for code in STANDINGS if Cell(STANDING, code, self._main) in self._published.figures]
            return {code: wording.say(f"standing_{code}") for code in stands}
        if figure.kind in {Kind.SOURCES, Kind.CHAINS}:
            said = sorted({cell.said for cell in self._published.figures if cell.question == self._name})
            key = "source" if figure.kind is Kind.SOURCES else "chain"
            return {code: wording.say(f"{key}_{code}".replace(" ", "_")) for code in said}
        if figure.kind is Kind.OUTCOMES:
            return {code: wording.say(f"outcome_{code}") for code in GROUPS}
        known = wording.choices(self._view.form, self._view.questions[figure.question])
        codes = self._view.asked[figure.question].codes
        if figure.kind is Kind.PYRAMID:
            sides = wording.choices(self._view.form, self._view.questions[figure.across])
            return {f"{side}|{code}": f"{sides[side]}, {known[code]}" for code in codes for side in figure.sides}
        return {code: known[code] for code in codes}

    @property
    def _name(self) -> str:
        """Return the question of the cells."""
        built_in = {Kind.STANDING: STANDING, Kind.SOURCES: SOURCE, Kind.CHAINS: CHAIN, Kind.OUTCOMES: OUTCOME}
        built_in[Kind.CORRIDORS] = self._figure.measure
        return built_in.get(self._figure.kind, self._figure.question)

    def _cell(self, code: str, origin: str) -> Cell:
        return Cell(self._name, code, origin)

    def _base(self, origin: str) -> int | None:
        if self._figure.kind is Kind.OUTCOMES:
            groups = [self._published.number(self._cell(group, ALL)) for group in GROUPS]
            return None if None in groups else sum(number or 0 for number in groups)
        if self._figure.kind in {*BUILT_IN, Kind.PYRAMID}:
            return self._published.number(Cell("", RESPONDENTS, origin))
        return self._published.base(self._figure, self._view.asked[self._figure.question], origin)

    def _rows(self) -> Iterator[Row]:
        """Yield a row for each choice, in the order in which they are shown."""
        for code in self._order():
            cells = [self._cell(code, origin) for origin in self._origins]
            bases = [self._base(origin) for origin in self._origins]
            yield Row(
                code,
                self._labels[code],
                tuple(map(self._published.number, cells)),
                tuple(self._published.share(cell, base) for cell, base in zip(cells, bases, strict=True)),
                tuple(map(self._published.median, cells)),
                self._weighted(code),
            )

    def _weighted(self, code: str) -> float | None:
        return self._published.weighted_share(self._cell(code, ALL), self._base(ALL)) if self._is_weighted else None

    @property
    def _is_weighted(self) -> bool:
        """Tell whether the figure has weighted shares beside its others, where these may be shown."""
        return self._published.weighted is not None and self._figure.kind in WEIGHTED and self._main == ALL

    def _order(self) -> list[str]:
        codes = list(self._labels)
        if not self._figure.by_size or self._figure.kind in {*OF_ALL, Kind.CHAINS}:
            return codes
        public = {code: self._published.number(self._cell(code, self._main)) or 0 for code in codes}
        return sorted(codes, key=lambda code: (code in self._figure.last, -public[code], codes.index(code)))

    # what it says

    def _finding(self) -> tuple[str | None, str | None]:
        """Return what the title can say with the numbers that are public, and its main number."""
        figure, wording = self._figure, self._wording
        if figure.kind is Kind.CORRIDORS:
            return self._dearest(), None
        base = self._base(self._main)
        if figure.counts:
            numbers = [self._published.number(self._cell(code, self._main)) for code in figure.counts]
            if base is None or base < charts.LEAST_BASE or None in numbers:
                return None, None
            share = wording.share(sum(number or 0 for number in numbers) / base)
            return wording.fill(figure.finding, share=share), share
        leading = self._leading()
        shares = [self._published.share(self._cell(code, self._main), base) for code in leading]
        if len(shares) < 2 or not all(shares):
            return None, None
        values = {"top": self._labels[leading[0]], "second": self._labels[leading[1]]}
        share = wording.share(shares[0])
        return wording.fill(figure.finding, share=share, second_share=wording.share(shares[1]), **values), share

    def _leading(self) -> list[str]:
        """Return the two choices made most; nothing when a hidden one could be among them."""
        codes = [code for code in self._labels if code not in self._figure.last]
        numbers = {code: self._published.number(self._cell(code, self._main)) for code in codes}
        known = sorted(((number, code) for code, number in numbers.items() if number), key=lambda each: -each[0])[:2]
        asked = self._base(self._main) or 0
        rest = asked - sum(number or 0 for number in numbers.values())
        several = self._figure.kind not in {*BUILT_IN, Kind.PYRAMID} and self._view.asked[self._figure.question].many
        open_to = asked if several else rest
        safe = None not in numbers.values() or (known and open_to < known[-1][0])
        return [code for _, code in known] if safe else []

    def _dearest(self) -> str | None:
        known = sorted(
            (median, self._corridor(row.label, origin))
            for row in self._rows()
            if row.code not in self._figure.last
            for origin, median in zip(self._origins, row.medians, strict=True)
            if origin != ALL and median is not None
        )
        if len(known) < 2:
            return None
        (lowest, cheapest), (highest, dearest) = known[0], known[-1]
        values = {"lowest": self._wording.percent(lowest), "highest": self._wording.percent(highest)}
        return self._wording.fill(self._figure.finding, cheapest=cheapest, dearest=dearest, **values)

    def _corridor(self, place: str, origin: str) -> str:
        return self._wording.say("corridor", place=place, origin=self._wording.country(origin))

    def _question_text(self) -> str:
        if self._figure.kind in BUILT_IN:
            return ""
        asked = self._wording.labelled(self._view.form, self._view.questions[self._figure.question].label)
        return "" if self._figure.kind is Kind.CORRIDORS else self._wording.say("question", question=asked)

    def _notes(self, empty: bool, rows: Iterable[Row]) -> Iterator[str]:
        wording, figure = self._wording, self._figure
        if empty:
            yield wording.say("too_few")
        yield self._base_note()
        if figure.kind not in {*BUILT_IN, Kind.PYRAMID, Kind.CORRIDORS} and self._view.asked[figure.question].many:
            yield wording.say("several")
        if figure.kind is Kind.MAP:
            yield wording.say("map_note")
        if figure.kind is Kind.OUTCOMES:
            yield from self._rates()
        if self._is_weighted:
            yield self._weighted_note(rows)
        if figure.note:
            yield wording.fill(figure.note)
        yield self._view.period

    def _rates(self) -> Iterator[str]:
        """Say AAPOR's rates, when no group is hidden that they would tell."""
        groups = {group: self._published.number(self._cell(group, ALL)) for group in GROUPS}
        if (self._base(ALL) or 0) >= charts.LEAST_BASE:
            found = rates({group: number or 0 for group, number in groups.items()})
            told = {"response": "RR2", "cooperation": "COOP2", "refusal": "REF1", "contact": "CON1"}
            yield self._wording.say("rates", **{key: self._wording.share(found[name]) for key, name in told.items()})

    def _weighted_note(self, rows: Iterable[Row]) -> str:
        told = [row for row in rows if row.weighted is not None and row.shares[0]]
        first = [row for row in told if row.code in self._figure.counts] or told[:_TOLD]
        shown = self._wording.say("between").join(f"{row.label} {self._wording.share(row.weighted)}" for row in first)
        return self._wording.say("weighted" if shown else "weighted_none", shown=shown)

    def _base_note(self) -> str:
        wording, figure, parts = self._wording, self._figure, []
        if figure.kind is Kind.OUTCOMES:
            return wording.say("base_interviews", count=wording.count(self._base(ALL)))
        for origin in self._origins:
            name = self._view.origin_name(origin)
            if figure.kind in {*BUILT_IN, Kind.PYRAMID, Kind.CORRIDORS}:
                everybody = wording.count(self._published.asked(figure, origin))
                parts.append(wording.say("base_all", origin=name, asked=everybody))
                continue
            asked = wording.count(self._published.asked(figure, origin))
            answered = self._published.answered(figure, self._view.asked[figure.question], origin)
            if answered is None:
                parts.append(wording.say("base_asked", origin=name, asked=asked))
            else:
                parts.append(wording.say("base", origin=name, asked=asked, answered=wording.count(answered)))
        asking = figure.kind not in {*BUILT_IN, Kind.PYRAMID, Kind.CORRIDORS}
        return wording.say("bases" if asking else "bases_all", bases=wording.say("between").join(parts))

    def _alt(self, title: str, rows: Iterable[Row]) -> str:
        """Return the chart in words: the title, and the numbers of the first column."""
        wording = self._wording
        said = []
        for row in rows:
            value = row.medians[0] if self._figure.kind is Kind.CORRIDORS else row.shares[0]
            if value is not None:
                text = wording.percent(value) if self._figure.kind is Kind.CORRIDORS else wording.share(value)
                said.append(f"{row.label} {text}")
        shown = "; ".join(said) or wording.say("too_few")
        return wording.say("alt", title=title, origin=self._view.origin_name(self._main), shown=shown)

    # chart and table

    def _columns(self) -> list[Column]:
        names = [self._view.origin_name(origin) for origin in self._origins]
        return [
            Column(origin, name, self._wording.count(self._base(origin)))
            for origin, name in zip(self._origins, names, strict=True)
        ]

    def _chart(self, rows: list[Row]) -> dict[str, Any] | None:
        columns = self._columns()
        match self._figure.kind:
            case Kind.STANDING | Kind.OUTCOMES:
                return charts.standing(rows, self._wording)
            case Kind.SCALE:
                return charts.scale(rows, columns, self._wording)
            case Kind.PYRAMID:
                return charts.pyramid(self._figure, rows, columns, self._wording)
            case Kind.MAP:
                return self._view.world.chart(rows, columns, self._wording)
            case Kind.CORRIDORS:
                return charts.corridors(rows, columns, self._wording, self._corridor)
            case _:
                return charts.bars(rows, columns, self._wording)

    def _table(self, rows: list[Row]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        wording, kind = self._wording, self._figure.kind
        if kind is Kind.CORRIDORS:
            head = [wording.say("table_corridor"), wording.say("table_answered"), wording.say("table_median")]
            return tuple(head), tuple(self._corridor_rows(rows))
        head = [wording.say("table_answer")]
        for origin in self._origins:
            head += [wording.say("table_number", origin=self._view.origin_name(origin)), "%"]
        table = [(row.label, *self._pairs(row.numbers, row.shares)) for row in rows]
        if kind is Kind.OUTCOMES:
            table.append((wording.say("interviews"), *self._pairs([self._base(ALL)], None)))
        elif kind in {*BUILT_IN, Kind.PYRAMID}:
            everybody = [self._published.number(Cell("", RESPONDENTS, origin)) for origin in self._origins]
            table.append((wording.say("respondents"), *self._pairs(everybody, None)))
        else:
            table += self._endings()
        if self._is_weighted:  # beside the share of all
            shown = [wording.share(row.weighted) for row in rows]
            shown += [""] * (len(table) - len(shown))
            table = [(*line[:3], share, *line[3:]) for line, share in zip(table, shown, strict=True)]
            head.insert(3, wording.say("table_weighted"))
        return tuple(head), tuple(table)

    def _endings(self) -> list[tuple[str, ...]]:
        """Return the rows below the choices: who did not answer, who did, and who was asked."""
        name, origins = self._figure.question, self._origins
        silent = [self._published.number(Cell(name, SILENT, origin)) for origin in origins]
        asked = [self._published.asked(self._figure, origin) for origin in origins]
        rows = [("no_answer", silent), ("table_asked", asked)]
        if self._view.asked[name].many:
            rows.insert(0, ("table_gave", [self._published.number(Cell(name, ANSWERED, each)) for each in origins]))
        return [(self._wording.say(key), *self._pairs(numbers, None)) for key, numbers in rows]

    def _pairs(self, numbers: Iterable[int | None], shares: Iterable[float | None] | None) -> Iterator[str]:
        listed = list(numbers)
        texts = [""] * len(listed) if shares is None else list(map(self._wording.share, shares))
        for number, text in zip(listed, texts, strict=True):
            yield self._wording.count(number)
            yield text

    def _corridor_rows(self, rows: list[Row]) -> Iterator[tuple[str, ...]]:
        for place, (origin, number, median) in (
            (row.label, each) for row in rows for each in zip(self._origins, row.numbers, row.medians, strict=True)
        ):
            if origin != ALL and number != 0:
                said = self._wording.percent(median) if median is not None else "–"
                yield self._corridor(place, origin), self._wording.count(number), said
