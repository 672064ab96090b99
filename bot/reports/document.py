"""A whole report in words and plain values, which the page and the paper only lay out."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.content.catalogue import Catalogue
from bot.content.files import ContentError
from bot.disclosure.suppression import LEAST_BASE
from bot.reports.charts import World
from bot.reports.counting import ALL, RESPONDENTS, Asked, Cell
from bot.reports.figures import Drawn, View
from bot.reports.plan import LANGUAGES, Figure, Plan
from bot.reports.published import Published
from bot.reports.wording import HIDDEN, Wording
from bot.surveys.answers import REFUSALS
from bot.surveys.form import CHOOSING, Form, Question, Type


class NotPossible(ContentError):
    """The report cannot be made; the message carries the cure."""


@dataclass(frozen=True)
class Subject:
    """A form with its plan: what a report is about."""

    plan: Plan
    form: Form

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """Return the form's questions that a figure can show, by name."""
        return {q.name: q for q in self.form.questions() if q.type in CHOOSING or q.type in _NUMBERS}

    @cached_property
    def asked(self) -> dict[str, Asked]:
        """Return how each is counted; a choice that refuses to answer is none."""
        return {
            name: Asked(
                name,
                tuple(dict.fromkeys(c.value for c in question.choices if c.value not in REFUSALS)),
                question.type is Type.SELECT_MULTIPLE,
            )
            for name, question in self.questions.items()
        }

    @property
    def needed(self) -> frozenset[str]:
        """Return the names of all questions that the plan reads."""
        return frozenset({self.plan.origin, *(name for figure in self.plan.figures() for name in figure.questions)})

    @property
    def many(self) -> frozenset[str]:
        """Return the names of those to which several choices may be the answer."""
        return frozenset(name for name, asked in self.asked.items() if asked.many)


_NUMBERS = {Type.INTEGER, Type.DECIMAL, Type.CALCULATE, Type.RANGE}


@dataclass(frozen=True)
class Report:
    """A report in one language: `content` is what the templates lay out, `figures` are the drawn ones by number."""

    content: dict[str, Any]
    figures: tuple[tuple[int, Drawn], ...]
    last_day: str  #: of collecting, as ISO date; empty without any answer


def build(
    subject: Subject,
    published: Published,
    period: tuple[str, str],
    messages_dir: Path,
    country: str | None,
    language: str,
) -> Report:
    """Return the report of one country of origin, or of all; raise NotPossible for one that the plan has not."""
    plan, form = subject.plan, subject.form
    if language not in LANGUAGES:
        raise NotPossible(f"A report is in one of {', '.join(LANGUAGES)}, not in {language!r}")
    if country is not None and country not in plan.countries:
        raise NotPossible(f"A report is about one of {', '.join(plan.countries)}, or all of them, not {country!r}")
    wording = Wording(Catalogue.load(messages_dir, "report", LANGUAGES), language)
    view = View(
        published=published,
        form=form,
        questions=subject.questions,
        asked=subject.asked,
        wording=wording,
        origins=(country, ALL) if country else (ALL, *plan.countries),
        period=wording.between(*period),
        world=World(messages_dir / "reports" / "world.json"),
    )
    return _Writing(subject, view, period[1], country).report()


class _Writing:
    def __init__(self, subject: Subject, view: View, last_day: str, country: str | None) -> None:
        self._plan, self._form, self._view = subject.plan, subject.form, view
        self._last_day, self._country, self._say = last_day, country, view.wording.say

    def report(self) -> Report:
        """Return the report."""
        figures: list[tuple[int, Drawn]] = []
        sections = []
        for section in self._plan.sections:
            drawn = [self._view.draw(figure) for figure in section.figures if not self._missing(figure)]
            numbered = list(enumerate(drawn, len(figures) + 1))
            figures += numbered
            sections.append(
                {
                    "id": section.id,
                    "title": self._view.wording.fill(section.title),
                    "figures": [{"number": number, **asdict(figure)} for number, figure in numbered],
                }
            )
        by_id = {figure.id: figure for _, figure in figures}
        content = {
            **self._front(),
            "summary": self._summary(by_id),
            "sections": [section for section in sections if section["figures"]],
            "gaps": list(self._gaps()),
            "method": list(self._method()),
            "words": {key: self._say(key) for key in _WORDS} | {"annex_intro": self._say("annex_intro", hidden=HIDDEN)},
        }
        return Report(content, tuple(figures), self._last_day)

    def _front(self) -> dict[str, Any]:
        wording = self._view.wording
        respondents = self._respondents(self._view.origins[0])
        return {
            "language": wording.language,
            "title": wording.fill(self._plan.title),
            "subtitle": wording.country(self._country) if self._country else self._countries(),
            "respondents": self._say("respondents_of", count=wording.count(respondents)),
            "period": self._view.period,
            "caution": self._say("caution"),
        }

    def _countries(self) -> str:
        return self._view.wording.listed(map(self._view.wording.country, self._plan.countries))

    def _respondents(self, origin: str) -> int | None:
        return self._view.published.number(Cell("", RESPONDENTS, origin))

    def _summary(self, figures: Mapping[str, Drawn]) -> dict[str, Any]:
        wanted = [figure.id for figure in self._plan.figures() if figure.summary]
        findings = [f"{figures[id].finding}." for id in wanted if id in figures and figures[id].finding]
        headlines = [
            {"number": figures[each.figure].share, "says": self._view.wording.fill(each.says)}
            for each in self._plan.headlines
            if each.figure in figures and figures[each.figure].share
        ]
        return {"findings": findings or [self._say("summary_none")], "headlines": headlines}

    def _missing(self, figure: Figure) -> list[str]:
        return [name for name in figure.questions if name not in self._view.questions]

    def _gaps(self) -> Iterator[str]:
        for figure in self._plan.figures():
            if missing := self._missing(figure):
                title = self._view.wording.fill(figure.title)
                yield self._say("gap", title=title, question=", ".join(missing))

    def _method(self) -> Iterator[str]:
        yield self._say("method_collection")
        yield self._say("method_who", countries=self._countries())
        yield self._say("method_sample")
        yield self._weights()
        yield self._say("method_share")
        yield self._say("method_hidden", least=self._view.published.least, hidden=HIDDEN, base=LEAST_BASE)
        yield self._say("method_form", form=self._form.title, version=self._form.version)

    def _weights(self) -> str:
        published, wording = self._view.published, self._view.wording
        if not published.targets:
            return self._say("method_unweighted")
        declared = dict.fromkeys((question, source, day) for question, _, _, source, day in published.targets)
        names = self._view.questions
        told = wording.listed(
            self._say(
                "target",
                question=wording.labelled(self._form, names[question].label) if question in names else question,
                source=source,
                day=wording.day(day),
            )
            for question, source, day in declared
        )
        if published.weighted is None:
            return self._say("method_no_weights", targets=told)
        effect = wording.number(round(published.weighted.design_effect, 2))
        worth = wording.count(round(published.weighted.effective))
        everybody = wording.count(self._respondents(ALL))
        return self._say("method_weights", targets=told, effect=effect, worth=worth, everybody=everybody)


#: Texts that the templates use as they are.
_WORDS = (
    *("organisations", "kind", "draft", "contents", "summary", "figure", "table", "page", "method", "annex"),
    *("show_table", "gaps", "caution_short"),
)
