"""What a report shows: the plan of a form, messages/reports/<form>.yaml, as typed values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.content.console import CONSOLE_LANGUAGES
from bot.content.files import ContentError, read_yaml

#: Reports speak the languages of staff.
LANGUAGES = CONSOLE_LANGUAGES
Texts = Mapping[str, str]  # by language


class Kind(StrEnum):
    """How a figure is counted and drawn."""

    STANDING = "standing"  #: how far people came
    SOURCES = "sources"  #: by which link they came
    OUTCOMES = "outcomes"  #: how interviews ended, by AAPOR's groups
    CHAINS = "chains"  #: over how many members' links they came
    BARS = "bars"
    SCALE = "scale"  #: parts of a whole, in the form's order
    PYRAMID = "pyramid"
    MAP = "map"
    CORRIDORS = "corridors"  #: from a country of residence to one of origin


#: Kinds that rest on no question of the form.
BUILT_IN = {Kind.STANDING, Kind.SOURCES, Kind.OUTCOMES, Kind.CHAINS}
#: Those that are of all interviews, not of respondents by country.
OF_ALL = {Kind.STANDING, Kind.OUTCOMES}


@dataclass(frozen=True)
class Figure:
    """One figure; questions and choices by their names in the form."""

    id: str
    kind: Kind
    title: Texts
    finding: Texts  #: what the title says when its numbers may be published
    question: str = ""
    of: tuple[str, tuple[str, ...]] | None = None  #: only who chose one of these: question, choices
    across: str = ""  #: of a pyramid: the question of its two sides
    sides: tuple[str, ...] = ()
    measure: str = ""  #: of corridors: the number whose median counts
    counts: tuple[str, ...] = ()  #: choices whose share the title says; none: the choice made most
    last: tuple[str, ...] = ()  #: choices that stand last, whatever their size, and lead no title
    by_size: bool = True
    note: Texts | None = None
    summary: bool = False

    @property
    def questions(self) -> tuple[str, ...]:
        """Return the names of the questions it needs."""
        return tuple(filter(None, (self.question, self.across, self.measure, self.of[0] if self.of else "")))


@dataclass(frozen=True)
class Section:
    """A chapter."""

    id: str
    title: Texts
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Headline:
    """A number of the summary: of which figure, and what it says of people."""

    figure: str
    says: Texts


@dataclass(frozen=True)
class Plan:
    """The whole report of a form."""

    origin: str  #: the question that says the country of origin
    countries: tuple[str, ...]
    title: Texts
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]

    def figures(self) -> Iterator[Figure]:
        """Yield every figure in order."""
        for section in self.sections:
            yield from section.figures


def forms(messages_dir: Path) -> list[str]:
    """Return the ids of the forms that have a plan."""
    return sorted(path.stem for path in (messages_dir / "reports").glob("*.yaml"))


def load(messages_dir: Path, form_id: str) -> Plan:
    """Read a plan; raise ContentError when there is none, or with what to put right in it."""
    if form_id not in forms(messages_dir):
        known = ", ".join(forms(messages_dir))
        raise ContentError(
            f"There is no plan of a report for {form_id}: write messages/reports/{form_id}.yaml ({known})"
        )
    data = read_yaml(messages_dir / "reports" / f"{form_id}.yaml")
    try:
        return _plan(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"does not read as a plan: {error}"
        raise ContentError(f"reports/{form_id}.yaml {what}") from error


def _plan(data: Mapping[str, Any]) -> Plan:
    plan = Plan(
        origin=data["origin"],
        countries=tuple(data["countries"]),
        title=_texts(data["title"]),
        headlines=tuple(Headline(each["figure"], _texts(each["says"])) for each in data.get("headlines", [])),
        sections=tuple(
            Section(each["id"], _texts(each["title"]), tuple(map(_figure, each["figures"])))
            for each in data["sections"]
        ),
    )
    ids = [figure.id for figure in plan.figures()]
    if len(ids) != len(set(ids)):
        raise ValueError("two figures have one id")
    if unknown := {headline.figure for headline in plan.headlines} - set(ids):
        raise ValueError(f"headlines name figures that are none: {', '.join(sorted(unknown))}")
    return plan


def _figure(data: Mapping[str, Any]) -> Figure:
    kind = Kind(data["kind"])
    only = next(iter(data["of"].items())) if "of" in data else None
    figure = Figure(
        id=data["id"],
        kind=kind,
        title=_texts(data["title"]),
        finding=_texts(data["finding"]),
        question=data["question"] if kind not in BUILT_IN else "",
        of=(only[0], tuple(only[1])) if only else None,
        across=data["across"] if kind is Kind.PYRAMID else "",
        sides=tuple(data["sides"]) if kind is Kind.PYRAMID else (),
        measure=data["measure"] if kind is Kind.CORRIDORS else "",
        counts=tuple(data.get("counts", ())),
        last=tuple(data.get("last", ())),
        by_size=data.get("order", "size") == "size" and kind not in {Kind.SCALE, Kind.PYRAMID},
        note=_texts(data["note"]) if "note" in data else None,
        summary=data.get("summary") == "true",
    )
    if kind is Kind.PYRAMID and len(figure.sides) != 2:
        raise ValueError(f"{figure.id}: a pyramid has two sides")
    return figure


def _texts(data: Any) -> Texts:
    if missing := [language for language in LANGUAGES if not data.get(language)]:
        raise ValueError(f"{data} has no text in {', '.join(missing)}")
    return {language: str(data[language]) for language in LANGUAGES}
