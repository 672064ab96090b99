"""Decided at the moment of sending: may this message go to this person now, where, and in which form?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from bot.contacts import consent
from bot.contacts.models import Address, Contact, Reach, State
from bot.contacts.service import HOME_ZONE
from bot.messaging.models import OutboxMessage, Priority, Status

#: Instead of a purpose: asks an imported person, once, whether we may write at all.
ASKING = "consent"
#: Reason of what waits for a channel that this installation has switched off.
CHANNEL_OFF = "channel_off"
WEEK = timedelta(days=7)
#: A reminder of something this near is never held for the night.
SOON = timedelta(hours=2)
#: WhatsApp's window is 24 hours; the margin covers the way to the provider.
WINDOW = timedelta(hours=24) - timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits that protect people."""

    quiet_from: int = 20  #: hour, in the person's zone
    quiet_until: int = 8
    weekly_cap: int = 7  #: broadcasts to one person in seven days


class Person(NamedTuple):
    """What is decided by of a contact."""

    id: int
    state: str
    language: str | None
    zone: str | None


class Place(NamedTuple):
    """What is decided by of an address."""

    id: int
    channel: str
    reach: str
    value: str
    last_inbound_at: datetime | None
    sender: str


class Asked(Protocol):
    """What is decided by of a message."""

    @property
    def contact_id(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def purpose(self) -> str | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def address_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Go:
    """Send to this address; `in_window` says whether free text may go."""

    address: Place
    in_window: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold until a time, or until an event when `until` is None."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class End:
    """Do not send, for good."""

    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decisions of one batch need, read in few statements."""

    contacts: dict[int, Person]
    addresses: dict[int, list[Place]]
    granted: set[tuple[int, str]]
    recent: dict[int, list[datetime]]  #: times of each contact's broadcasts in the last week, oldest first


def read_facts(db: Session, rows: Sequence[Asked], now: datetime) -> Facts:
    """Read what `decide` needs for these rows."""
    if not rows:
        return Facts({}, {}, set(), {})
    unasked = list({row.contact_id for row in rows if row.purpose})
    contacts, addresses = _people(db, list({row.contact_id for row in rows}))
    return Facts(
        contacts,
        addresses,
        granted=consent.granted(db, unasked) if unasked else set(),
        recent=_recent_broadcasts(db, unasked, now) if unasked else {},
    )


# Statements of the hot path are built once: building costs more than running them.
_PEOPLE = (
    select(
        Contact.id, Contact.state, Contact.language, Contact.zone,
        Address.id, Address.channel, Address.reach, Address.value, Address.last_inbound_at, Address.sender,
    )
    .outerjoin(Address, Address.contact_id == Contact.id)
    .where(Contact.id.in_(bindparam("ids", expanding=True)))
    .order_by(Address.id)
)  # fmt: skip
_RECENT = (
    select(OutboxMessage.contact_id, OutboxMessage.sent_at)
    .where(OutboxMessage.contact_id.in_(bindparam("ids", expanding=True)))
    .where(OutboxMessage.priority == Priority.BROADCAST, OutboxMessage.sent_at > bindparam("since"))
    .order_by(OutboxMessage.sent_at)
)


def _people(db: Session, contact_ids: list[int]) -> tuple[dict[int, Person], dict[int, list[Place]]]:
    rows = db.connection().execute(_PEOPLE, {"ids": contact_ids})
    contacts: dict[int, Person] = {}
    addresses: dict[int, list[Place]] = {}
    for row in rows:
        person = Person(*row[:4])
        contacts[person.id] = person
        if row[4] is not None:
            addresses.setdefault(person.id, []).append(Place._make(row[4:]))
    return contacts, addresses


def _recent_broadcasts(db: Session, contact_ids: list[int], now: datetime) -> dict[int, list[datetime]]:
    recent: dict[int, list[datetime]] = {}
    rows = db.connection().execute(_RECENT, {"ids": contact_ids, "since": now - WEEK})
    for contact_id, sent_at in rows:
        if sent_at is not None:
            recent.setdefault(contact_id, []).append(sent_at)
    return recent


def decide(row: Asked, facts: Facts, rules: Rules, now: datetime, *, has_window: bool) -> Go | Wait | End:
    """Return what to do with a message that is due."""
    contact = facts.contacts[row.contact_id]
    if row.expires_at and row.expires_at <= now:
        return End(Status.EXPIRED, "deadline")
    if row.purpose:
        refused = exclusion(contact.state, row.purpose, (contact.id, row.purpose) in facts.granted)
        if refused:
            return End(Status.SUPPRESSED, refused)
    address = _address(row, facts.addresses.get(contact.id, []))
    if address is None:
        return End(Status.SUPPRESSED, "no_reachable_address")
    if row.purpose:
        wait = _wait(row, facts.recent.get(contact.id, []), ZoneInfo(contact.zone or HOME_ZONE), rules, now)
        if wait:
            return wait
    in_window = not has_window or bool(address.last_inbound_at and address.last_inbound_at > now - WINDOW)
    return Go(address, in_window)


def exclusion(state: str, purpose: str, granted: bool) -> str | None:
    """Return why a person may not get messages of this purpose, or None when they may."""
    if state == State.STOPPED:
        return "stopped"
    if purpose == ASKING:
        return None if state == State.INVITED else "answered"
    if state != State.MEMBER:
        return "not_a_member"
    return None if granted else f"no_consent_{purpose}"


def _address(row: Asked, addresses: list[Place]) -> Place | None:
    """Return where the message goes: an answer to where it was asked, the rest to the preferred open address."""
    if row.purpose is None:
        return next((item for item in addresses if item.id == row.address_id), None)
    usable = [item for item in addresses if item.reach == Reach.OPEN]
    same = [item for item in usable if item.channel == row.channel]
    return next((item for item in same if item.sender == row.sender), next(iter(same or usable), None))


def _wait(row: Asked, recent: list[datetime], zone: ZoneInfo, rules: Rules, now: datetime) -> Wait | None:
    if row.priority == Priority.BROADCAST and len(recent) >= rules.weekly_cap:
        return Wait("weekly_cap", recent[-rules.weekly_cap] + WEEK)
    opens = quiet_until(now, zone, rules)
    if opens is None or (
        row.priority == Priority.REMINDER and row.expires_at and _pressing(row.expires_at, now, opens)
    ):
        return None
    return Wait("quiet_hours", opens)


def _pressing(expires_at: datetime, now: datetime, opens: datetime) -> bool:
    """Say whether waiting would spoil a reminder: it is for soon, or would miss what it reminds of."""
    return expires_at - now <= SOON or opens >= expires_at


def quiet_until(now: datetime, zone: ZoneInfo, rules: Rules) -> datetime | None:
    """Return when the person's quiet hours end, or None outside them."""
    local = now.astimezone(zone)
    if rules.quiet_until <= local.hour < rules.quiet_from:
        return None
    day = local.date() if local.hour < rules.quiet_until else local.date() + timedelta(days=1)
    return datetime.combine(day, time(rules.quiet_until), zone).astimezone(now.tzinfo)


def count_by_status(db: Session, kind: str, ref: int) -> dict[str, int]:
    """Return how many recipients of one broadcast stand in each status: a SELECT, never a counter."""
    rows = db.execute(
        select(OutboxMessage.status, func.count())
        .where(OutboxMessage.kind == kind, OutboxMessage.ref == ref)
        .group_by(OutboxMessage.status)
    )
    return {str(status): count for status, count in rows}
