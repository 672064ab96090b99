"""Whom a survey asks: invitations, the days on which it is open, and how many answers are wanted of whom."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys import inviting, nudging, quotas
from bot.surveys.models import Status, Survey
from bot.surveys.terms import BadDays, schedule
from bot.web.console import choosing, composing
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()


@pages.post("/surveys/{id:row}/invite", needs=Permission.SURVEYS_MANAGE)
async def invite(visit: Visit) -> Response:
    invited = await visit.database.run(_invite, visit.id, visit.form, visit.user)
    visit.context.nudge()
    return visit.go(f"/surveys/{visit.id}", "invited" if invited else "nobody_invited")


def _invite(db: Session, survey_id: int, form: Form, user: StaffUser) -> int:
    survey = found(db.get(Survey, survey_id))
    if survey.status != Status.OPEN:
        raise Refused("not_open")
    audience = choosing.read(form)
    done = inviting.invite(db, survey, select(Contact.id).where(audience.condition()))
    facts = {"audience": audience.to_json(), "chosen": done.chosen, "invited": done.invited}
    audit.record(db, user, "survey.invited", "survey", survey.id, facts)
    return done.invited


@pages.post("/surveys/{id:row}/nudge", needs=Permission.SURVEYS_MANAGE)
async def nudge(visit: Visit) -> Response:
    reminded = await visit.database.run(_nudge, visit.context.content, visit.id, visit.user)
    visit.context.nudge()
    return visit.go(f"/surveys/{visit.id}", "nudged" if reminded else "nobody_nudged")


def _nudge(db: Session, content: Content, survey_id: int, user: StaffUser) -> int:
    survey = found(db.get(Survey, survey_id))
    reminded = nudging.nudge_now(db, content, survey, clock.now())
    audit.record(db, user, "survey.nudged", "survey", survey.id, {"reminded": reminded})
    return reminded


@pages.post("/surveys/{id:row}/terms", needs=Permission.SURVEYS_MANAGE)
async def terms(visit: Visit) -> Response:
    await visit.database.run(_terms, visit.id, visit.form, visit.user)
    return visit.go(f"/surveys/{visit.id}", "saved")


def _terms(db: Session, survey_id: int, form: Form, user: StaffUser) -> None:
    survey = found(db.get(Survey, survey_id))
    try:
        wanted = quotas.read(form.text("quotas"))
    except quotas.BadQuota:
        raise Refused("bad_quota") from None
    opens, closes = (form.moment(name) for name in ("opens_at", "closes_at"))
    if any(form.text(name) and form.moment(name) is None for name in ("opens_at", "closes_at")):
        raise Refused("bad_days")
    if quotas.unknown(survey, wanted):
        raise Refused("bad_quota")
    try:
        schedule(db, survey, composing.at_office(opens), composing.at_office(closes))
    except BadDays:
        raise Refused("bad_days") from None
    survey.quotas = wanted
    facts = {"opens_at": form.text("opens_at"), "closes_at": form.text("closes_at"), "quotas": wanted}
    audit.record(db, user, "survey.terms", "survey", survey.id, facts)
