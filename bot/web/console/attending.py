"""Who was at a session: the code to say, a list with ticks, and figures without small groups."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.models import Address, Contact
from bot.content import Content
from bot.events import attendance, turnout
from bot.events.models import Attendance, Event, EventStatus, Rsvp, Standing
from bot.exports import session_figures
from bot.exports.formats.csv_files import neutral
from bot.exports.session_figures import Compared
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()

#: People on one page: with what was ticked before, twice as many fields, of which a form may have 300.
PAGE = 100
#: Digits by which somebody is found: more would let a number be guessed digit by digit.
_DIGITS = 4

Person = tuple[Contact, list[Address], Attendance | None]
Label = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of who was there."""

    event: Event
    totals: turnout.Row | turnout.Shown  #: as they are for whoever ticks the names anyway
    figures: turnout.Figures
    tests: Compared | None  #: what the test before and the one after show
    people: list[Person]
    more: bool


@pages.get("/sessions/{id:row}/attendance", needs=Permission.REPORTS_VIEW)
async def page(visit: Visit) -> Response:
    listed = visit.may(Permission.SESSIONS_MANAGE)
    view = await visit.database.run(_view, visit, listed)
    return visit.page(
        "sessions/attendance.html",
        view=view,
        search=visit.query.text("q"),
        listed=listed and takes_marks(view.event),
        over=view.event.ends_at <= clock.now(),
        label=_labels(visit.context.content, visit.reader),
        measures=turnout.MEASURES,
    )


def takes_marks(event: Event) -> bool:
    """Tell whether staff can note who is there."""
    held = event.status in (EventStatus.OPEN, EventStatus.DONE)
    return held and clock.now() >= event.starts_at - attendance.EARLY


def _view(db: Session, visit: Visit, listed: bool) -> View:
    event, least = found(db.get(Event, visit.id)), visit.context.settings.publish_least
    people = _people(db, event, visit.query) if listed else []
    figures, tests = session_figures.figures(db, event, least), session_figures.compare(db, event, least)
    totals = turnout.totals({"": turnout.by_code(db, event, Contact.channel)}) if listed else figures.totals
    return View(event, totals, figures, tests, people[:PAGE], more=len(people) > PAGE)


def _people(db: Session, event: Event, search: Form) -> list[Person]:
    """Return those with a place and those who were there without one, a page and one more."""
    rows = (
        select(Contact, Attendance)
        .join(Rsvp, (Rsvp.contact_id == Contact.id) & (Rsvp.event_id == event.id))
        .join(Attendance, (Attendance.contact_id == Contact.id) & (Attendance.event_id == event.id), isouter=True)
        .where(
            or_(Rsvp.standing == Standing.CONFIRMED, Attendance.contact_id.is_not(None)),
            Contact.id > (search.number("after") or 0),
        )
        .order_by(Contact.id)
    )
    wanted = search.text("q").lstrip("#")
    if not wanted:
        rows = rows.limit(PAGE + 1)
    found_rows = db.execute(rows).all()
    addresses: dict[int, list[Address]] = {}
    ids = select(Rsvp.contact_id).where(Rsvp.event_id == event.id)
    if not wanted:
        ids = ids.where(Rsvp.contact_id.in_([contact.id for contact, _ in found_rows]))
    for address in db.scalars(select(Address).where(Address.contact_id.in_(ids))):
        addresses.setdefault(address.contact_id, []).append(address)
    people: list[Person] = [(contact, addresses.get(contact.id, []), there) for contact, there in found_rows]
    return [one for one in people if not wanted or _is_meant(wanted, one[0], one[1])][: PAGE + 1]


def _is_meant(wanted: str, contact: Contact, addresses: list[Address]) -> bool:
    """Tell whether somebody is meant by a member id or by the last digits of a number."""
    if wanted == str(contact.id):
        return True
    ends = wanted.isdecimal() and 2 <= len(wanted) <= _DIGITS
    return ends and any("+" in address.value and address.value.endswith(wanted) for address in addresses)


@pages.post("/sessions/{id:row}/present", needs=Permission.SESSIONS_MANAGE)
async def note(visit: Visit) -> Response:
    """Note who was ticked, and take back who no longer is: of those only who were ticked when the page was made."""
    await visit.database.run(_note, visit.id, visit.form, visit.user)
    return visit.go(f"/sessions/{visit.id}/attendance", "noted")


def _note(db: Session, event_id: int, form: Form, user: StaffUser) -> None:
    event = found(db.get(Event, event_id))
    if not takes_marks(event):
        raise Refused("no_marks")
    ticked, before = set(form.numbers("there")), set(form.numbers("was"))
    added = attendance.mark(db, event, ticked - before, str(user.id))
    gone = attendance.unmark(db, event, before - ticked)
    if added or gone:
        facts = {"there": sorted(ticked - before), "not_there": sorted(before - ticked)}
        audit.record(db, user, "session.attendance", "event", event.id, facts)


@pages.get("/sessions/{id:row}/attendance.csv", needs=Permission.REPORTS_VIEW)
async def figures(visit: Visit) -> Response:
    """Give the figures as CSV; a star stands for what is hidden."""
    view = await visit.database.run(_view, visit, False)
    headers = {"Content-Disposition": f'attachment; filename="session-{visit.id}.csv"'}
    label = _labels(visit.context.content, visit.reader)
    return Response(_csv(view, label), media_type="text/csv", headers=headers)


def _csv(view: View, label: Label) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("group", "code", "label", *turnout.MEASURES))
    lines = [("all", "", view.figures.totals)]
    lines += [(group, code, row) for group, rows in view.figures.groups.items() for code, row in rows.items()]
    for group, code, row in lines:
        cells = ("*" if count is None else count for count in row.values())
        writer.writerow((group, code, neutral(label(group, code)), *cells))
    return file.getvalue().encode("utf-8-sig")  # with the mark by which Excel knows it


def _labels(content: Content, reader: Reader) -> Label:
    """Return what tells how a code of a group is called in the reader's language."""

    def label(group: str, code: str) -> str:
        if group == "origin" and code:
            return reader.label(content, "origin.", code)
        return reader.country(code) if group == "residence" and code else code

    return label
