"""The one way in: each thing a person did is recorded once, handled in order, and never lost."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Inbound, Media
from bot.contacts import service as contacts
from bot.contacts.models import Address, Contact, Reach, State
from bot.messaging import outbox, received
from bot.messaging.eligibility import WINDOW
from bot.messaging.models import Handling, InboxMessage

log = structlog.get_logger(__name__)

#: Answers an inbound message by writing rows.
Handler = Callable[[Session, Contact, Address, Inbound, int], None]

MAX_ATTEMPTS = 5
#: People of whom we may keep nothing but that they wrote.
_KEEP_NOTHING = (State.INVITED, State.NEW, State.DECLINED, State.UNDERAGE)


def receive(db: Session, inbounds: Sequence[Inbound], handle: Handler) -> int:
    """Record and handle messages in one transaction of the caller; return how many were new."""
    # People are locked in the same order by every process; each person's own messages keep theirs.
    ordered = sorted(inbounds, key=lambda inbound: (inbound.channel, inbound.sender, inbound.address))
    return sum(_receive_one(db, inbound, handle) for inbound in ordered)


def _receive_one(db: Session, inbound: Inbound, handle: Handler) -> bool:
    contact, address = contacts.find_or_create(db, inbound.channel, inbound.sender, inbound.address)
    row = _record(db, inbound, contact)
    if row is None:
        return False
    if inbound.media:
        received.note(db, row, inbound)
    _note_reach(db, address, inbound)
    _handle(db, row, contact, address, inbound, handle)
    return True


def _record(db: Session, inbound: Inbound, contact: Contact) -> InboxMessage | None:
    """Add the message, or return None when it is known: one statement, so that a race decides itself."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(InboxMessage).values(
        channel=inbound.channel,
        sender=inbound.sender,
        external_id=inbound.external_id,
        contact_id=contact.id,
        kind=inbound.kind,
        text=inbound.text or None,
        payload=_to_json(inbound),
        handling=Handling.DONE,
        attempts=1,
        received_at=clock.now(),
    )
    return db.scalars(statement.on_conflict_do_nothing().returning(InboxMessage)).one_or_none()


def _note_reach(db: Session, address: Address, inbound: Inbound) -> None:
    if inbound.kind == "blocked":
        address.reach = Reach.CLOSED if address.reach == Reach.CLOSED else Reach.BLOCKED
        return
    now = clock.now()
    if address.last_inbound_at is None or address.last_inbound_at <= now - WINDOW:
        outbox.open_window(db, address.contact_id)
    address.last_inbound_at = now
    if address.reach != Reach.CLOSED:  # which an ordinary message does not open
        address.reach = Reach.OPEN


def _handle(
    db: Session, row: InboxMessage, contact: Contact, address: Address, inbound: Inbound, handle: Handler
) -> None:
    if inbound.media:
        inbound = received.named(db, row.id, inbound)
    try:
        with db.begin_nested():
            handle(db, contact, address, inbound, row.id)
    except OperationalError:
        raise  # a deadlock, or a database that is away: nothing is wrong with the message, all is tried again
    except Exception as error:
        # Kept, shown to staff and tried again: a provider that gets an error would block the whole chat behind it.
        row.handling, row.error = Handling.PARKED, type(error).__name__
        log.error("inbound message parked", inbox_id=row.id, error=type(error).__name__)
        log.debug("why it was parked", inbox_id=row.id, exc_info=True)
        return
    row.handling, row.error = Handling.DONE, None
    if contact.state in _KEEP_NOTHING:
        row.text = row.payload = None
        for file in received.of_message(db, row.id) if inbound.media else ():
            received.forget(db, file)


def retry_parked(db: Session, handle: Handler, limit: int = 20) -> int:
    """Handle parked messages again, a few times each; return how many went well."""
    rows = db.scalars(
        select(InboxMessage)
        .where(InboxMessage.handling == Handling.PARKED, InboxMessage.attempts < MAX_ATTEMPTS)
        .order_by(InboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.attempts += 1
        inbound = _from_json(row.payload)
        contact, address = contacts.find_or_create(db, inbound.channel, inbound.sender, inbound.address)
        _handle(db, row, contact, address, inbound, handle)
    return sum(row.handling == Handling.DONE for row in rows)


def _to_json(inbound: Inbound) -> dict[str, Any]:
    return asdict(inbound)


def _from_json(stored: dict[str, Any]) -> Inbound:
    location = stored["location"]
    return Inbound(
        **{
            **stored,
            "location": tuple(location) if location else None,
            "media": tuple(Media(**item) for item in stored["media"]),
        }
    )
