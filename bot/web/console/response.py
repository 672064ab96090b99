"""Surveys: how those who answered came, how good the response was, and the totals to weight to."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response as Answer

from bot.exports import targets, weighting
from bot.exports.options import ExportError
from bot.exports.response import Response
from bot.reports import response
from bot.staff import audit
from bot.staff.roles import Permission
from bot.surveys.models import Survey
from bot.web.console.routes import Pages
from bot.web.console.serving import sentence
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page."""

    survey: Survey
    response: Response | None  #: as it was published last
    declared: str  #: the totals, as a CSV


@pages.get("/surveys/{id:row}/response", needs=Permission.REPORTS_VIEW)
async def page(visit: Visit) -> Answer:
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", written: str | None = None) -> Answer:
    view = await visit.database.query(_view, visit)
    text = view.declared if written is None else written
    return visit.page("surveys/response.html", 422 if problem else 200, view=view, problem=problem, written=text)


def _view(db: Session, visit: Visit) -> View:
    survey = found(db.get(Survey, visit.id))
    made = response.latest(db, visit.context.settings.messages, survey)
    return View(survey, made, weighting.as_csv(targets.kept(db, survey.form_id)))


@pages.post("/surveys/{id:row}/response", needs=Permission.REPORTS_VIEW)
async def publish(visit: Visit) -> Answer:
    """Count anew; the figures stand while fewer came than may be told."""
    await visit.database.run(_publish, visit)
    return visit.go(f"/surveys/{visit.id}/response", "counted")


def _publish(db: Session, visit: Visit) -> None:
    survey, settings = found(db.get(Survey, visit.id)), visit.context.settings
    if survey.published_at is None:
        raise Refused("not_published")
    response.publish(db, settings.messages, survey, settings.publish_least)
    audit.record(db, visit.user, "survey.response", "survey", survey.id)


@pages.post("/surveys/{id:row}/targets", needs=Permission.EXPORTS_RUN)
async def declare(visit: Visit) -> Answer:
    """Keep the totals to which reports, and exports that ask for it, are weighted."""
    text = visit.form.text("targets")
    try:
        await visit.database.run(_declare, visit, text)
    except ExportError as error:
        return await _page(visit, sentence(error), text)
    return visit.go(f"/surveys/{visit.id}/response", "saved")


def _declare(db: Session, visit: Visit, text: str) -> None:
    survey = found(db.get(Survey, visit.id))
    kept = targets.keep(db, survey, text)
    facts = {"questions": sorted({question for question, *_ in kept}), "sources": sorted({one[3] for one in kept})}
    audit.record(db, visit.user, "survey.targets", "survey", survey.id, facts)
