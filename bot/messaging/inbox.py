"""The one way in: each thing a person did is recorded once, handled in order, and never lost."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Table, select, update
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
#: Reads at once what handling asks for one by one; what it returns is held until all is handled.
Preparer = Callable[[Session, Sequence[Contact]], object]
#: Who is writing, by channel, our side, and theirs.
_People = dict[tuple[str, str, str], tuple[Contact, Address]]

MAX_ATTEMPTS = 5
#: People of whom we may keep nothing but that they wrote.
_KEEP_NOTHING = (State.INVITED, State.NEW, State.DECLINED, State.UNDERAGE)
#: How many of a person's last messages are looked through for one that they changed.
_RECENT = 20
#: Kinds by which nobody says anything new; of edits only the one of the last message counts as such.
_NOT_SAID = ("blocked", "unblocked", "edited")
_INBOX: Table = InboxMessage.__table__  # type: ignore[assignment]
_NAMES = ("channel", "sender", "external_id")  #: what makes a message the same one
_FIELDS = [field.name for field in fields(Inbound)]


@dataclass(frozen=True, slots=True)
class _New:
    """A message that is in the inbox now and was not before."""

    id: int
    address: Address
    inbound: Inbound


def receive(
    db: Session, inbounds: Sequence[Inbound], handle: Handler, prepare: Preparer = lambda _db, _people: None
) -> int:
    """Record and handle messages in one transaction of the caller; return how many were new."""
    people = _lock(db, inbounds)
    new = _record(db, inbounds, people)
    for one in new:
        if one.inbound.media:
            received.note(db, one.address.contact_id, one.id, one.inbound)
        _note_reach(db, one.address, one.inbound)
    # Held until all is handled: the session itself forgets what nobody holds.
    prepared = prepare(db, [contact for contact, _ in people.values()])
    if len(new) < 2 or not _handle_together(db, new, handle):
        for one in new:
            _handle(db, one, handle)
    del prepared
    return len(new)


def _lock(db: Session, inbounds: Sequence[Inbound]) -> _People:
    """Find who is writing, and lock them in the same order in every process."""
    found: _People = {}
    for channel, sender in sorted({(inbound.channel, inbound.sender) for inbound in inbounds}):
        values = {one.address for one in inbounds if (one.channel, one.sender) == (channel, sender)}
        known = contacts.find_or_create_all(db, channel, sender, values)
        found |= {(channel, sender, value): person for value, person in known.items()}
    return found


def _record(db: Session, inbounds: Sequence[Inbound], people: _People) -> list[_New]:
    """Add the messages, and return those that were not known: one statement, so that a race decides itself."""
    addresses = [people[one.channel, one.sender, one.address][1] for one in inbounds]
    rows = [_row(inbound, address) for inbound, address in zip(inbounds, addresses, strict=True)]
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(_INBOX).on_conflict_do_nothing()
    added = db.connection().execute(statement.returning(_INBOX.c.id, *(_INBOX.c[name] for name in _NAMES)), rows)
    ids: dict[tuple[str, ...], int] = {tuple(names): id for id, *names in added}
    found = [ids.pop((one.channel, one.sender, one.external_id), None) for one in inbounds]
    parts = zip(found, addresses, inbounds, strict=True)
    return [_New(id, address, inbound) for id, address, inbound in parts if id is not None]


def _row(inbound: Inbound, address: Address) -> dict[str, Any]:
    return {
        **{name: getattr(inbound, name) for name in _NAMES},
        "contact_id": address.contact_id,
        "kind": inbound.kind,
        "text": inbound.text or None,
        "payload": _to_json(inbound),
        "handling": Handling.DONE,
        "attempts": 1,
        "received_at": clock.now(),
    }


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


def _handle_together(db: Session, new: Sequence[_New], handle: Handler) -> bool:
    """Handle all, so that what they write goes out together; False, and nothing done, when one of them raises."""
    seen = set()
    try:
        with db.begin_nested():
            for one in new:
                if one.address.id in seen:
                    db.flush()  # what the person said before is what this is an answer to
                seen.add(one.address.id)
                _answer(db, one, handle)
    except OperationalError:
        raise  # a deadlock, or a database that is away: nothing is wrong with the messages, all is tried again
    except Exception:
        return False
    return True


def _handle(db: Session, one: _New, handle: Handler) -> bool:
    """Handle one message by itself; say whether it went well."""
    try:
        with db.begin_nested():
            _answer(db, one, handle)
    except OperationalError:
        raise
    except Exception as error:
        # Kept, shown to staff and tried again: a provider that gets an error would block the whole chat behind it.
        _change(db, one.id, handling=Handling.PARKED, error=type(error).__name__)
        log.error("inbound message parked", inbox_id=one.id, error=type(error).__name__)
        log.debug("why it was parked", inbox_id=one.id, exc_info=True)
        return False
    return True


def _answer(db: Session, one: _New, handle: Handler) -> None:
    inbound = received.named(db, one.id, one.inbound) if one.inbound.media else one.inbound
    handle(db, _contact(db, one), one.address, inbound, one.id)
    if _contact(db, one).state in _KEEP_NOTHING:
        _change(db, one.id, text=None, payload=None)
        for file in received.of_message(db, one.id) if inbound.media else ():
            received.forget(db, file)


def _contact(db: Session, one: _New) -> Contact:
    """Return whose address it is by now: two chats may have become one person's."""
    return db.get_one(Contact, one.address.contact_id)


def _change(db: Session, inbox_id: int, **values: Any) -> None:
    db.connection().execute(update(_INBOX).where(_INBOX.c.id == inbox_id).values(values))


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a message said before it was changed."""

    text: str
    at: datetime  #: when the last version came
    is_last: bool  #: the person has sent nothing since


def earlier_version(db: Session, contact_id: int, edited: Inbound, inbox_id: int) -> Earlier | None:
    """Return what an edited message said before; None when that is long ago, or was not kept."""
    mine = select(InboxMessage).where(InboxMessage.contact_id == contact_id, InboxMessage.id < inbox_id)
    rows = db.scalars(mine.order_by(InboxMessage.id.desc()).limit(_RECENT)).all()
    for row in rows:
        if row.payload and row.channel == edited.channel and row.payload.get("message_id") == edited.message_id:
            since = [one for one in rows if one.id > row.id and one.kind not in _NOT_SAID]
            return Earlier(row.text or "", row.received_at, not since)
    return None


def retry_parked(db: Session, handle: Handler, limit: int = 20) -> int:
    """Handle parked messages again, a few times each; return how many went well."""
    rows = db.scalars(
        select(InboxMessage)
        .where(InboxMessage.handling == Handling.PARKED, InboxMessage.attempts < MAX_ATTEMPTS)
        .order_by(InboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    inbounds = [_from_json(row.payload) for row in rows]
    people = _lock(db, inbounds)
    return sum(_retry(db, row, inbound, people, handle) for row, inbound in zip(rows, inbounds, strict=True))


def _retry(db: Session, row: InboxMessage, inbound: Inbound, people: _People, handle: Handler) -> bool:
    row.attempts += 1
    _, address = people[inbound.channel, inbound.sender, inbound.address]
    done = _handle(db, _New(row.id, address, inbound), handle)
    if done:
        row.handling, row.error = Handling.DONE, None
    return done


def _to_json(inbound: Inbound) -> dict[str, Any]:
    return {name: getattr(inbound, name) for name in _FIELDS} | {"media": [asdict(media) for media in inbound.media]}


def _from_json(stored: dict[str, Any]) -> Inbound:
    location = stored["location"]
    return Inbound(
        **{
            **stored,
            "location": tuple(location) if location else None,
            "media": tuple(Media(**item) for item in stored["media"]),
        }
    )
