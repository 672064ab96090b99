"""An open session moved, resized or called off: first who is told of what, then, with a tick, done."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.broadcasts import targets
from bot.content import Content
from bot.events import places, service, times
from bot.events.models import Event, EventStatus
from bot.events.service import NotPossible
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console import planning
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()

PLACE = ("starts", "zone", "minutes", "place", "link")


@pages.get("/sessions/{id:row}/move", needs=Permission.SESSIONS_MANAGE)
async def move_form(visit: Visit) -> Response:
    event = await visit.database.query(_open, visit.id)
    return _move(visit, event, planning.as_form(event))


@pages.post("/sessions/{id:row}/move", needs=Permission.SESSIONS_MANAGE)
async def move(visit: Visit) -> Response:
    """Show what would be told; move when that was seen and ticked."""
    event = await visit.database.query(_open, visit.id)
    errors = tuple(name for name, wrong in planning.wrong_place(visit.form).items() if wrong)
    if errors:
        return _move(visit, event, visit.form, errors)
    to = planning.place(visit.form)
    try:
        service.refuse_move(event, to["starts_local"], to["zone"])
        service.refuse_links(to, visit.context.policy.session_domains)
    except NotPossible as reason:
        return _move(visit, event, visit.form, (reason.args[0],))
    if visit.form.text("sure") != "yes":
        starts_at = times.instant(to["starts_local"], to["zone"])
        told = await visit.database.query(service.concerned, event, starts_at)
        return _move(visit, event, visit.form, told=told)
    await visit.database.run(_do_move, visit.context.content, visit.id, visit.form, visit.user)
    visit.context.nudge()
    return visit.go(f"/sessions/{visit.id}", "moved")


def _move(visit: Visit, event: Event, form: Form, errors: tuple[str, ...] = (), told: int | None = None) -> Response:
    """Show the form or, once `told` is known, what is to be confirmed."""
    zone = form.text("zone")
    wall = form.moment("starts")
    return visit.page(
        "sessions/move.html",
        422 if errors else 200,
        event=event,
        given={name: form.text(name) for name in PLACE},
        errors=errors,
        zones=planning.zones(),
        told=told,
        starts_at=times.instant(wall, zone) if told is not None and wall else None,
    )


def _do_move(db: Session, content: Content, event_id: int, form: Form, user: StaffUser) -> None:
    to = planning.place(form)
    to |= {"place": to["place"] or "", "link": to["link"] or ""}  # empty: taken away
    told = service.move(db, content, found(db.get(Event, event_id)), **to)
    audit.record(db, user, "session.moved", "event", event_id, {"told": told, "starts": form.text("starts")})


@pages.post("/sessions/{id:row}/resize", needs=Permission.SESSIONS_MANAGE)
async def resize(visit: Visit) -> Response:
    """Show who would get a place; resize when that was seen and ticked."""
    typed, capacity = visit.form.text("capacity"), visit.form.number("capacity")
    if typed and capacity not in planning.CAPACITY:
        raise Refused("no_capacity")
    if visit.form.text("sure") != "yes":
        event, joining = await visit.database.query(_joining, visit.id, capacity)
        return visit.page("sessions/resize.html", event=event, capacity=capacity, joining=joining)
    await visit.database.run(_do_resize, visit.context.content, visit.id, capacity, visit.user)
    visit.context.nudge()
    return visit.go(f"/sessions/{visit.id}", "resized")


def _joining(db: Session, event_id: int, capacity: int | None) -> tuple[Event, int]:
    event = _open(db, event_id)
    service.refuse_size(db, event, capacity)
    return event, len(places.next_in_turn(db, event, capacity))


def _do_resize(db: Session, content: Content, event_id: int, capacity: int | None, user: StaffUser) -> None:
    joined = service.resize(db, content, found(db.get(Event, event_id)), capacity)
    audit.record(db, user, "session.resized", "event", event_id, {"capacity": capacity, "joined": joined})


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
    targets.stop(db, (targets.SESSION, event.id))
    audit.record(db, user, "session.cancelled", "event", event.id, {"told": told})


def _open(db: Session, event_id: int) -> Event:
    event = found(db.get(Event, event_id))
    if event.status != EventStatus.OPEN:
        raise Refused("session_not_open")
    return event
