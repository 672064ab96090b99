"""Surveys: upload a form, see its errors by cell, publish it, follow how far people come."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts import targets
from bot.broadcasts.audience import Audience
from bot.content import Content
from bot.disclosure.suppression import THRESHOLD
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys import charts, figures, inviting, nudging, publishing, quotas, terms
from bot.surveys.bundle import unpack
from bot.surveys.charts import Chart
from bot.surveys.figures import Stop
from bot.surveys.form import FormError, Problem
from bot.surveys.models import Status, Survey
from bot.surveys.publishing import Prepared
from bot.web.console import choosing, composing
from bot.web.console.context import ConsoleContext
from bot.web.console.keeping import Kept, kept
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

UPLOAD_LIMIT = 16 * 1024 * 1024
FORMATS = (".xlsx", ".xls", ".xml", ".zip")


@pages.get("/surveys", needs=Permission.REPORTS_VIEW)
async def listing(visit: Visit) -> Response:
    return await _listing(visit)


async def _listing(visit: Visit, problems: Sequence[Problem] = (), filename: str = "") -> Response:
    rows, counts = await visit.database.query(_list)
    return visit.page(
        "surveys/list.html",
        422 if problems else 200,
        rows=rows,
        counts=counts,
        problems=problems,
        filename=filename,
        formats=FORMATS,
        megabytes=UPLOAD_LIMIT // 1024**2,
    )


def _list(db: Session) -> tuple[list[Survey], dict[int, dict[str, int]]]:
    rows = list(db.scalars(select(Survey).order_by(Survey.id.desc()).limit(100)))
    return rows, {row.id: figures.dispositions(db, row.id) for row in rows}


@pages.post("/surveys/upload", needs=Permission.SURVEYS_MANAGE, limit=UPLOAD_LIMIT)
async def upload(visit: Visit) -> Response:
    file = visit.form.file("file")
    if file is None or not (file.filename or "").lower().endswith(FORMATS):
        raise Refused("no_form")
    name = (file.filename or "")[-200:]
    data = await file.read()
    try:
        # Compiled before the transaction begins: nobody else's message waits for it.
        prepared = await asyncio.to_thread(lambda: publishing.prepare(*unpack(data, name)))
        survey = await visit.database.run(_keep, prepared, visit.user)
    except FormError as error:
        return await _listing(visit, error.problems, name)
    return visit.go(f"/surveys/{survey.id}", "uploaded")


def _keep(db: Session, prepared: Prepared, user: StaffUser) -> Survey:
    survey = publishing.keep(db, prepared)
    audit.record(db, user, "survey.uploaded", "survey", survey.id, {"sha256": survey.sha256})
    return survey


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one survey."""

    survey: Survey
    counts: dict[str, int]
    questions: int
    languages: tuple[str, ...]
    warnings: tuple[Problem, ...]
    stops: Kept[list[Stop]]
    faults: dict[str, int]
    response: inviting.Response
    cells: dict[str, int]  #: of the quotas: how many answers there are
    silent: int  #: who could be reminded now
    offered: dict[str, dict[str, str]]  #: what an audience may be chosen by


@pages.get("/surveys/{id:row}", needs=Permission.REPORTS_VIEW)
async def one(visit: Visit) -> Response:
    view = await visit.database.query(_view, visit.id, visit.context, visit.reader)
    return visit.page(
        "surveys/one.html", view=view, everybody=Audience(), conditions=choosing.CONDITIONS, local=composing.local
    )


def _view(db: Session, survey_id: int, context: ConsoleContext, reader: Reader) -> View:
    survey = found(db.get(Survey, survey_id))
    form = publishing.form_of(survey)
    return View(
        survey=survey,
        counts=figures.dispositions(db, survey_id),
        questions=sum(question.asked for question in form.questions()),
        languages=form.languages,
        warnings=form.warnings,
        stops=kept(
            db,
            context,
            f"stops: {survey_id} {reader.code}",
            lambda: figures.drop_off(db, survey, reader.code, context.content),
        ),
        faults=dict(figures.faults(db, survey_id)),
        response=inviting.response(db, survey),
        cells=quotas.filled(db, survey),
        silent=nudging.count_silent(db, survey, clock.now()),
        offered=choosing.offered(db, context, reader, Audience()),
    )


@pages.get("/surveys/{id:row}/progress", needs=Permission.REPORTS_VIEW)
async def part(visit: Visit) -> Response:
    """Answer with how far people came, for a page that is open."""
    survey, counts, response = await visit.database.query(_standing, visit.id)
    return visit.page("surveys/_progress.html", survey=survey, counts=counts, response=response)


def _standing(db: Session, survey_id: int) -> tuple[Survey, dict[str, int], inviting.Response]:
    survey = found(db.get(Survey, survey_id))
    return survey, figures.dispositions(db, survey_id), inviting.response(db, survey)


@pages.get("/surveys/{id:row}/answers", needs=Permission.REPORTS_VIEW)
async def answers(visit: Visit) -> Response:
    """Answer with the answers as charts; what may be shown is noted as it is shown first, so this writes."""
    content, language = visit.context.content, visit.reader.code
    survey, since, drawn = await visit.database.run(_charts, visit.id, content, language)
    return visit.page("surveys/answers.html", survey=survey, since=since, charts=drawn, least=THRESHOLD)


def _charts(db: Session, survey_id: int, content: Content, language: str) -> tuple[Survey, datetime, list[Chart]]:
    survey = found(db.get(Survey, survey_id))
    return survey, *charts.charts(db, content, survey, language)


@pages.post("/surveys/{id:row}/publish", needs=Permission.SURVEYS_MANAGE)
async def publish(visit: Visit) -> Response:
    await visit.database.run(_publish, visit.id, visit.user)
    return visit.go(f"/surveys/{visit.id}", "published")


def _publish(db: Session, survey_id: int, user: StaffUser) -> None:
    survey = found(db.get(Survey, survey_id))
    if survey.status != Status.DRAFT:
        raise Refused("not_a_draft")
    publishing.release(db, survey)
    audit.record(db, user, "survey.published", "survey", survey.id, {"sha256": survey.sha256})


@pages.post("/surveys/{id:row}/close", needs=Permission.SURVEYS_MANAGE)
async def close(visit: Visit) -> Response:
    await visit.database.run(_close, visit.id, visit.user)
    return visit.go(f"/surveys/{visit.id}", "closed")


def _close(db: Session, survey_id: int, user: StaffUser) -> None:
    survey = found(db.get(Survey, survey_id))
    cancelled = terms.close(db, survey) + targets.stop(db, (targets.SURVEY, survey.id))
    audit.record(db, user, "survey.closed", "survey", survey.id, {"cancelled": cancelled})
