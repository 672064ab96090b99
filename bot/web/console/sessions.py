"""Capacity-building sessions: create, publish, invite, see who comes, cancel."""

from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts.audience import Audience
from bot.contacts.models import Contact
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.events import service
from bot.events.models import Event
from bot.messaging import eligibility
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console import choosing
from bot.web.console.broadcasts import ORDER
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()

PAGE = 50
TITLE_LIMIT, TEXT_LIMIT = 200, 2000
MINUTES = range(1, 7 * 24 * 60)
CAPACITY = range(1, 1_000_000)
FIELDS = (
    *(f"{kind}_{code}" for kind in ("title", "description") for code in ("en", "fr")),
    *("starts", "zone", "minutes", "place", "link", "capacity"),
)


@cache
def zones() -> list[str]:
    """Return the time zones to choose from."""
    return sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))


@pages.get("/sessions", needs=Permission.REPORTS_VIEW)
async def listing(visit: Visit) -> Response:
    rows = await visit.database.query(_list, visit.query.number("before"))
    return visit.page("sessions/list.html", rows=rows, page_size=PAGE)


def _list(db: Session, before: int | None) -> list[tuple[Event, dict[str, int]]]:
    rows = select(Event).order_by(Event.id.desc()).limit(PAGE)
    if before:
        rows = rows.where(Event.id < before)
    return [(event, service.figures(db, event)) for event in db.scalars(rows)]


@pages.get("/sessions/new", needs=Permission.SESSIONS_MANAGE)
async def new(visit: Visit) -> Response:
    return _form(visit, Form([("zone", HOME_ZONE), ("minutes", "90")]), ())


def _form(visit: Visit, form: Form, errors: tuple[str, ...]) -> Response:
    given = {name: form.text(name) for name in FIELDS}
    ticked = form.texts("languages")
    return visit.page(
        "sessions/new.html", 422 if errors else 200, given=given, ticked=ticked, errors=errors, zones=zones()
    )


@pages.post("/sessions/new", needs=Permission.SESSIONS_MANAGE)
async def create(visit: Visit) -> Response:
    errors = _errors(visit.form)
    if errors:
        return _form(visit, visit.form, errors)
    event = await visit.database.run(_create, visit.form, visit.user)
    return visit.go(f"/sessions/{event.id}", "saved")


def _errors(form: Form) -> tuple[str, ...]:
    wrong = {
        "title": not 0 < len(form.text("title_en")) <= TITLE_LIMIT or len(form.text("title_fr")) > TITLE_LIMIT,
        "description": any(len(form.text(f"description_{code}")) > TEXT_LIMIT for code in ("en", "fr")),
        "starts": form.moment("starts") is None,
        "zone": form.text("zone") not in zones(),
        "minutes": form.number("minutes") not in MINUTES,
        "capacity": bool(form.text("capacity")) and form.number("capacity") not in CAPACITY,
        "place": len(form.text("place")) > TEXT_LIMIT or len(form.text("link")) > TEXT_LIMIT,
    }
    return tuple(name for name, is_wrong in wrong.items() if is_wrong)


def _create(db: Session, form: Form, user: StaffUser) -> Event:
    starts = found(form.moment("starts"))
    event = service.create(
        db,
        title=_by_language(form, "title"),
        description=_by_language(form, "description"),
        starts_local=starts,
        zone=form.text("zone"),
        minutes=form.number("minutes") or 0,
        created_by=str(user.id),
        place=form.text("place") or None,
        link=form.text("link") or None,
        capacity=form.number("capacity"),
        languages=[code for code in form.texts("languages") if code in LANGUAGES],
    )
    audit.record(db, user, "session.created", "event", event.id)
    return event


def _by_language(form: Form, name: str) -> dict[str, str]:
    return {code: form.text(f"{name}_{code}") for code in ("en", "fr") if form.text(f"{name}_{code}")}


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one session."""

    event: Event
    figures: dict[str, int]
    sending: dict[str, dict[str, int]]  #: kind of message -> status -> count
    offered: dict[str, dict[str, str]]


@pages.get("/sessions/{id:row}", needs=Permission.REPORTS_VIEW)
async def one(visit: Visit) -> Response:
    channels = tuple(visit.context.policy.channels)
    view = await visit.database.query(_view, visit.id, visit.context.content, channels, visit.reader)
    return visit.page("sessions/one.html", view=view, everybody=Audience(), now=clock.now(), order=ORDER)


def _view(db: Session, event_id: int, content: Content, channels: tuple[str, ...], reader: Reader) -> View:
    event = found(db.get(Event, event_id))
    sending = {kind: eligibility.count_by_status(db, kind, event_id) for kind in ("invitation", "reminder", "notice")}
    return View(event, service.figures(db, event), sending, choosing.offered(db, content, channels, reader))


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


@pages.post("/sessions/{id:row}/cancel", needs=Permission.SESSIONS_MANAGE)
async def cancel(visit: Visit) -> Response:
    if visit.form.text("sure") != "yes":
        raise Refused("not_sure")
    await visit.database.run(_cancel, visit.context.content, visit.id, visit.user)
    visit.context.nudge()
    return visit.go(f"/sessions/{visit.id}", "cancelled")


def _cancel(db: Session, content: Content, event_id: int, user: StaffUser) -> None:
    event = found(db.get(Event, event_id))
    told = service.cancel(db, content, event)
    audit.record(db, user, "session.cancelled", "event", event.id, {"told": told})
