"""The one way out: rows that wait for delivery."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Update, and_, bindparam, func, not_, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from bot import clock
from bot.channels.base import Button, Media, SenderKey
from bot.contacts.models import Address, Contact, Reach
from bot.messaging import lives
from bot.messaging.eligibility import ASKING, CHANNEL_OFF
from bot.messaging.models import (
    HAS_DEADLINE,
    IS_HELD,
    IS_WAITING,
    WAITING,
    ArchivedInbound,
    ArchivedOutbound,
    InboxMessage,
    OutboxMessage,
    Priority,
    Status,
)


@dataclass(frozen=True, slots=True)
class Message:
    """Content of an outbound message, in the contact's language."""

    text: str
    buttons: tuple[Button, ...] = ()
    media: Media | None = None
    album: tuple[Media, ...] = ()  #: files with their captions, before the text
    template: str | None = None  #: name in messages/templates, for use when the channel's window is closed
    variables: dict[str, str] = field(default_factory=dict)  #: of the template
    edits: str | None = None  #: external id of the message that this one replaces
    paid: bool = False  #: uses the provider's paid rate; only of what is rendered at sending

    def to_json(self) -> dict[str, Any]:
        """Return the form in which it is stored."""
        return {
            "text": self.text,
            "buttons": [[button.id, button.label] for button in self.buttons],
            "media": _listed(self.media) if self.media else None,
            **({"album": [[*_listed(media), media.caption] for media in self.album]} if self.album else {}),
            "template": self.template,
            "variables": self.variables,
            "edits": self.edits,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Message":
        """Read the stored form."""
        return cls(
            text=stored["text"],
            buttons=tuple(Button(*pair) for pair in stored["buttons"]),
            media=Media(*stored["media"]) if stored["media"] else None,
            album=tuple(replace(Media(*item[:4]), caption=item[4]) for item in stored.get("album", ())),
            template=stored["template"],
            variables=stored["variables"],
            edits=stored["edits"],
        )


def _listed(media: Media) -> list[str]:
    return [media.kind, media.reference, media.content_type, media.filename]


def reply(db: Session, contact: Contact, address: Address, message: Message) -> OutboxMessage:
    """Queue an answer to what the person just sent, at the address it came from."""
    row = _row(contact, message, kind="reply", priority=Priority.REPLY)
    row.address_id, row.channel, row.sender = address.id, address.channel, address.sender
    db.add(row)
    return row


def queue(
    db: Session,
    contact: Contact,
    message: Message,
    *,
    kind: str,
    priority: Priority,
    purpose: str,
    once: str,
    ref: int | None = None,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> OutboxMessage | None:
    """Queue something unasked; None when the same thing (`once`) is queued or gone already."""
    if db.scalar(select(OutboxMessage.id).where(OutboxMessage.once == once)):
        return None
    row = _row(contact, message, kind=kind, priority=priority)
    row.purpose, row.once, row.ref = purpose, once, ref
    row.due_at = due_at or row.due_at
    row.expires_at = expires_at or (due_at or row.created_at) + lives.of(priority)
    db.add(row)
    db.flush()
    return row


def _row(contact: Contact, message: Message, *, kind: str, priority: Priority) -> OutboxMessage:
    now = clock.now()
    return OutboxMessage(
        contact_id=contact.id,
        channel=contact.channel,
        sender=contact.sender,
        kind=kind,
        priority=priority,
        body=message.to_json(),
        status=Status.QUEUED,
        due_at=now,
        expires_at=now + lives.of(priority),
        created_at=now,
        status_at=now,
    )


def count_messages(db: Session, contact_id: int) -> int:
    """Return how many messages to and from a contact are kept."""
    counts = (
        select(func.count()).where(row.contact_id == contact_id)
        for row in (OutboxMessage, InboxMessage, ArchivedOutbound, ArchivedInbound)
    )
    return sum(db.scalar(count) or 0 for count in counts)


def invitation_ref(db: Session, contact_id: int, external_id: str | None) -> int | None:
    """Return the session of the message with this external id, or of the last one sent."""
    statement = select(OutboxMessage.ref).where(
        OutboxMessage.contact_id == contact_id,
        OutboxMessage.kind.in_(("invitation", "notice", "reminder", "start", "followup")),
        OutboxMessage.sent_at.is_not(None),
    )
    if external_id:
        statement = statement.where(OutboxMessage.external_id == external_id)
    return db.scalar(statement.order_by(OutboxMessage.id.desc()).limit(1))


_REPLY_UNDER_WAY = (
    select(OutboxMessage.id)
    .where(OutboxMessage.contact_id == bindparam("contact_id"))
    .where(OutboxMessage.status == Status.QUEUED, OutboxMessage.kind == "reply")
    .limit(1)
)


def reply_under_way(db: Session, contact_id: int) -> bool:
    """Return whether an answer of ours, stored before this message, has certainly not left yet.

    One that is being sent may have been read.
    """
    return db.connection().scalar(_REPLY_UNDER_WAY, {"contact_id": contact_id}) is not None


def cancel_unasked(db: Session, contact_id: int, reason: str, purpose: str | None = None) -> int:
    """Cancel what waits for a contact and was not asked for; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.contact_id == contact_id,
        OutboxMessage.status.in_(WAITING),
        OutboxMessage.purpose.is_not(None) if purpose is None else OutboxMessage.purpose == purpose,
    )
    return _change(db, statement, status=Status.CANCELLED, reason=reason)


def cancel_waiting(db: Session, contact_id: int, reason: str) -> int:
    """Cancel all that waits for a contact, answers too; return how many."""
    waiting = OutboxMessage.contact_id == contact_id, OutboxMessage.status.in_(WAITING)
    return _change(db, update(OutboxMessage).where(*waiting), status=Status.CANCELLED, reason=reason)


def unite(db: Session, gone: Contact, into: Contact) -> None:
    """Cancel what waits for one contact and another gets too, or gets anew; hand the rest of the queue on."""
    twin = aliased(OutboxMessage)
    both = select(twin.id).where(
        twin.contact_id == into.id, twin.kind == OutboxMessage.kind, twin.ref == OutboxMessage.ref
    )
    waiting = update(OutboxMessage).where(
        OutboxMessage.contact_id == gone.id,
        OutboxMessage.status.in_(WAITING),
        OutboxMessage.purpose.is_not(None),
    )
    # What rooms queue by themselves they queue again, for the one contact that is left.
    double = or_(OutboxMessage.priority != Priority.BROADCAST, OutboxMessage.ref.is_(None), both.exists())
    _change(db, waiting.where(or_(double, OutboxMessage.purpose == ASKING)), status=Status.CANCELLED, reason="linked")
    _change(db, waiting, channel=into.channel, sender=into.sender)


def cancel(db: Session, ids: Select[int | None], reason: str) -> int:
    """Cancel what waits of these messages; return how many."""
    statement = update(OutboxMessage).where(OutboxMessage.id.in_(ids), OutboxMessage.status.in_(WAITING))
    return _change(db, statement, status=Status.CANCELLED, reason=reason)


def cancel_ref(db: Session, kind: str, ref: int, reason: str) -> int:
    """Cancel what waits of one broadcast or session; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.kind == kind, OutboxMessage.ref == ref, OutboxMessage.status.in_(WAITING)
    )
    return _change(db, statement, status=Status.CANCELLED, reason=reason)


def expire_ref(db: Session, kind: str, ref: int, at: datetime | None) -> int:
    """Have what waits of one session or survey be worth sending until another time; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.kind == kind, OutboxMessage.ref == ref, OutboxMessage.status.in_(WAITING)
    )
    return _change(db, statement, expires_at=at)


def cancel_refs(db: Session, kind: str, refs: Select[int], reason: str) -> int:
    """Cancel what waits of several of a kind; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.kind == kind, OutboxMessage.ref.in_(refs), OutboxMessage.status.in_(WAITING)
    )
    return _change(db, statement, status=Status.CANCELLED, reason=reason)


def postpone_ref(db: Session, kind: str, ref: int, due_at: datetime) -> int:
    """Have what waits of one survey leave from another time on, but for what waits for staff; return how many."""
    statement = update(OutboxMessage).where(OutboxMessage.kind == kind, OutboxMessage.ref == ref, IS_WAITING)
    return _change(db, statement, due_at=due_at)


def cancel_once(db: Session, keys: Iterable[str], reason: str) -> int:
    """Cancel the waiting messages with these `once` keys; return how many."""
    statement = update(OutboxMessage).where(OutboxMessage.once.in_(list(keys)), OutboxMessage.status.in_(WAITING))
    return _change(db, statement, status=Status.CANCELLED, reason=reason)


def pause(db: Session, kind: str, ref: int, reason: str = "paused") -> int:
    """Hold what waits of one broadcast, whose reason begins with "paused"; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.kind == kind, OutboxMessage.ref == ref, OutboxMessage.status.in_(WAITING)
    )
    return _change(db, statement, status=Status.HELD, reason=reason, due_at=None)


def resume(db: Session, kind: str, ref: int) -> int:
    """Release what a pause holds; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.kind == kind, OutboxMessage.ref == ref, OutboxMessage.reason.startswith("paused")
    )
    return _change(db, statement.where(OutboxMessage.status == Status.HELD), **_released())


def expire(db: Session) -> int:
    """End what waits past its deadline, also for an event or a sender that never comes; a job calls it."""
    late = update(OutboxMessage).where(HAS_DEADLINE, OutboxMessage.expires_at <= clock.now())
    return _change(db, late, status=Status.EXPIRED, reason="deadline")


def follow_senders(db: Session, on: Collection[SenderKey]) -> int:
    """Move what waits for a sender that is switched off to the person's other one, or hold it and say why; a job.

    Nobody would take it up. What was held goes on when its sender is there again. Returns how many changed.
    """
    row, now = OutboxMessage, clock.now()
    is_on = tuple_(row.channel, row.sender).in_(list(on))
    is_off = not_(is_on)
    # In the words of the indexes that hold only what waits: nothing else is read.
    is_due = and_(IS_WAITING, row.status == Status.QUEUED, row.due_at <= now)
    is_held = and_(IS_HELD, row.reason == CHANNEL_OFF)
    usable = Address.reach == Reach.OPEN, tuple_(Address.channel, Address.sender).in_(list(on))
    there, channel, sender = (
        select(column).where(Address.contact_id == row.contact_id, *usable).order_by(Address.id).limit(1)
        for column in (Address.id, Address.channel, Address.sender)
    )
    unasked = update(row).where(is_off, or_(is_due, is_held), row.purpose.is_not(None), there.exists())
    to = {"channel": channel.scalar_subquery(), "sender": sender.scalar_subquery()}
    moved = _change(db, unasked, **to, **_released())
    held = _change(db, update(row).where(is_off, is_due), status=Status.HELD, reason=CHANNEL_OFF, due_at=None)
    back = _change(db, update(row).where(is_on, is_held), **_released())
    return moved + held + back


def resend(db: Session, ids: Iterable[int]) -> int:
    """Queue messages of unknown outcome again, at the risk that people get them twice; return how many."""
    fresh = {"attempts": 0, "external_id": None, "claimed_by": None}
    return _change(db, _uncertain(ids), **_released(), **fresh)


def leave(db: Session, ids: Iterable[int]) -> int:
    """Settle messages of unknown outcome as failed, never to be sent again; return how many."""
    return _change(db, _uncertain(ids), status=Status.FAILED, reason="left_uncertain")


def _uncertain(ids: Iterable[int]) -> Update:
    """A receipt, or a colleague, may have been faster: only what is still uncertain changes."""
    return update(OutboxMessage).where(OutboxMessage.id.in_(list(ids)), OutboxMessage.status == Status.UNCERTAIN)


def open_window(db: Session, contact_id: int) -> int:
    """Release what waited for the person to write to us; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.contact_id == contact_id,
        OutboxMessage.status == Status.HELD,
        OutboxMessage.reason == "window_closed",
    )
    return _change(db, statement, **_released())


def _released() -> dict[str, Any]:
    return {"status": Status.QUEUED, "reason": None, "due_at": clock.now()}


def _change(db: Session, statement: Update, **values: Any) -> int:
    changed = db.execute(statement.values(status_at=clock.now(), **values).execution_options(synchronize_session=False))
    return int(changed.rowcount)  # type: ignore[attr-defined]
