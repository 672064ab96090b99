"""Members: search, and one person's profile, consents and messages. Names and numbers only for a logged reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts import groups
from bot.contacts.models import Address, Consent, Contact, Group, Interest, Note
from bot.contacts.service import HOME_ZONE
from bot.conversations import proof
from bot.db import values
from bot.messaging import received
from bot.messaging.models import InboxMessage, OutboxMessage, ReceivedFile
from bot.staff import audit
from bot.staff.models import AuditEntry, StaffUser
from bot.staff.roles import Permission, allows
from bot.web.console import choosing
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()

PAGE = 50
TIMELINE = 100
SEARCH = ("id", "state", "origin", "residence", "language")
#: Why somebody may look at a name, a number or a text.
REASONS = proof.REASONS
#: How long a reason counts.
LOOK = timedelta(minutes=15)
ACTION = "member.identity_viewed"


@pages.get("/members", needs=Permission.MEMBERS_VIEW)
async def listing(visit: Visit) -> Response:
    return await page_of(visit)


async def page_of(visit: Visit, people: Sequence[Contact] | None = None) -> Response:
    """Answer with the list of what was searched for, or of these people."""
    rows, addresses, countries = await visit.database.query(_list, visit.query, visit.reader, people)
    return visit.page(
        "members/list.html",
        rows=rows,
        is_found=people is not None,
        addresses=addresses,
        countries=countries,
        origins=choosing.named(visit.context.content, "origin.", visit.reader),
        search={name: visit.query.text(name) for name in SEARCH},
        page_size=PAGE,
    )


def _list(
    db: Session, search: Form, reader: Reader, people: Sequence[Contact] | None
) -> tuple[Sequence[Contact], dict[int, list[Address]], dict[str, str]]:
    rows = people if people is not None else db.scalars(_search(search).order_by(Contact.id.desc()).limit(PAGE)).all()
    addresses: dict[int, list[Address]] = {}
    for address in db.scalars(select(Address).where(Address.contact_id.in_([row.id for row in rows]))):
        addresses.setdefault(address.contact_id, []).append(address)
    countries = {code: reader.country(code) for code in values(db, Contact.residence) if code}
    return rows, addresses, dict(sorted(countries.items(), key=lambda item: item[1]))


def _search(search: Form) -> Select[Contact]:
    statement = select(Contact)
    if search.text("id"):
        statement = statement.where(Contact.id == (search.number("id") or 0))
    for name in SEARCH[1:]:
        if search.text(name):
            statement = statement.where(getattr(Contact, name) == search.text(name))
    before = search.number("before")
    return statement.where(Contact.id < before) if before else statement


@dataclass(frozen=True, slots=True)
class Member:
    """Everything on the page of one person."""

    contact: Contact
    addresses: list[Address]
    interests: list[str]
    consents: list[Consent]
    timeline: list[tuple[datetime, InboxMessage | OutboxMessage]]
    files: dict[int, list[ReceivedFile]]  #: by the message they came with
    groups: Sequence[Group]
    notes: Sequence[Note]
    revealed: bool  #: whether texts, numbers and raw replies may be shown


@pages.get("/members/{id:row}", needs=Permission.MEMBERS_VIEW)
async def one(visit: Visit) -> Response:
    member = await visit.database.query(_member, visit.id, visit.user, visit.query.number("look"))
    today = clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()
    return visit.page("members/one.html", member=member, today=today)


def _member(db: Session, contact_id: int, user: StaffUser, look: int | None) -> Member:
    contact = found(db.get(Contact, contact_id))
    of = contact.id
    return Member(
        contact=contact,
        addresses=list(db.scalars(select(Address).where(Address.contact_id == of).order_by(Address.id))),
        interests=list(db.scalars(select(Interest.code).where(Interest.contact_id == of).order_by(Interest.code))),
        consents=list(db.scalars(select(Consent).where(Consent.contact_id == of).order_by(Consent.id.desc()))),
        timeline=_timeline(db, of),
        files=received.by_message(db, of),
        groups=groups.of_contact(db, of),
        notes=groups.notes(db, of) if allows(user, Permission.MEMBERS_EDIT) else (),
        revealed=look is not None and may_look(db, look, of, user),
    )


def _timeline(db: Session, contact_id: int) -> list[tuple[datetime, InboxMessage | OutboxMessage]]:
    """Return the last things said and sent, the newest first."""
    said = db.scalars(
        select(InboxMessage)
        .where(InboxMessage.contact_id == contact_id)
        .order_by(InboxMessage.id.desc())
        .limit(TIMELINE)
    )
    sent = db.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.contact_id == contact_id)
        .order_by(OutboxMessage.id.desc())
        .limit(TIMELINE)
    )
    both: list[tuple[datetime, InboxMessage | OutboxMessage]] = [(row.received_at, row) for row in said]
    both += [(row.sent_at or row.created_at, row) for row in sent]
    return sorted(both, key=lambda item: item[0], reverse=True)[:TIMELINE]


@pages.post("/members/{id:row}/look", needs=Permission.MEMBERS_IDENTITY)
async def look(visit: Visit) -> Response:
    reason = visit.form.text("reason")
    if reason not in REASONS:
        raise Refused("no_reason")
    entry = await visit.database.run(_note_look, visit.id, visit.user, reason)
    return visit.go(f"/members/{visit.id}?look={entry.id}")


def _note_look(db: Session, contact_id: int, user: StaffUser, reason: str) -> AuditEntry:
    contact = found(db.get(Contact, contact_id))
    return audit.record(db, user, ACTION, "contact", contact.id, {"reason": reason})


def may_look(db: Session, entry_id: int, contact_id: int, user: StaffUser) -> bool:
    """The audit entry is the key: this user, this person, a moment ago."""
    entry = db.get(AuditEntry, entry_id)
    return (
        entry is not None
        and (entry.actor, entry.action, entry.subject_id) == (str(user.id), ACTION, str(contact_id))
        and entry.at > clock.now() - LOOK
    )
