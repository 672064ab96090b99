"""Sessions as calendar files: RFC 5545 entries that a phone takes in, and replaces when a newer one comes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Media
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.content.languages import SOURCE
from bot.events import wording
from bot.events.models import Answer, Event, EventStatus, Rsvp, Standing
from bot.events.wording import Reader

if TYPE_CHECKING:
    from icalendar import Calendar

CONTENT_TYPE = "text/calendar"
#: Of a file that is made from rows when it is sent or fetched.
PREFIX = "made/calendar/"
#: How long a feed still shows what is over.
PAST = timedelta(days=90)
_REFRESH = timedelta(hours=1)
_PRODUCT = "-//IOM-UNDP//Diaspora Outreach//EN"
#: RFC 5546 wants an organizer in whatever is published; calendars know this address as none.
_NOBODY = "invalid:nomail"
_STATUS = {Standing.CONFIRMED: "CONFIRMED", Standing.WAITING: "TENTATIVE", Standing.NONE: "TENTATIVE"}


def file(event: Event, contact_id: int) -> Media:
    """Return the calendar file of one session for one person; what is in it is decided when it is fetched."""
    name = "session-cancelled.ics" if event.status == EventStatus.CANCELLED else "session.ics"
    return Media("document", f"{PREFIX}{event.id}-{contact_id}.ics", CONTENT_TYPE, name)


def make(db: Session, content: Content, name: str) -> bytes | None:
    """Return the content of the file with this name below PREFIX; None where there is no such session or person."""
    event_id, _, contact_id = name.removesuffix(".ics").partition("-")
    event = db.get(Event, int(event_id))
    contact = db.get(Contact, int(contact_id))
    if event is None or contact is None or contact.state == State.ERASED:
        return None
    reader = Reader.of(contact, db.get(Rsvp, (event.id, contact.id)))
    return one(content, event, reader)


def one(content: Content, event: Event, reader: Reader) -> bytes:
    """Return one session; a cancelled one takes the entry out of the calendar again."""
    method = "CANCEL" if event.status == EventStatus.CANCELLED else "PUBLISH"
    return _file(content, method, [(event, reader)])


def feed(db: Session, content: Content, contact: Contact) -> bytes:
    """Return the sessions that a member said yes or maybe to, for a calendar that asks again and again."""
    rows = db.execute(
        select(Event, Rsvp)
        .join(Rsvp, Rsvp.event_id == Event.id)
        .where(Rsvp.contact_id == contact.id, Rsvp.answer != Answer.NO, Event.status != EventStatus.DRAFT)
        .order_by(Event.id)
    )
    items = [(event, Reader.of(contact, rsvp)) for event, rsvp in rows]
    return _feed(content, items, contact.language or SOURCE)


def public(db: Session, content: Content, language: str) -> bytes:
    """Return the sessions that everybody may come to; nobody's link, nobody's answer."""
    rows = select(Event).where(Event.status == EventStatus.OPEN, Event.by_invitation.is_(False)).order_by(Event.id)
    return _feed(content, [(event, Reader.read(language, None, None, None)) for event in db.scalars(rows)], language)


def _feed(content: Content, items: Iterable[tuple[Event, Reader]], language: str) -> bytes:
    recent = [item for item in items if item[0].ends_at > clock.now() - PAST]
    return _file(content, "PUBLISH", recent, title=content.catalogue.text("session.calendar_name", language))


def _file(content: Content, method: str, items: Iterable[tuple[Event, Reader]], title: str = "") -> bytes:
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if title:
        calendar.add("x-wr-calname", title)
        calendar.add("name", title)
        calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
    starts = []
    for event, reader in items:
        _add(calendar, content, event, reader)
        starts.append(event.starts_local.date())
    if starts:
        year = timedelta(days=366)
        calendar.add_missing_timezones(first_date=min(starts) - year, last_date=max(starts) + year)
    return bytes(calendar.to_ical())


def _add(calendar: "Calendar", content: Content, event: Event, reader: Reader) -> None:
    from icalendar import Event as Entry
    from icalendar import vCalAddress

    zone = ZoneInfo(event.zone)
    entry = Entry()
    entry.add("uid", event.uid)
    entry.add("dtstamp", event.written_at)  # not now: the same file twice is the same file
    entry.add("last-modified", event.written_at)
    entry.add("sequence", event.sequence)
    entry.add("dtstart", event.starts_at.astimezone(zone))
    entry.add("dtend", event.ends_at.astimezone(zone))
    entry.add("summary", wording.title(event, reader))
    entry.add("location", event.place or content.catalogue.text("session.online", reader.language))
    entry.add("status", "CANCELLED" if event.status == EventStatus.CANCELLED else _STATUS[reader.standing])
    entry.add("description", wording.calendar_text(content, event, reader))
    if event.link and reader.standing == Standing.CONFIRMED:
        entry.add("url", event.link)
    organizer = vCalAddress(_NOBODY)
    organizer.params["CN"] = "Diaspora Outreach"
    entry.add("organizer", organizer)
    calendar.add_component(entry)
