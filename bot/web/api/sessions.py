"""Sessions: planned as drafts, opened for registration, with who comes and who came."""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field, NaiveDatetime
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.content.languages import LANGUAGES
from bot.events import attendance, service
from bot.events.models import REMINDERS, Attendance, Event, EventStatus
from bot.exports import session_figures
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.scopes import Scope
from bot.web.api.access import Call, IdempotencyKey, needs
from bot.web.api.problems import Refused
from bot.web.api.values import After, Body, Id, Limit, Page, RowId
from bot.web.console.attending import takes_marks
from bot.web.console.planning import CAPACITY, MINUTES, TEXT_LIMIT, TITLE_LIMIT, zones
from bot.web.console.visit import found
from bot.web.forms import YEARS

router = APIRouter(tags=["sessions"])
Reads = Annotated[Call, needs(Scope.SESSIONS_READ)]
Writes = Annotated[Call, needs(Scope.SESSIONS_WRITE)]
Language = Annotated[str, Field(pattern=f"^({'|'.join(LANGUAGES)})$")]


def _wall(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
    return value.replace(second=0, microsecond=0)


def _zone(value: str) -> str:
    if value not in zones():
        raise ValueError("must be the name of a time zone, such as Africa/Maseru")
    return value


Wall = Annotated[NaiveDatetime, AfterValidator(_wall)]


class SessionIn(Body):
    """A session as it is planned."""

    title: Annotated[dict[Language, Annotated[str, Field(max_length=TITLE_LIMIT)]], Field(min_length=1)]
    description: dict[Language, Annotated[str, Field(max_length=TEXT_LIMIT)]] = {}
    starts: Annotated[Wall, Field(description="On the wall in `zone`, without an offset: 2026-03-20T18:30.")]
    zone: Annotated[str, AfterValidator(_zone)]
    minutes: Annotated[int, Field(ge=MINUTES.start, lt=MINUTES.stop)]
    place: Annotated[str | None, Field(max_length=TEXT_LIMIT)] = None
    link: Annotated[str | None, Field(max_length=TEXT_LIMIT, description="To join; who has a place gets it.")] = None
    capacity: Annotated[int | None, Field(ge=CAPACITY.start, lt=CAPACITY.stop)] = None
    languages: Annotated[list[Language], Field(max_length=len(LANGUAGES))] = []
    register_by: Annotated[Wall | None, Field(description="On the wall in `zone`.")] = None
    reminders: Annotated[list[Annotated[int, Field(ge=1, le=60 * 24 * 60)]], Field(max_length=10)] = list(REMINDERS)
    speaker: Annotated[str | None, Field(max_length=TITLE_LIMIT)] = None
    by_invitation: bool = False
    certificate: bool = False

    def values(self) -> dict[str, Any]:
        """Return it as the service takes it."""
        plain = self.model_dump(exclude={"starts", "register_by"})
        texts = {name: {code: text for code, text in plain.pop(name).items() if text} for name in TEXTS}
        empty = {name: plain[name] or None for name in ("place", "link", "speaker")}
        until = self.register_by.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC) if self.register_by else None
        return plain | texts | empty | {"starts_local": self.starts, "register_by": until}


TEXTS = ("title", "description")


class SessionOut(BaseModel):
    """A session, without the address to join and the code to check in, which are for those who have a place."""

    id: int
    title: dict[str, str]
    description: dict[str, str]
    status: str
    starts_at: datetime
    ends_at: datetime
    starts_local: datetime
    zone: str
    minutes: int
    place: str | None
    capacity: int | None
    languages: list[str]
    register_by: datetime | None
    speaker: str | None
    by_invitation: bool
    certificate: bool
    created_at: datetime
    answers: dict[str, int]  #: confirmed, waiting, maybe, no


class FiguresOut(BaseModel):
    """Who was invited, said what, came and was missed; null stands for a number too small to show."""

    totals: dict[str, int | None]
    groups: dict[str, dict[str, dict[str, int | None]]]


class AttendanceIn(Body):
    """Who was there, and who was not after all."""

    there: Annotated[list[RowId], Field(max_length=5000)] = []
    not_there: Annotated[list[RowId], Field(max_length=5000)] = []


class AttendanceOut(BaseModel):
    """What changed."""

    added: int
    removed: int


class PresentOut(BaseModel):
    """One person who was there."""

    contact: int
    how: str
    at: datetime


@router.get("/sessions")
async def listing(
    call: Reads, status: EventStatus | None = None, after: After = 0, limit: Limit = 50
) -> Page[SessionOut]:
    """List the sessions, oldest first."""
    return await call.read(_list, status, after, limit)


def _list(db: Session, status: EventStatus | None, after: int, limit: int) -> Page[SessionOut]:
    rows = select(Event).where(Event.id > after).order_by(Event.id).limit(limit + 1)
    chosen = rows.where(Event.status == status) if status else rows
    return Page[SessionOut].of([(row.id, _shown(db, row)) for row in db.scalars(chosen)], limit)


def _shown(db: Session, row: Event) -> SessionOut:
    plain = {name: getattr(row, name) for name in SessionOut.model_fields if name != "answers"}
    return SessionOut(**plain, answers=service.figures(db, row))


@router.get("/sessions/{id}")
async def one(call: Reads, id: Id) -> SessionOut:
    """Show one session."""
    return await call.read(lambda db: _shown(db, found(db.get(Event, id))))


@router.post("/sessions", status_code=201, response_model=SessionOut)
async def create(call: Writes, body: SessionIn, key: IdempotencyKey = None) -> Response:
    """Plan a session as a draft."""
    values = body.values()
    service.refuse_links(values, call.context.policy.session_domains)
    return await call.once(key, 201, lambda db: _create(db, values, call.user))


def _create(db: Session, values: dict[str, Any], user: StaffUser) -> SessionOut:
    event = service.create(db, created_by=str(user.id), **values)
    audit.record(db, user, "session.created", "event", event.id)
    return _shown(db, event)


@router.post("/sessions/{id}/publish", response_model=SessionOut)
async def publish(call: Writes, id: Id, key: IdempotencyKey = None) -> Response:
    """Open a draft for registration; inviting people is done in the console."""
    return await call.once(key, 200, lambda db: _publish(db, id, call.user))


def _publish(db: Session, event_id: int, user: StaffUser) -> SessionOut:
    event = found(db.get(Event, event_id))
    service.publish(db, event)
    audit.record(db, user, "session.published", "event", event.id)
    return _shown(db, event)


@router.get("/sessions/{id}/figures")
async def counted(call: Reads, id: Id) -> FiguresOut:
    """Count who came, by group, small numbers hidden."""
    return await call.write(_figures, id, call.context.settings.publish_least)


def _figures(db: Session, event_id: int, least: int) -> FiguresOut:
    event = found(db.get(Event, event_id))
    figures = session_figures.figures(db, event, least)
    return FiguresOut(totals=figures.totals, groups=figures.groups)


@router.get("/sessions/{id}/attendance")
async def present(call: Writes, id: Id, after: After = 0, limit: Limit = 50) -> Page[PresentOut]:
    """List who was there; as in the console, for who manages sessions."""
    return await call.read(_present, id, after, limit)


def _present(db: Session, event_id: int, after: int, limit: int) -> Page[PresentOut]:
    event = found(db.get(Event, event_id))
    rows = select(Attendance).where(Attendance.event_id == event.id, Attendance.contact_id > after)
    listed = db.scalars(rows.order_by(Attendance.contact_id).limit(limit + 1))
    shown = [PresentOut(contact=row.contact_id, how=row.how, at=row.at) for row in listed]
    return Page[PresentOut].of([(one.contact, one) for one in shown], limit)


@router.post("/sessions/{id}/attendance", response_model=AttendanceOut)
async def note(call: Writes, id: Id, body: AttendanceIn, key: IdempotencyKey = None) -> Response:
    """Note who was there, and who was not after all."""
    there, gone = set(body.there), set(body.not_there)
    return await call.once(key, 200, lambda db: _note(db, id, there - gone, gone, call.user))


def _note(db: Session, event_id: int, there: set[int], gone: set[int], user: StaffUser) -> AttendanceOut:
    event = found(db.get(Event, event_id))
    if not takes_marks(event):
        raise Refused(409, "not-begun", "Who was there can be noted from half an hour before the start.")
    added = attendance.mark(db, event, there, str(user.id))
    removed = attendance.unmark(db, event, gone)
    if added or removed:
        facts = {"there": sorted(there), "not_there": sorted(gone)}
        audit.record(db, user, "session.attendance", "event", event.id, facts)
    return AttendanceOut(added=added, removed=removed)
