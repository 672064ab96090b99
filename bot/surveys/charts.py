"""The answers to each question with choices, as they may be shown: what few people said is hidden, then and later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.content import Content
from bot.disclosure import releases
from bot.disclosure.suppression import Sum
from bot.surveys.asking import form_language
from bot.surveys.form import Form, Question, Repeat, Type
from bot.surveys.models import Answer, Disposition, Run, Survey
from bot.surveys.publishing import form_of

#: Lists that are longer, such as of countries, show what was chosen most.
LONGEST = 15
_MANY = (Type.SELECT_MULTIPLE, Type.RANK)
_ALL, _NOT = "*answered", "!"


class Cell(NamedTuple):
    """A number of people: who answered a question, chose this, or did not."""

    question: str
    said: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One choice, and how many chose it: None where that is hidden."""

    label: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Chart:
    """One question: how many answered it (None: hidden), its choices, and how many more of these are not shown."""

    name: str
    label: str
    takes_many: bool
    answered: int | None
    bars: tuple[Bar, ...]
    more: int


def charts(db: Session, content: Content, survey: Survey, language: str) -> tuple[datetime, list[Chart]]:
    """Return since when the figures stand, and every question that has choices, in the order of the form."""
    form = form_of(survey)
    spoken = form_language(form, language, content)
    questions = list(_chosen(form))
    counts = _counts(db, survey, questions)
    published = releases.publish(db, f"answers of survey {survey.id}", counts, list(_sums(questions)))
    return published.at, [_chart(form, question, spoken, published.figures) for question in questions]


def _chosen(form: Form) -> Iterator[Question]:
    """Yield the questions that offer choices; what is asked again for each child or trip counts no people."""
    repeated = [f"{path}/" for path, node in form.nodes.items() if isinstance(node, Repeat)]
    for one in form.questions():
        if one.asked and one.choices and not any(one.path.startswith(path) for path in repeated):
            yield one


def _counts(db: Session, survey: Survey, questions: list[Question]) -> dict[Cell, int]:
    said: dict[str, dict[str, int]] = {}
    rows = (
        select(Answer.name, Answer.value, func.count())
        .join(Run, Run.id == Answer.run_id)
        .where(Run.survey_id == survey.id, Run.disposition == Disposition.COMPLETED)
        .where(Answer.superseded_at.is_(None), Answer.relevant, Answer.missing.is_(None), Answer.value.is_not(None))
        .where(Answer.name.in_([one.name for one in questions]))
        .group_by(Answer.name, Answer.value)
    )
    for name, value, count in db.execute(rows):
        said.setdefault(name, {})[value or ""] = count
    found: dict[Cell, int] = {}
    for one in questions:
        found |= _of_question(one, said.get(one.name, {}))
    return found


def _of_question(question: Question, said: Mapping[str, int]) -> dict[Cell, int]:
    many, name = question.type in _MANY, question.name
    codes = dict.fromkeys((choice.value for choice in question.choices), 0)
    for value, count in said.items():
        for code in set(value.split()) if many else {value}:
            if code in codes:
                codes[code] += count
    total = sum(said.values()) if many else sum(codes.values())
    found = {Cell(name, code): count for code, count in codes.items()} | {Cell(name, _ALL): total}
    if many:
        found |= {Cell(name, _NOT + code): total - count for code, count in codes.items()}
    return found


def _sums(questions: list[Question]) -> Iterator[Sum[Cell]]:
    for one in questions:
        total, codes = Cell(one.name, _ALL), list(dict.fromkeys(choice.value for choice in one.choices))
        if one.type in _MANY:
            yield from (Sum((Cell(one.name, code), Cell(one.name, _NOT + code)), total) for code in codes)
        else:
            yield Sum(tuple(Cell(one.name, code) for code in codes), total)


def _chart(form: Form, question: Question, spoken: str, figures: Mapping[Cell, int | None]) -> Chart:
    labels = {choice.value: str(form.wording(choice.label, spoken) or choice.value) for choice in question.choices}
    bars = [Bar(label, figures[Cell(question.name, code)]) for code, label in labels.items()]
    if len(bars) > LONGEST:
        bars = sorted((bar for bar in bars if bar.count), key=lambda bar: -(bar.count or 0))[:LONGEST]
    return Chart(
        name=question.name,
        label=str(form.wording(question.label, spoken) or question.name),
        takes_many=question.type in _MANY,
        answered=figures[Cell(question.name, _ALL)],
        bars=tuple(bars),
        more=len(labels) - len(bars),
    )
