"""Make a report: read who answered, then write its files; staff order it, look at it and take it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.disclosure import releases
from bot.disclosure.suppression import LEAST_BASE, THRESHOLD
from bot.exports import targets
from bot.reports import plan, weights
from bot.reports.counting import EVERYBODY, count, respondents
from bot.reports.document import NotPossible, Subject, build
from bot.reports.models import MadeReport
from bot.reports.people import gather
from bot.reports.published import Published
from bot.reports.rendering import Renderer
from bot.surveys.models import Survey
from bot.surveys.publishing import form_of, newest_published

#: The files of a report by kind; the figures are in one archive, and beside it one by one.
PAGE, PAPER, FIGURES = "html", "pdf", "zip"


@dataclass(frozen=True)
class Material:
    """All that reports on a form are made of: the numbers that may be read, and the days of collecting (ISO)."""

    subject: Subject
    published: Published
    first: str
    last: str


def publish(db: Session, messages_dir: Path, form_id: str, least: int = THRESHOLD) -> Material:
    """Publish the figures of a form, for reports of any country; raise ContentError when there can be none.

    Of so few people that they make no percentage, nothing is published.
    """
    planned = plan.load(messages_dir, form_id)
    survey = newest_published(db, form_id)
    if survey is None:
        raise NotPossible(f"There is no survey {form_id}: publish it with `outreach survey publish FILE`")
    return _material(db, planned, survey, least)


def _material(db: Session, planned: plan.Plan, survey: Survey, least: int) -> Material:
    subject = Subject(planned, form_of(survey))
    declared = targets.kept(db, survey.form_id)
    people = gather(db, survey, subject.needed | {target[0] for target in declared}, subject.many)
    counted = count(planned, subject.asked, people.interviews)
    if counted.counts[EVERYBODY] < LEAST_BASE:
        return Material(subject, Published({}, {}, least=least), people.first, people.last)
    name = subject_of(survey.form_id)
    release = releases.publish(db, name, counted.counts, counted.sums, least, counted.medians)
    weighted = None
    if declared:
        figures = weights.Figures(planned, subject.asked, respondents(planned, people.interviews))
        weighted = weights.publish(db, survey.form_id, declared, figures, release, counted, least)
    published = Published(release.figures, release.medians, weighted, targets=declared, least=least)
    return Material(subject, published, people.first, people.last)


def declare(db: Session, form_id: str, text: str) -> None:
    """Keep the totals of a CSV for a form, to which its figures are weighted; raise ExportError for what is wrong."""
    survey = newest_published(db, form_id)
    if survey is None:
        raise NotPossible(f"There is no survey {form_id}: publish it with `outreach survey publish FILE`")
    targets.keep(db, survey, text)


def subject_of(form_id: str) -> str:
    """Return under what the figures of a form's report are published."""
    return f"report {form_id}"[:128]


def write(
    material: Material,
    messages_dir: Path,
    country: str | None,
    language: str,
    folder: Path,
    tell: Callable[[str, int], None] = lambda _what, _done: None,
) -> dict[str, str]:
    """Write the report into the folder; return its files by kind. Nothing is read from the database any more."""
    report = build(
        material.subject, material.published, (material.first, material.last), messages_dir, country, language
    )
    renderer = Renderer(messages_dir, report)
    stem = "-".join((material.subject.form.id, country or "all", language)).lower()
    figures = folder / f"{stem}-figures"
    figures.mkdir(parents=True, exist_ok=True)
    for number, figure in report.figures:
        if figure.chart:
            path = figures / f"{number:02}-{figure.id}"
            path.with_suffix(".svg").write_bytes(renderer.svg(figure))
            path.with_suffix(".png").write_bytes(renderer.png(figure))
        tell("figures", number)
    (folder / f"{stem}.pdf").write_bytes(renderer.pdf())
    (folder / f"{stem}.html").write_text(renderer.html(), "utf-8")
    shutil.make_archive(str(figures), "zip", figures)
    return {PAGE: f"{stem}.html", PAPER: f"{stem}.pdf", FIGURES: f"{stem}-figures.zip"}


def order(db: Session, messages_dir: Path, form_id: str, country: str | None, language: str, by: str) -> MadeReport:
    """Note that a report is wanted; raise ContentError when it cannot be made."""
    planned = plan.load(messages_dir, form_id)
    survey = newest_published(db, form_id)
    if survey is None or language not in plan.LANGUAGES or country not in {None, *planned.countries}:
        raise NotPossible(f"There is nothing to report on {form_id} of {country} in {language}")
    row = MadeReport(survey_id=survey.id, country=country, language=language, by=by, created_at=clock.now())
    db.add(row)
    db.flush()
    return row


def finish(db: Session, row: MadeReport, files: dict[str, str]) -> None:
    """Note which files it became."""
    row.files = files
    db.flush()


def made(db: Session, limit: int) -> list[MadeReport]:
    """Return the reports that were ordered, the newest first."""
    return list(db.scalars(select(MadeReport).order_by(MadeReport.id.desc()).limit(limit)))


def material_of(db: Session, messages_dir: Path, row: MadeReport, least: int = THRESHOLD) -> Material:
    """Publish what an ordered report is made of."""
    survey = db.get_one(Survey, row.survey_id)
    return _material(db, plan.load(messages_dir, survey.form_id), survey, least)
