"""Rows of the inbox and the outbox."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedBytes, EncryptedJSON, EncryptedText
from bot.db import Base, BigId

#: The words of partial indexes: SQLite uses such an index only for the very same words, without parameters.
HAS_ERRAND = text("due_at IS NOT NULL")
HAS_PAYLOAD = text("payload IS NOT NULL AND handling != 'parked'")
HAS_TEXT = text("text IS NOT NULL")
HAS_BODY = text("body IS NOT NULL")


class Handling(StrEnum):
    """What became of an inbound message."""

    DONE = "done"
    PARKED = "parked"  #: handling raised; kept, retried and shown to staff


class InboxMessage(Base):
    """One thing a person did, recorded once however often the provider repeats it."""

    __tablename__ = "inbox"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(128))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str | None] = mapped_column(EncryptedText)
    payload: Mapped[Any] = mapped_column(EncryptedJSON, nullable=True)  #: Inbound as it was parsed, raw included
    handling: Mapped[Handling] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(128))  #: class of the exception, never its text
    received_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("channel", "sender", "external_id"),
        Index(None, "handling", "id"),
        Index("ix_inbox_payload", "received_at", sqlite_where=HAS_PAYLOAD, postgresql_where=HAS_PAYLOAD),
        Index("ix_inbox_text", "received_at", sqlite_where=HAS_TEXT, postgresql_where=HAS_TEXT),
    )


class FileStatus(StrEnum):
    """Where a file that a person sent stands."""

    WAITING = "waiting"  #: to be fetched from the provider
    KEPT = "kept"
    FAILED = "failed"  #: too large, of a kind that we do not take, or not to be had


class ReceivedFile(Base):
    """A file that a person sent: what is known of it. Its content is in pieces."""

    __tablename__ = "received_file"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id", ondelete="CASCADE"))
    number: Mapped[int]  #: within the message, from 0
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64), default="")  #: which of our senders got it
    kind: Mapped[str] = mapped_column(String(16))  #: image, document, audio, video
    reference: Mapped[str | None] = mapped_column(EncryptedText)  #: the provider's; None: no copy of it left there
    filename: Mapped[str | None] = mapped_column(EncryptedText)  #: as the person calls it
    content_type: Mapped[str] = mapped_column(String(128))  #: as declared; once it is kept, as it is
    size: Mapped[int] = mapped_column(BigInteger)  #: bytes; until it is kept, as declared
    status: Mapped[FileStatus] = mapped_column(String(16), default=FileStatus.WAITING)
    reason: Mapped[str | None] = mapped_column(String(32))  #: why it failed
    run_id: Mapped[int | None] = mapped_column(BigInteger, index=True)  #: the pass through a survey that it answers in
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]  #: when the provider is asked next; None: nothing to do there
    received_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("inbox_id", "number"),
        Index("ix_received_file_due", "due_at", sqlite_where=HAS_ERRAND, postgresql_where=HAS_ERRAND),
    )


class FilePiece(Base):
    """A piece of a received file, in order."""

    __tablename__ = "received_piece"

    file_id: Mapped[int] = mapped_column(ForeignKey("received_file.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(EncryptedBytes)


class Status(StrEnum):
    """Status of an outbound message (docs/architecture.md has the picture)."""

    QUEUED = "queued"
    HELD = "held"  #: waits for quiet hours, a cap, a pause, a window
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  #: the provider was called and we do not know
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


IS_WAITING = text("status IN ('queued', 'held') AND due_at IS NOT NULL")
IS_IN_DOUBT = text("status IN ('sending', 'uncertain')")
IS_HELD = text("status = 'held' AND due_at IS NULL")
HAS_DEADLINE = text("status IN ('queued', 'held') AND expires_at IS NOT NULL")

#: Reason of a message that a dead process had with a provider.
INTERRUPTED = "interrupted"
#: Reason of a message that waited, or was in doubt, when the backup was made that has been restored.
RESTORED = "restored"

OPEN = (Status.QUEUED, Status.HELD, Status.SENDING)
WAITING = (Status.QUEUED, Status.HELD)


class Priority(IntEnum):
    """Order of service: the lower goes first."""

    REPLY = 0
    REMINDER = 1
    BROADCAST = 2


#: More than any id: keeps the lanes of two priorities apart.
LANES = 10**12


def lane(priority: int, ref: int | None) -> int:
    """Return the queue within the outbox: lanes of one priority share a sender fairly."""
    return priority * LANES + (ref or 0)


def _lane_of_row(context: DefaultExecutionContext) -> int:
    values = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return lane(values["priority"], values.get("ref"))


class OutboxMessage(Base):
    """One message to one person: everything that leaves is a row here."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64), default="")  #: the bot or number that it leaves from
    priority: Mapped[Priority] = mapped_column(Integer)
    purpose: Mapped[str | None] = mapped_column(String(16))  #: consent it needs; None for an answer that was asked for
    kind: Mapped[str] = mapped_column(String(16))  #: who renders it: reply, broadcast, reminder, invitation
    ref: Mapped[int | None] = mapped_column(BigInteger)  #: the kind's own row, such as a broadcast's id
    lane: Mapped[int] = mapped_column(BigInteger, default=_lane_of_row)  #: made of priority and ref
    once: Mapped[str | None] = mapped_column(String(96), unique=True)  #: the same thing to the same person, once
    body: Mapped[Any] = mapped_column(EncryptedJSON, nullable=True)  #: rendered content, or None: rendered at sending
    status: Mapped[Status] = mapped_column(String(16), default=Status.QUEUED)
    reason: Mapped[str | None] = mapped_column(String(48))  #: why it is held, or ended
    due_at: Mapped[datetime | None]  #: None while held: waits for an event, not for a time
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    address_id: Mapped[int | None] = mapped_column(ForeignKey("address.id", ondelete="SET NULL"))
    external_id: Mapped[str | None] = mapped_column(String(128))
    past_ids: Mapped[str | None] = mapped_column(Text)  #: of attempts that a receipt told to have failed; with spaces
    owes_text: Mapped[bool | None]  #: went out as a template only; all of it follows when the person answers
    owes_file: Mapped[bool | None]  #: the same of its picture or document
    claimed_by: Mapped[str | None] = mapped_column(String(64))  #: the process that has it with a provider
    claimed_at: Mapped[datetime | None]  #: when it was last taken to be sent
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    status_at: Mapped[datetime]

    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "channel",
            "sender",
            "lane",
            "due_at",
            "id",
            sqlite_where=IS_WAITING,
            postgresql_where=IS_WAITING,
        ),
        Index(
            "ix_outbox_in_doubt",
            "status",
            "channel",
            "sender",
            "status_at",
            sqlite_where=IS_IN_DOUBT,
            postgresql_where=IS_IN_DOUBT,
        ),
        Index("ix_outbox_held", "reason", "channel", "sender", sqlite_where=IS_HELD, postgresql_where=IS_HELD),
        Index("ix_outbox_body", "status_at", sqlite_where=HAS_BODY, postgresql_where=HAS_BODY),
        Index("ix_outbox_deadline", "expires_at", sqlite_where=HAS_DEADLINE, postgresql_where=HAS_DEADLINE),
        Index(None, "contact_id", "status"),
        Index(None, "kind", "ref", "status", "id"),
        Index(None, "channel", "external_id"),
    )


class ArchivedOutbound(Base):
    """What is kept of an old message of ours: that it was sent and what became of it, not what it said."""

    __tablename__ = "archived_outbound"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)  #: as it was in the outbox
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    ref: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[Status] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(48))
    address_id: Mapped[int | None] = mapped_column(BigInteger)
    external_id: Mapped[str | None] = mapped_column(String(128))  #: by which the provider deletes its copy
    past_ids: Mapped[str | None] = mapped_column(Text)
    claimed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    status_at: Mapped[datetime]


class ArchivedInbound(Base):
    """What is kept of an old message of a person: that it came, not what it said."""

    __tablename__ = "archived_inbound"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)  #: as it was in the inbox
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(128))  #: by which the provider deletes its copy
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime]


class Sender(Base):
    """One bot token or number: its pace, and the one process that sends from it at a time."""

    __tablename__ = "sender"

    key: Mapped[str] = mapped_column(String(96), primary_key=True)  #: channel:sender
    leased_by: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]
    next_at: Mapped[datetime]  #: when the next message may leave
    next_paid_at: Mapped[datetime | None]  #: the same, at the provider's paid rate
    paused_until: Mapped[datetime | None]
    pause_reason: Mapped[str | None] = mapped_column(String(64))


class Opening(Base):
    """When we last wrote to a person outside the window: Meta limits how many people a day."""

    __tablename__ = "opening"

    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), primary_key=True)
    sender: Mapped[str] = mapped_column(String(96))  #: channel:sender
    at: Mapped[datetime]

    __table_args__ = (Index(None, "sender", "at"),)


class Worker(Base):
    """A process that sends; one that falls silent leaves its claims in doubt."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime]
    serves: Mapped[list[str]] = mapped_column(default=list)  #: keys of the senders that it can send from


class Content(Base):
    """A content object or file at the provider, made once for each definition."""

    __tablename__ = "content"

    definition: Mapped[str] = mapped_column(String(64), primary_key=True)  #: hash of sender and definition
    content_id: Mapped[str] = mapped_column(String(256))
    name: Mapped[str | None] = mapped_column(String(64))  #: template, when it is one
    language: Mapped[str | None] = mapped_column(String(8))
    approval: Mapped[str | None] = mapped_column(String(16))  #: the provider's word: approved, pending, ...
    created_at: Mapped[datetime]


class ProviderCopy(Base):
    """Messages of an erased person that a provider still keeps; the row goes when it has deleted them."""

    __tablename__ = "provider_copy"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(64), default="")
    address: Mapped[str | None] = mapped_column(EncryptedText)  #: None: we have given up, and forgot it ourselves
    sent: Mapped[list[str]]  #: external ids
    received: Mapped[list[str]]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]  #: None: it waits for staff
    created_at: Mapped[datetime]

    __table_args__ = (Index(None, "due_at"),)
