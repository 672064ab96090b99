"""What a session is: written as a draft, and edited; of an open one, what nobody must be told of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.contacts.service import HOME_ZONE
from bot.content.languages import LANGUAGES
from bot.events import series, service
from bot.events.models import FOLLOW_UP, REMINDERS, Event, EventSeries, EventStatus
from bot.events.service import NotPossible
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys.models import Status, Survey
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found
from bot.web.forms import Form

pages = Pages()

TITLE_LIMIT, TEXT_LIMIT = 200, 2000
MINUTES = range(1, 7 * 24 * 60)
CAPACITY = range(1, 1_000_000)
#: Most earlier sessions that are offered to choose from.
_OFFERED = 200
WRITTEN = ("en", "fr")  #: languages in which staff write
FORMS = ("pretest_form", "posttest_form", "feedback_form")
#: Reminders that can be ticked, in minutes before the start.
OFFSETS = ("10080", "4320", "1440", "180", "60", "10")
#: Hours after the end.
FOLLOW_UPS = range(73)
FIELDS = (
    *(f"{kind}_{code}" for kind in ("title", "description") for code in WRITTEN),
    *("speaker", "starts", "zone", "minutes", "place", "link", "capacity", "register_by"),
    *("by_invitation", "certificate", "requires", "run_of", "series", "series_en", "series_fr", "follow_up", *FORMS),
)


@cache
def zones() -> list[str]:
    """Return the time zones to choose from."""
    return sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))


@pages.get("/sessions/new", needs=Permission.SESSIONS_MANAGE)
async def new(visit: Visit) -> Response:
    usual = [("zone", HOME_ZONE), ("minutes", "90"), ("follow_up", FOLLOW_UP // 60)]
    return await _form(visit, Form([*usual, *(("reminders", offset) for offset in REMINDERS)]), None, ())


@pages.post("/sessions/new", needs=Permission.SESSIONS_MANAGE)
async def create(visit: Visit) -> Response:
    return await _save(visit, None)


@pages.get("/sessions/{id:row}/edit", needs=Permission.SESSIONS_MANAGE)
async def edit(visit: Visit) -> Response:
    event = found(await visit.database.query(_get, visit.id))
    return await _form(visit, as_form(event), event, ())


@pages.post("/sessions/{id:row}/edit", needs=Permission.SESSIONS_MANAGE)
async def save(visit: Visit) -> Response:
    return await _save(visit, found(await visit.database.query(_get, visit.id)))


async def _form(visit: Visit, form: Form, event: Event | None, errors: tuple[str, ...]) -> Response:
    return visit.page(
        "sessions/edit.html",
        422 if errors else 200,
        given={name: form.text(name) for name in FIELDS},
        ticked=form.texts("languages"),
        reminded=form.texts("reminders"),
        offsets=OFFSETS,
        event=event,
        is_open=event is not None and event.status == EventStatus.OPEN,
        errors=errors,
        zones=zones(),
        forms=await visit.database.query(forms, event),
        topics=await visit.database.query(topics, event),
        series=await visit.database.query(all_series),
    )


async def _save(visit: Visit, event: Event | None) -> Response:
    """Write what was filled in; what cannot be is said above the form, which keeps all that was typed."""
    form = visit.form
    is_open = event is not None and event.status == EventStatus.OPEN
    errors = (*_errors(form, is_open), *await visit.database.query(_unknown, form, event))
    if not errors:
        try:
            values = _values(form, event)
            service.refuse_links(values, visit.context.policy.session_domains)
            saved = await visit.database.run(_write, visit.id if event else None, values, _new_series(form), visit.user)
            return visit.go(f"/sessions/{saved}", "changed" if event else "saved")
        except NotPossible as reason:
            errors = (reason.args[0],)
    return await _form(visit, form, event, errors)


def _errors(form: Form, is_open: bool) -> tuple[str, ...]:
    wrong = {
        "title": not 0 < len(form.text("title_en")) <= TITLE_LIMIT or len(form.text("title_fr")) > TITLE_LIMIT,
        "description": any(len(form.text(f"description_{code}")) > TEXT_LIMIT for code in WRITTEN),
        "speaker": len(form.text("speaker")) > TITLE_LIMIT,
        "follow_up": bool(form.text("follow_up")) and form.number("follow_up") not in FOLLOW_UPS,
        "series": any(len(form.text(f"series_{code}")) > TITLE_LIMIT for code in WRITTEN),
        "register_by": bool(form.text("register_by")) and form.moment("register_by") is None,
    }
    if not is_open:
        wrong |= wrong_place(form) | {
            "capacity": bool(form.text("capacity")) and form.number("capacity") not in CAPACITY
        }
    return tuple(name for name, is_wrong in wrong.items() if is_wrong)


def wrong_place(form: Form) -> dict[str, bool]:
    """Return which fields of time and place cannot be read."""
    return {
        "starts": form.moment("starts") is None,
        "zone": form.text("zone") not in zones(),
        "minutes": form.number("minutes") not in MINUTES,
        "place": len(form.text("place")) > TEXT_LIMIT or len(form.text("link")) > TEXT_LIMIT,
    }


def _unknown(db: Session, form: Form, event: Event | None) -> tuple[str, ...]:
    """Return which choices are none that were offered."""
    offered = {"requires": topics(db, event), "run_of": topics(db, event), "series": all_series(db)}
    offered |= dict.fromkeys(FORMS, forms(db, event))
    wrong = [name for name, known in offered.items() if form.text(name) and form.text(name) not in known]
    return ("choice",) if wrong else ()


def _values(form: Form, event: Event | None) -> dict[str, Any]:
    """Return the columns of a session; time and place are those of the form only where it shows them."""
    is_open = event is not None and event.status == EventStatus.OPEN
    zone = event.zone if event is not None and is_open else form.text("zone")
    values: dict[str, Any] = {
        "title": _by_language(form, "title", event.title if event else {}),
        "description": _by_language(form, "description", event.description if event else {}),
        "speaker": form.text("speaker") or None,
        "languages": [code for code in form.texts("languages") if code in LANGUAGES],
        "register_by": _instant(form.moment("register_by"), zone),
        "by_invitation": bool(form.text("by_invitation")),
        "certificate": bool(form.text("certificate")),
        "requires_id": form.number("requires"),
        "run_of": form.number("run_of"),
        "series_id": form.number("series"),
        "follow_up": FOLLOW_UP if (hours := form.number("follow_up")) is None else hours * 60,
        **{name: form.text(name) or None for name in FORMS},
    }
    if is_open:
        return values
    others = [offset for offset in event.reminders if str(offset) not in OFFSETS] if event else []
    ticked = [int(offset) for offset in form.texts("reminders") if offset in OFFSETS]
    reminders = sorted({*ticked, *others}, reverse=True)
    return values | place(form) | {"capacity": form.number("capacity"), "reminders": reminders}


def place(form: Form) -> dict[str, Any]:
    """Return the columns of time and place."""
    return {
        "starts_local": form.moment("starts"),
        "zone": form.text("zone"),
        "minutes": form.number("minutes") or 0,
        "place": form.text("place") or None,
        "link": form.text("link") or None,
    }


def _by_language(form: Form, name: str, kept: Mapping[str, str]) -> dict[str, str]:
    """Return a text in each language; what was written elsewhere in others stays."""
    others = {code: text for code, text in kept.items() if code not in WRITTEN}
    return {code: form.text(f"{name}_{code}") for code in WRITTEN if form.text(f"{name}_{code}")} | others


def _instant(wall: datetime | None, zone: str) -> datetime | None:
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if wall else None


def _new_series(form: Form) -> dict[str, str]:
    return {code: form.text(f"series_{code}") for code in WRITTEN if form.text(f"series_{code}")}


def _write(
    db: Session, event_id: int | None, values: dict[str, Any], new_series: dict[str, str], user: StaffUser
) -> int:
    if new_series:
        values["series_id"] = series.named(db, new_series).id
    if event_id is None:
        event = service.create(db, created_by=str(user.id), **values)
    else:
        event = found(db.get(Event, event_id))
        service.edit(db, event, values)
    audit.record(db, user, "session.edited" if event_id else "session.created", "event", event.id)
    return event.id


def as_form(event: Event) -> Form:
    """Return a session as its form shows it."""
    until = event.register_by.astimezone(ZoneInfo(event.zone)) if event.register_by else None
    plain = {name: getattr(event, name) for name in ("speaker", "zone", "minutes", "place", "link", "capacity", *FORMS)}
    texts = {f"title_{code}": event.title.get(code) for code in WRITTEN}
    texts |= {f"description_{code}": event.description.get(code) for code in WRITTEN}
    rest = {
        "starts": f"{event.starts_local:%Y-%m-%dT%H:%M}",
        "register_by": f"{until:%Y-%m-%dT%H:%M}" if until else None,
        "by_invitation": "yes" if event.by_invitation else None,
        "certificate": "yes" if event.certificate else None,
        "requires": event.requires_id,
        "run_of": event.run_of,
        "series": event.series_id,
        "follow_up": event.follow_up // 60,
    }
    pairs = [(name, value) for name, value in (plain | texts | rest).items() if value is not None]
    several = [("languages", code) for code in event.languages]
    return Form([*pairs, *several, *(("reminders", offset) for offset in event.reminders)])


def forms(db: Session, event: Event | None) -> dict[str, str]:
    """Return the forms to choose from, by id: those that are open, and those that this session has already."""
    kept = [getattr(event, name) for name in FORMS] if event else []
    rows = select(Survey.form_id, Survey.title).where((Survey.status == Status.OPEN) | Survey.form_id.in_(kept))
    return dict(db.execute(rows.order_by(Survey.id)).all())


def topics(db: Session, event: Event | None) -> dict[str, str]:
    """Return the first runs of other sessions, by id as text, the newest first."""
    rows = select(Event).where(Event.run_of.is_(None)).order_by(Event.id.desc()).limit(_OFFERED)
    kept = [event.requires_id, event.run_of] if event else []
    standing = rows.where((Event.status != EventStatus.CANCELLED) | Event.id.in_(kept))
    others = [one for one in db.scalars(standing) if event is None or one.id != event.id]
    return {str(one.id): f"{next(iter(one.title.values()), '')} ({one.starts_local:%Y-%m-%d})" for one in others}


def all_series(db: Session) -> dict[str, str]:
    """Return the series to choose from, by id as text, the newest first."""
    rows = db.scalars(select(EventSeries).order_by(EventSeries.id.desc()).limit(_OFFERED))
    return {str(one.id): next(iter(one.title.values()), "") for one in rows}


def _get(db: Session, event_id: int) -> Event | None:
    return db.get(Event, event_id)
