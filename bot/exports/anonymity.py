"""k-anonymity: how many people share what others know of a person, who is nearly alone with it, and what helps."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import floor
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.disclosure.suppression import FLOOR
from bot.exports.cases import Given, Missing, Reply, stream
from bot.exports.interviews import Interviews
from bot.exports.models import Export, ExportMember
from bot.exports.options import ExportError, Options
from bot.exports.privacy import derived
from bot.exports.variables import NUMBER, Kind, Variable, tables
from bot.sentences import Sentence
from bot.surveys.form import Form, Type
from bot.surveys.models import Answer

#: What others know of a person without asking, by the names that forms give to such questions.
_KNOWN = re.compile(
    r"(country_?(of_?)?)?(origin|residence|nationality|citizenship)|(age|birth|born)(_(band|group|range|year|date))?"
    r"|year_of_birth|sex|gender"
)
_NAMED = 50  # combinations that the manifest names: the rarest
_WIDTH = re.compile(r"([\w./-]+):([1-9]\d{0,3})", re.ASCII)
Values = tuple[str, ...]


@dataclass(frozen=True)
class Anonymity:
    """What the check found; `groups` are the people by their combination of answers, "" for none."""

    questions: tuple[str, ...] = ()
    groups: Counter[Values] = field(default_factory=Counter)
    rare: frozenset[str] = frozenset()  #: respondents whose combination fewer than FLOOR share
    masked: bool = False
    bands: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it for the manifest, with how many would be left below if a question were not in it."""
        below = {values: count for values, count in self.groups.items() if count < FLOOR}
        named = sorted(below.items(), key=lambda item: (item[1], item[0]))[:_NAMED]
        return {
            "questions": list(self.questions),
            "least": FLOOR,
            "k": min(self.groups.values(), default=0),
            "people_below": 0 if self.masked else sum(below.values()),
            "people_masked": sum(below.values()) if self.masked else 0,
            "combinations_below": [f"{self._words(values)}: {count}" for values, count in named if not self.masked],
            "people_below_without": {name: self._without(place) for place, name in enumerate(self.questions)},
            "bands": dict(sorted(self.bands.items())),
        }

    def _words(self, values: Values) -> str:
        return ", ".join(f"{name}={value or '-'}" for name, value in zip(self.questions, values, strict=True))

    def _without(self, place: int) -> int:
        left: Counter[Values] = Counter()
        for values, count in self.groups.items():
            left[(*values[:place], *values[place + 1 :])] += count
        return sum(count for values, count in left.items() if count < FLOOR and any(values))


def examine(db: Session, export: Export, forms: Iterable[Form], options: Options) -> Anonymity:
    """Look at everybody in an export, with numbers in the bands asked for."""
    chosen = _chosen(list(forms), options)
    bands = widths(options)
    groups: Counter[Values] = Counter()
    alone: dict[Values, list[str]] = {}  # of groups that are still small: everybody would fill the memory
    for respondent, values in answers(db, export, chosen, bands):
        groups[values] += 1
        if groups[values] < FLOOR:
            alone.setdefault(values, []).append(respondent)
        else:
            alone.pop(values, None)
    rare = frozenset(respondent for few in alone.values() for respondent in few)
    return Anonymity(tuple(variable.name for variable in chosen), groups, rare, options.mask, bands)


def check(forms: Sequence[Form], options: Options) -> None:
    """Raise ExportError for questions that the check cannot look at."""
    _chosen(forms, options)
    kinds = {variable.name: variable.kinds(labels=False)[0] for variable in tables(forms, options)[0].variables}
    wrong = sorted(name for name in widths(options) if kinds.get(name) is not Kind.NUMBER)
    if wrong:
        raise ExportError(
            Sentence(
                "%(names)s: only a number outside repeats can be put in bands, as in arrival_year:10",
                names=", ".join(wrong),
            )
        )
    if (options.mask or options.bands) and options.corrections:
        raise ExportError(
            Sentence("What was answered before would show what bands and masks hide: leave one of them out")
        )


def widths(options: Options) -> dict[str, int]:
    """Return how wide the bands are, by question."""
    found = {}
    for band in options.bands:
        if not (told := _WIDTH.fullmatch(band)):
            raise ExportError(
                Sentence("%(band)s is no band: write the question and how wide, as in arrival_year:10", band=band)
            )
        found[told[1]] = int(told[2])
    return found


def softened(
    some: Iterable[Interviews], forms: Mapping[int, Form], options: Options, found: Anonymity
) -> Iterator[Interviews]:
    """Yield the interviews with numbers in their bands, and without what sets apart who is nearly alone."""
    if not (found.bands or found.masked):
        yield from some
        return
    softening = {id: _Softening(form, options, found) for id, form in forms.items()}
    for interviews in some:
        yield _soften(interviews, softening, found.rare)


class _Softening:
    """What becomes coarser or goes in one version of a form, what is computed of it included."""

    def __init__(self, form: Form, options: Options, found: Anonymity) -> None:
        asked = {variable.name: variable.question.path for variable in tables([form], options)[0].variables}
        self.bands = {asked[name]: width for name, width in found.bands.items() if name in asked}
        self.always = derived(form, self.bands) - self.bands.keys()
        self.masked = derived(form, [asked[name] for name in found.questions if name in asked and found.masked])

    def reply(self, path: str, reply: Reply) -> Reply:
        """Return a reply as it may leave, of whomever."""
        if path in self.always:
            return Reply(Given("", Missing.MASKED), reply.day)
        width = self.bands.get(path)
        return Reply(Given(banded(reply.given.value, width), reply.given.missing), reply.day) if width else reply


def _soften(some: Interviews, softening: Mapping[int, _Softening], rare: Collection[str]) -> Interviews:
    """Return the interviews as they may leave: what few may not tell gets a masked reply beside the others."""
    import numpy as np

    where = [some.places[number] for number in some.place_of.tolist()]
    told = zip(where, some.replies, strict=True)
    replies = [softening[place.survey_id].reply(place.path, reply) for place, reply in told]
    masked = np.arange(len(replies))
    for number, place in enumerate(where):
        if place.path in softening[place.survey_id].masked:
            masked[number] = len(replies)
            replies.append(Reply(Given("", Missing.MASKED), some.replies[number].day))
    hidden = np.array([person.respondent in rare for person in some.people], dtype=bool)[some.people_of]
    places = np.concatenate([some.place_of, some.place_of[masked >= len(where)]])
    chosen = np.where(hidden, masked[some.replies_of], some.replies_of)
    return replace(some, replies=replies, place_of=places, replies_of=chosen)


def banded(value: str, width: int) -> str:
    """Return the number that a band begins with; what is no number tells nothing."""
    return str(floor(float(value) / width) * width) if NUMBER.fullmatch(value) else ""


def _chosen(forms: Sequence[Form], options: Options) -> list[Variable]:
    variables = {variable.name: variable for variable in tables(forms, options)[0].variables}
    unknown = options.identifying - variables.keys()
    if unknown:
        raise ExportError(
            Sentence(
                "There is no column %(names)s outside repeats: correct what may give people away",
                names=", ".join(sorted(unknown)),
            )
        )
    fits = (lambda name: name in options.identifying) if options.identifying else by_itself
    return [each for each in variables.values() if fits(each.name) and each.question.type is not Type.CALCULATE]


def by_itself(name: str) -> bool:
    """Tell whether a question is looked at when nobody names any."""
    return _KNOWN.fullmatch(name.rsplit("/", 1)[-1].lower()) is not None


def answers(
    db: Session, export: Export, chosen: Sequence[Variable], bands: Mapping[str, int] = MappingProxyType({})
) -> Iterator[tuple[str, Values]]:
    """Yield each respondent who said anything of it, with the answers."""
    places = {q.path: place for place, variable in enumerate(chosen) for q in variable.versions.values()}
    if not places:
        return
    said = (
        select(ExportMember.respondent, Answer.path, Answer.value)
        .join(Answer, Answer.run_id == ExportMember.run_id)
        .where(ExportMember.export_id == export.id, Answer.superseded_at.is_(None), Answer.relevant)
        .where(Answer.path.in_(places), Answer.value.is_not(None), Answer.value != "")
        .order_by(ExportMember.respondent)
    )
    wide = {place: bands[variable.name] for place, variable in enumerate(chosen) if variable.name in bands}
    for respondent, rows in groupby(stream(db, said), key=itemgetter(0)):
        values = [""] * len(chosen)
        for _, path, value in rows:
            place = places[path]
            values[place] = banded(value, wide[place]) if place in wide else value
        yield respondent, tuple(values)
