"""Weights of an export: targets that staff declare with their source and date, and what weighting changes."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from math import isfinite
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.disclosure.suppression import percent
from bot.exports import anonymity
from bot.exports.cases import Person, stream
from bot.exports.formats.csv_files import CsvFile
from bot.exports.interviews import Interviews
from bot.exports.models import Export, ExportMember
from bot.exports.options import ExportError, Options, Target
from bot.exports.variables import Variable, tables
from bot.sentences import Sentence
from bot.surveys.form import Form, Type
from bot.surveys.models import Answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bot.exports.package import Package

_COLUMNS = ["question", "code", "total", "source", "as_of"]
_HEAD = ("question", "code", "label", "base", "unweighted_percent", "weighted_percent")


@dataclass(frozen=True)
class Weights:
    """The weight of each respondent whose answers are all among the targets, and how the raking went."""

    of: Mapping[str, float] = field(default_factory=dict)
    told: dict[str, Any] | None = None


def read(text: str) -> tuple[Target, ...]:
    """Return the targets of a CSV with question, code, total, source, as_of; raise ExportError with the line."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff").strip()))
    if rows.fieldnames != _COLUMNS:
        raise ExportError(Sentence("The first line of the targets must be: %(columns)s", columns=",".join(_COLUMNS)))
    return tuple(_target(number, row) for number, row in enumerate(rows, 2))


def _target(line: int, row: Mapping[str, Any]) -> Target:
    cells = [(row[name] or "").strip() for name in _COLUMNS]
    try:
        total = float(cells[2])
        date.fromisoformat(cells[4])
    except ValueError:
        total = -1.0
    if not all(cells) or not isfinite(total) or total <= 0:
        raise ExportError(
            Sentence("Line %(line)s: write a total above 0, a source, and a day as in 2024-06-30", line=line)
        )
    return (cells[0], cells[1], total, cells[3], cells[4])


def as_csv(targets: Iterable[Target]) -> str:
    """Return targets as `read` reads them; nothing for none."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    rows = [(question, code, f"{total:.15g}", source, day) for question, code, total, source, day in targets]
    writer.writerows([_COLUMNS, *rows] if rows else [])
    return file.getvalue()


def check(forms: Sequence[Form], options: Options) -> None:
    """Raise ExportError for targets that do not fit the form."""
    found = {variable.name: variable for variable in tables(forms, options)[0].variables}
    seen = set()
    for question, code, *_ in options.targets:
        variable = found.get(question)
        if variable is None or variable.question.type is not Type.SELECT_ONE or code not in variable.choices:
            raise ExportError(
                Sentence(
                    "The targets name %(question)s = %(code)s: no choice of a question with one answer",
                    question=question,
                    code=code,
                )
            )
        if (question, code) in seen:
            raise ExportError(Sentence("The targets name %(question)s = %(code)s twice", question=question, code=code))
        seen.add((question, code))


def weigh(db: Session, export: Export, forms: Iterable[Form], options: Options, found: anonymity.Anonymity) -> Weights:
    """Rake the respondents of an export to the targets; a code that nobody chose is left out of them, and told.

    Whose answers are masked has no weight: it would tell them.
    """
    if not options.targets:
        return Weights()
    from bot.exports.raking import rake  # loads numpy

    wanted = by_question(options.targets)
    variables = [each for each in tables(list(forms), options)[0].variables if each.name in wanted]
    people = [
        (respondent, values)
        for respondent, values in anonymity.answers(db, export, variables)
        if not (found.masked and respondent in found.rare)
        and all(value in wanted[each.name] for value, each in zip(values, variables, strict=True))
    ]
    codes, places, shares = margins_of([wanted[each.name] for each in variables], [values for _, values in people])
    raked = rake(places, shares)
    margins = [
        _margin(each, code, float(share[number]), place == number, raked.weights)
        for each, mine, place, share in zip(variables, codes, places, shares, strict=True)
        for number, code in enumerate(mine)
    ]
    used = {(margin["question"], margin["code"]) for margin in margins}
    told = {
        "weighted_respondents": len(people),
        "converged": raked.converged,
        "rounds": raked.rounds,
        "largest_difference_percent": round(100 * raked.off, 2),
        "trimmed": raked.trimmed,
        "design_effect": round(raked.design_effect, 3),
        "effective_respondents": round(len(people) / raked.design_effect, 1),
        "targets_without_respondents": [f"{t[0]}={t[1]}" for t in options.targets if (t[0], t[1]) not in used],
        "margins": margins,
    }
    return Weights({one: float(weight) for (one, _), weight in zip(people, raked.weights, strict=True)}, told)


def by_question(targets: Iterable[Target]) -> dict[str, dict[str, float]]:
    """Return the total of each code by question."""
    wanted: dict[str, dict[str, float]] = {}
    for question, code, total, *_ in targets:
        wanted.setdefault(question, {})[code] = total
    return wanted


def margins_of(
    wanted: Sequence[Mapping[str, float]], people: Sequence[Sequence[str]]
) -> tuple[list[list[str]], list["NDArray[np.int64]"], list["NDArray[np.float64]"]]:
    """Return for each question the codes that somebody chose, who chose which, and the share each should have."""
    import numpy as np

    codes = [sorted({values[place] for values in people}) for place in range(len(wanted))]
    places = [
        np.array([mine.index(values[place]) for values in people], dtype=np.int64) for place, mine in enumerate(codes)
    ]
    totals = [np.array([each[code] for code in mine]) for each, mine in zip(wanted, codes, strict=True)]
    return codes, places, [total / total.sum() if len(total) else total for total in totals]


def _margin(
    variable: Variable, code: str, share: float, chose: "NDArray[np.bool_]", weights: "NDArray[np.float64]"
) -> dict[str, Any]:
    return {
        "question": variable.name,
        "code": code,
        "target_percent": round(100 * share, 2),
        "unweighted_percent": round(100 * float(chose.mean()), 2),
        "weighted_percent": round(100 * float(weights[chose].sum() / weights.sum()), 2),
    }


def weighted(some: Iterable[Interviews], weights: Weights) -> Iterator[Interviews]:
    """Yield the interviews with their weight."""
    if weights.told is None:
        yield from some
        return
    for interviews in some:
        yield replace(interviews, people=[_weighted(person, weights) for person in interviews.people])


def _weighted(person: Person, weights: Weights) -> Person:
    weight = weights.of.get(person.respondent)
    return replace(person, weight="" if weight is None else f"{weight:.6f}")


def write(db: Session, export: Export, package: "Package", weights: Weights, path: Path) -> int:
    """Write what part of those with a weight chose each answer, unweighted and weighted; return how many lines."""
    variables = [each for each in package.tables[0].variables if each.choices]
    counts = _counted(db, export, variables, weights)
    file = CsvFile(path, _HEAD)
    cells = package.cells_by_name()
    for variable in variables:
        labels = cells[variable.question.path, next(iter(variable.versions))][1].labels
        base, weight = counts.get((variable, None), (0, 0.0))
        for code in variable.choices:
            number, sum_of = counts.get((variable, code), (0, 0.0))
            plain = percent(number, base)
            shown = ("", "") if plain is None else (f"{plain:.1f}", f"{100 * sum_of / weight:.1f}")
            file.write((variable.name, code, labels[code], str(base), *shown))
    file.close()
    return file.rows


def _counted(
    db: Session, export: Export, variables: Sequence[Variable], weights: Weights
) -> dict[tuple[Variable, str | None], tuple[int, float]]:
    """Return how many people chose each code, and their weight; under None how many answered the question."""
    asked = {question.path: variable for variable in variables for question in variable.versions.values()}
    answers = (
        select(ExportMember.respondent, Answer.path, Answer.value)
        .join(Answer, Answer.run_id == ExportMember.run_id)
        .where(ExportMember.export_id == export.id, Answer.superseded_at.is_(None), Answer.relevant)
        .where(Answer.missing.is_(None), Answer.value.is_not(None), Answer.value != "")
        .order_by(ExportMember.respondent)
    )
    found: dict[tuple[Variable, str | None], tuple[int, float]] = {}
    for respondent, rows in groupby(stream(db, answers), key=itemgetter(0)):
        weight = weights.of.get(respondent)
        for _, path, value in rows if weight is not None else ():
            if variable := asked.get(path):
                for code in (None, *(value.split() if variable.takes_many else [value])):
                    number, sum_of = found.get((variable, code), (0, 0.0))
                    found[variable, code] = (number + 1, sum_of + (weight or 0))
    return found
