"""Broadcasts: written, tried dry, handed in, followed. A second person approves in the console, and sends there."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts import checks, forecast, progress, rendering, service, targets
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.broadcasts.service import Draft
from bot.broadcasts.times import REPEATS
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.conversations import approving
from bot.messaging.models import Status
from bot.staff.models import StaffUser
from bot.staff.scopes import Scope
from bot.web.api.access import Call, IdempotencyKey, needs
from bot.web.api.problems import Refused
from bot.web.api.values import After, AudienceIn, Body, Id, Limit, Moment, Page, Word
from bot.web.console.composing import ACTIONS, TEXT_LIMIT, TITLE_LIMIT, VALUE_LIMIT, button
from bot.web.console.context import ConsoleContext
from bot.web.console.visit import found

router = APIRouter(tags=["broadcasts"])
Reads = Annotated[Call, needs(Scope.BROADCASTS_READ)]
Writes = Annotated[Call, needs(Scope.BROADCASTS_WRITE)]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description="Needed: the ETag of what was read, so that no edit is lost."),
]


class BroadcastIn(Body):
    """What an author decides."""

    title: Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT)]
    purpose: Annotated[str, Field(pattern=f"^({'|'.join(checks.PURPOSES)})$")]
    texts: Annotated[
        dict[Annotated[str, Field(pattern=f"^({'|'.join(LANGUAGES)})$")], Annotated[str, Field(max_length=TEXT_LIMIT)]],
        Field(description="Language to text; English stands in for what is missing."),
    ]
    audience: AudienceIn = AudienceIn()
    actions: Annotated[list[Annotated[str, Field(pattern=f"^({'|'.join(ACTIONS)})$")]], Field(max_length=10)] = []
    link: Annotated[
        str | None,
        Field(pattern=f"^({'|'.join(targets.PURPOSES)}):[0-9]{{1,15}}$", description="Where its first button leads."),
    ] = None
    template: Annotated[str | None, Field(max_length=64)] = None
    variables: Annotated[
        dict[Word, Annotated[dict[Word, Annotated[str, Field(max_length=VALUE_LIMIT)]], Field(max_length=20)]],
        Field(max_length=len(LANGUAGES)),
    ] = {}
    paid: bool = False
    scheduled_at: Moment | None = None
    at_local: bool = False
    repeat: Annotated[str | None, Field(pattern=f"^({'|'.join(REPEATS)})$")] = None
    repeat_until: Moment | None = None
    expires_at: Moment | None = None

    def draft(self, content: Content) -> Draft:
        """Return it as the service takes it."""
        if (self.at_local or self.repeat) and self.scheduled_at is None:
            raise Refused(422, "no-time", "A local hour or a repetition needs `scheduled_at`.")
        plain = self.model_dump(exclude={"audience", "actions", "link"})
        buttons = tuple(button(content, id) for id in dict.fromkeys(self.actions))
        return Draft(**plain, audience=self.audience.rule(), buttons=buttons, link=targets.read(self.link or ""))


class BroadcastOut(BaseModel):
    """A broadcast and where it stands."""

    id: int
    title: str
    purpose: str
    status: str
    texts: dict[str, str]
    audience: dict[str, list[str]]
    template: str | None
    scheduled_at: datetime | None
    at_local: bool
    repeat: str | None
    repeat_until: datetime | None
    expires_at: datetime | None
    author: int
    approved_by: int | None
    approved_at: datetime | None
    refused_why: str | None
    sent_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    etag: str  #: what `If-Match` must say to change it


class LineOut(BaseModel):
    """People to whom the same would happen."""

    people: int
    when: str
    reason: str | None
    channel: str
    language: str


class DryRunOut(BaseModel):
    """What would happen if it were sent now; the people of the lines add up to the audience."""

    audience: int
    reached: int
    finishes_at: datetime | None
    stars: int
    cost_usd: float | None  #: of WhatsApp's messages, about; nothing when there are none
    problems: list[str]  #: codes of what must be put right before anybody can approve it
    lines: list[LineOut]


class Submitted(BaseModel):
    """A draft that approvers were shown."""

    id: int
    status: str
    asked: int  #: approvers asked in their own chat; in the console all see it


class ProgressOut(BaseModel):
    """Recipients by status; they add up to the audience."""

    audience: int
    statuses: dict[str, int]
    by_channel: dict[str, dict[str, int]]
    by_language: dict[str, dict[str, int]]
    by_country: dict[str, dict[str, int]]
    by_reason: dict[str, dict[str, int]]


class RecipientOut(BaseModel):
    """What became of one recipient's message."""

    message: int
    contact: int
    channel: str
    status: str
    reason: str | None
    sent_at: datetime | None
    status_at: datetime


@router.get("/broadcasts")
async def listing(
    call: Reads, status: BroadcastStatus | None = None, after: After = 0, limit: Limit = 50
) -> Page[BroadcastOut]:
    """List broadcasts, oldest first."""
    return await call.read(_list, call.context.content, status, after, limit)


def _list(db: Session, content: Content, status: BroadcastStatus | None, after: int, limit: int) -> Page[BroadcastOut]:
    rows = select(Broadcast).where(Broadcast.id > after).order_by(Broadcast.id).limit(limit + 1)
    chosen = rows.where(Broadcast.status == status) if status else rows
    return Page[BroadcastOut].of([(row.id, _shown(content, row)) for row in db.scalars(chosen)], limit)


def _shown(content: Content, row: Broadcast) -> BroadcastOut:
    special = {"etag", "author"}
    plain: dict[str, Any] = {name: getattr(row, name) for name in BroadcastOut.model_fields if name not in special}
    return BroadcastOut(**plain, author=row.author_id, etag=rendering.content_hash(content, row))


@router.post("/broadcasts", status_code=201, response_model=BroadcastOut)
async def create(call: Writes, body: BroadcastIn, key: IdempotencyKey = None) -> Response:
    """Write a draft."""
    content = call.context.content
    draft = body.draft(content)
    return await call.once(key, 201, lambda db: _shown(content, service.draft(db, content, call.user, draft)))


@router.get("/broadcasts/{id}")
async def one(call: Reads, id: Id, response: Response) -> BroadcastOut:
    """Show one broadcast."""
    shown = await call.read(lambda db: _shown(call.context.content, _get(db, id)))
    response.headers["ETag"] = f'"{shown.etag}"'
    return shown


def _get(db: Session, broadcast_id: int) -> Broadcast:
    return found(db.get(Broadcast, broadcast_id))


@router.put("/broadcasts/{id}")
async def edit(call: Writes, id: Id, body: BroadcastIn, response: Response, if_match: IfMatch = None) -> BroadcastOut:
    """Write a draft anew; an approval is void from then on. What the console added, such as files, stays."""
    if not if_match:
        raise Refused(428, "etag-missing", "Send the header If-Match with the ETag of the broadcast as you read it.")
    draft = body.draft(call.context.content)
    shown = await call.write(_edit, call.context.content, id, call.user, draft, if_match)
    response.headers["ETag"] = f'"{shown.etag}"'
    return shown


def _edit(db: Session, content: Content, broadcast_id: int, user: StaffUser, draft: Draft, seen: str) -> BroadcastOut:
    broadcast = found(db.get(Broadcast, broadcast_id, with_for_update=True))
    if seen.strip().removeprefix("W/").strip('"') != rendering.content_hash(content, broadcast):
        raise Refused(412, "changed", "The broadcast changed since you read it: read it again.")
    service.edit(db, content, broadcast, user, Draft.of(broadcast).rewritten(draft, ACTIONS))
    return _shown(content, broadcast)


@router.get("/broadcasts/{id}/dry-run")
async def dry_run(call: Reads, id: Id) -> DryRunOut:
    """Tell who would get it and who would not, and why, if it were sent now."""
    return await call.read(_dry_run, call.context, id)


def _dry_run(db: Session, context: ConsoleContext, broadcast_id: int) -> DryRunOut:
    broadcast = _get(db, broadcast_id)
    dry = forecast.dry_run(db, context.content, broadcast, context.policy, clock.now())
    lines = [
        LineOut(people=line.count, when=line.when, reason=line.reason, channel=line.channel, language=line.language)
        for line in dry.lines
    ]
    return DryRunOut(
        audience=dry.audience,
        reached=sum(line.count for line in dry.lines if line.when != "never"),
        finishes_at=dry.finishes_at,
        stars=dry.stars,
        cost_usd=dry.cost.dollars if dry.cost else None,
        problems=sorted({one.code for one in service.problems(db, context.content, broadcast, context.policy)}),
        lines=lines,
    )


@router.post("/broadcasts/{id}/submit", response_model=Submitted)
async def submit(call: Writes, id: Id, key: IdempotencyKey = None) -> Response:
    """Hand a draft in: the checks must find nothing; approvers with a linked chat are asked there."""
    answer = await call.once(key, 200, lambda db: _submit(db, call.context, id, call.user))
    call.context.nudge()
    return answer


def _submit(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser) -> Submitted:
    broadcast = _get(db, broadcast_id)
    if broadcast.status != BroadcastStatus.DRAFT:
        raise Refused(409, "not-a-draft", "Only a draft can be handed in: this one is further than that.")
    try:
        asked = approving.ask(db, context.content, broadcast, context.policy, user)
    except approving.NobodyToAsk:
        asked = 0
    return Submitted(id=broadcast.id, status=broadcast.status, asked=asked)


@router.get("/broadcasts/{id}/progress")
async def followed(call: Reads, id: Id) -> ProgressOut:
    """Tell how many recipients stand where."""
    return await call.read(_followed, id)


def _followed(db: Session, broadcast_id: int) -> ProgressOut:
    made = progress.progress(db, _get(db, broadcast_id))
    return ProgressOut(**{name: getattr(made, name) for name in ProgressOut.model_fields})


@router.get("/broadcasts/{id}/recipients")
async def recipients(
    call: Reads, id: Id, status: Status | None = None, after: After = 0, limit: Limit = 50
) -> Page[RecipientOut]:
    """List what became of each recipient's message."""
    return await call.read(_recipients, id, status, after, limit)


def _recipients(db: Session, broadcast_id: int, status: Status | None, after: int, limit: int) -> Page[RecipientOut]:
    rows = progress.outcomes(db, _get(db, broadcast_id), status=status, after=after, limit=limit + 1)
    shown = [
        RecipientOut(
            message=row.id,
            contact=row.contact_id,
            channel=row.channel,
            status=row.status,
            reason=row.reason,
            sent_at=row.sent_at,
            status_at=row.status_at,
        )
        for row in rows
    ]
    return Page[RecipientOut].of([(one.message, one) for one in shown], limit)
