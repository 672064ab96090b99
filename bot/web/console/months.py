"""The sessions of one month as a calendar, in the office's time."""

from calendar import Calendar
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.service import HOME_ZONE
from bot.events.models import Event
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit

pages = Pages()

Week = list[tuple[date, list[tuple[datetime, Event]]]]
#: A time on the wall of any place lies at most so far from the office's.
_SPREAD = timedelta(days=2)
_YEARS = range(2000, 2100)


@pages.get("/sessions/calendar", needs=Permission.REPORTS_VIEW)
async def page(visit: Visit) -> Response:
    today = clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()
    month = _month(visit.query.text("month")) or today.replace(day=1)
    weeks = await visit.database.query(_weeks, month)
    before, after = month - timedelta(days=1), month + timedelta(days=31)
    return visit.page("sessions/calendar.html", month=month, weeks=weeks, today=today, before=before, after=after)


def _month(text: str) -> date | None:
    """Return the first day of "2027-03"; None for what is no month."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if first.year in _YEARS else None


def _weeks(db: Session, month: date) -> list[Week]:
    """Return the weeks of a month from Monday on, each day with what begins on it, at the office's time."""
    weeks = Calendar().monthdatescalendar(month.year, month.month)
    first, last = (datetime.combine(day, datetime.min.time()) for day in (weeks[0][0], weeks[-1][-1]))
    rows = select(Event).where(Event.starts_local >= first - _SPREAD, Event.starts_local < last + _SPREAD)
    days: dict[date, list[tuple[datetime, Event]]] = {}
    for event in db.scalars(rows):
        at = event.starts_at.astimezone(ZoneInfo(HOME_ZONE))
        days.setdefault(at.date(), []).append((at, event))
    return [[(day, sorted(days.get(day, []), key=lambda one: (one[0], one[1].id))) for day in week] for week in weeks]
