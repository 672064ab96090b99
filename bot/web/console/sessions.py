"""Capacity-building sessions: one with its figures; publish, invite."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts.audience import Audience
from bot.contacts.models import Contact
from bot.content import Content
from bot.events import materials, series, service
from bot.events.models import Event, Material
from bot.messaging import eligibility
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console import attending, choosing, planning
from bot.web.console.context import ConsoleContext
from bot.web.console.live import ORDER
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found

pages = Pages()

PAGE = 50


@pages.get("/sessions", needs=Permission.REPORTS_VIEW)
async def listing(visit: Visit) -> Response:
    rows = await visit.database.query(_list, visit.query.number("before"))
    return visit.page("sessions/list.html", rows=rows, page_size=PAGE)


def _list(db: Session, before: int | None) -> list[tuple[Event, dict[str, int]]]:
    rows = select(Event).order_by(Event.id.desc()).limit(PAGE)
    if before:
        rows = rows.where(Event.id < before)
    return [(event, service.figures(db, event)) for event in db.scalars(rows)]


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one session."""

    event: Event
    figures: dict[str, int]
    sending: dict[str, dict[str, int]]  #: kind of message -> status -> count
    offered: dict[str, dict[str, str]]
    titles: dict[str, str]  #: of forms and sessions that belong to it: form id, or session id as text -> title
    documents: list[Material]
    series: list[Event]  #: the sessions of the series that it belongs to, in their order
    series_name: str
    told: int  #: people who hear of it when it is cancelled


@pages.get("/sessions/{id:row}", needs=Permission.REPORTS_VIEW)
async def one(visit: Visit) -> Response:
    view = await visit.database.query(_view, visit.id, visit.context, visit.reader)
    held = attending.takes_marks(view.event)
    audience = Audience.from_json(view.event.audience)
    chosen = {"audience": audience, "conditions": choosing.CONDITIONS}
    return visit.page("sessions/one.html", view=view, now=clock.now(), order=ORDER, held=held, chosen=chosen)


def _view(db: Session, event_id: int, context: ConsoleContext, reader: Reader) -> View:
    event = found(db.get(Event, event_id))
    series_id = (db.get(Event, event.topic_id) or event).series_id
    sending = {kind: eligibility.count_by_status(db, kind, event_id) for kind in ("invitation", "reminder", "notice")}
    return View(
        event=event,
        figures=service.figures(db, event),
        sending=sending,
        offered=choosing.offered(db, context, reader, Audience.from_json(event.audience)),
        titles=planning.forms(db, event) | planning.topics(db, event),
        documents=materials.of(db, event),
        series=series.sessions(db, series_id) if series_id else [],
        series_name=planning.all_series(db).get(str(series_id), ""),
        told=service.concerned(db, event),
    )


@pages.post("/sessions/{id:row}/audience", needs=Permission.SESSIONS_MANAGE)
async def keep_audience(visit: Visit) -> Response:
    await visit.database.run(_keep_audience, visit.id, choosing.read(visit.form), visit.user)
    return visit.go(f"/sessions/{visit.id}", "changed")


def _keep_audience(db: Session, event_id: int, audience: Audience, user: StaffUser) -> None:
    event = found(db.get(Event, event_id))
    service.intend(db, event, audience.to_json())
    audit.record(db, user, "session.audience", "event", event.id, {"audience": audience.to_json()})


@pages.post("/sessions/{id:row}/publish", needs=Permission.SESSIONS_MANAGE)
async def publish(visit: Visit) -> Response:
    await visit.database.run(_publish, visit.id, visit.user)
    return visit.go(f"/sessions/{visit.id}", "published")


def _publish(db: Session, event_id: int, user: StaffUser) -> None:
    event = found(db.get(Event, event_id))
    service.publish(db, event)
    audit.record(db, user, "session.published", "event", event.id)


@pages.post("/sessions/{id:row}/invite", needs=Permission.SESSIONS_MANAGE)
async def invite(visit: Visit) -> Response:
    audience = choosing.read(visit.form)
    await visit.database.run(_invite, visit.context.content, visit.id, audience, visit.user)
    visit.context.nudge()
    return visit.go(f"/sessions/{visit.id}", "invited")


def _invite(db: Session, content: Content, event_id: int, audience: Audience, user: StaffUser) -> None:
    event = found(db.get(Event, event_id))
    invited = service.invite(db, content, event, select(Contact.id).where(audience.condition()))
    audit.record(db, user, "session.invited", "event", event.id, {"people": invited, "audience": audience.to_json()})
