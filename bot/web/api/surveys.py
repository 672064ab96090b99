"""Surveys: what there is, how it goes, whom to invite."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.broadcasts.audience import Audience
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import SOURCE
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.scopes import Scope
from bot.surveys import figures, inviting, publishing, quotas, terms
from bot.surveys.models import Status, Survey
from bot.web.api.access import Call, IdempotencyKey, needs
from bot.web.api.problems import Refused
from bot.web.api.values import After, AudienceIn, Body, Id, Limit, Page
from bot.web.console.visit import found

router = APIRouter(tags=["surveys"])
Reads = Annotated[Call, needs(Scope.SURVEYS_READ)]
Writes = Annotated[Call, needs(Scope.SURVEYS_WRITE)]


class SurveyOut(BaseModel):
    """One version of a form."""

    id: int
    form_id: str
    version: str
    title: str
    status: str
    takes_answers: bool  #: now
    created_at: datetime
    published_at: datetime | None
    opens_at: datetime | None
    closes_at: datetime | None
    quotas: dict[str, int]


class StopOut(BaseModel):
    """A question: how many answered it, and how many stand there."""

    name: str
    label: str
    answered: int
    stopped: int


class FiguresOut(BaseModel):
    """How a survey goes."""

    dispositions: dict[str, int]
    invited: int
    began: int  #: of the invited
    completed: int  #: of the invited
    questions: list[StopOut]
    cells: dict[str, int]  #: of the quotas


class InvitationsOut(BaseModel):
    """What becomes of the people chosen."""

    chosen: int
    invited: int
    known: int  #: invited before, or with answers already
    without_consent: int


class TriedIn(Body):
    """Whom to invite."""

    audience: AudienceIn = AudienceIn()


class InvitationsIn(TriedIn):
    """Whom to invite, and how many that were in the dry run."""

    people: Annotated[int, Field(ge=1, le=100_000_000, description="`invited` of the dry run: another number refuses.")]


@router.get("/surveys")
async def listing(call: Reads, status: Status | None = None, after: After = 0, limit: Limit = 50) -> Page[SurveyOut]:
    """List the surveys, oldest first."""
    return await call.read(_list, status, after, limit)


def _list(db: Session, status: Status | None, after: int, limit: int) -> Page[SurveyOut]:
    rows = select(Survey).where(Survey.id > after).order_by(Survey.id).limit(limit + 1)
    chosen = rows.where(Survey.status == status) if status else rows
    return Page[SurveyOut].of([(row.id, _shown(row)) for row in db.scalars(chosen)], limit)


def _shown(row: Survey) -> SurveyOut:
    plain = {name: getattr(row, name) for name in SurveyOut.model_fields if name != "takes_answers"}
    return SurveyOut(**plain, takes_answers=publishing.is_open(row))


@router.get("/surveys/{id}")
async def one(call: Reads, id: Id) -> SurveyOut:
    """Show one survey."""
    return await call.read(lambda db: _shown(found(db.get(Survey, id))))


@router.get("/surveys/{id}/figures")
async def counted(call: Reads, id: Id) -> FiguresOut:
    """Tell how far people came, and where they stopped."""
    return await call.read(_figures, call.context.content, id)


def _figures(db: Session, content: Content, survey_id: int) -> FiguresOut:
    survey = found(db.get(Survey, survey_id))
    return FiguresOut(
        dispositions=figures.dispositions(db, survey.id),
        questions=[StopOut(**asdict(stop)) for stop in figures.drop_off(db, survey, SOURCE, content)],
        cells=quotas.filled(db, survey),
        **asdict(inviting.response(db, survey)),
    )


@router.post("/surveys/{id}/publish", response_model=SurveyOut)
async def publish(call: Writes, id: Id, key: IdempotencyKey = None) -> Response:
    """Open a draft to members."""
    return await call.once(key, 200, lambda db: _publish(db, id, call.user))


def _publish(db: Session, survey_id: int, user: StaffUser) -> SurveyOut:
    survey = found(db.get(Survey, survey_id))
    if survey.status != Status.DRAFT:
        raise Refused(409, "not-a-draft", "Only a draft can be published: upload a new version in the console.")
    publishing.release(db, survey)
    audit.record(db, user, "survey.published", "survey", survey.id, {"sha256": survey.sha256})
    return _shown(survey)


@router.post("/surveys/{id}/close", response_model=SurveyOut)
async def close(call: Writes, id: Id, key: IdempotencyKey = None) -> Response:
    """Take no more answers, and cancel invitations that have not left."""
    return await call.once(key, 200, lambda db: _close(db, id, call.user))


def _close(db: Session, survey_id: int, user: StaffUser) -> SurveyOut:
    survey = found(db.get(Survey, survey_id))
    cancelled = terms.close(db, survey)
    audit.record(db, user, "survey.closed", "survey", survey.id, {"cancelled": cancelled})
    return _shown(survey)


@router.post("/surveys/{id}/invitations/dry-run")
async def try_invitations(call: Writes, id: Id, body: TriedIn) -> InvitationsOut:
    """Tell how many would be invited; nobody is."""
    return await call.read(_try, id, body.audience.rule())


def _try(db: Session, survey_id: int, audience: Audience) -> InvitationsOut:
    survey = found(db.get(Survey, survey_id))
    if survey.status != Status.OPEN:
        raise Refused(409, "not-open", "Publish the survey before you invite people to it.")
    return InvitationsOut(**asdict(inviting.preview(db, survey, _people(audience))))


@router.post("/surveys/{id}/invitations", response_model=InvitationsOut)
async def invite(call: Writes, id: Id, body: InvitationsIn, key: IdempotencyKey = None) -> Response:
    """Invite who agreed to surveys and has not answered, once each, when `people` is what the dry run says."""
    audience = body.audience.rule()
    answer = await call.once(key, 200, lambda db: _invite(db, id, audience, body.people, call.user))
    call.context.nudge()
    return answer


def _invite(db: Session, survey_id: int, audience: Audience, people: int, user: StaffUser) -> InvitationsOut:
    tried = _try(db, survey_id, audience)
    if tried.invited != people:
        raise Refused(409, "wrong-number", f"This would invite {tried.invited} people: look at the dry run again.")
    survey = db.get_one(Survey, survey_id)
    inviting.invite(db, survey, _people(audience))
    facts = {"audience": audience.to_json(), "chosen": tried.chosen, "invited": tried.invited}
    audit.record(db, user, "survey.invited", "survey", survey.id, facts)
    return tried


def _people(audience: Audience) -> Select[int]:
    return select(Contact.id).where(audience.condition())
