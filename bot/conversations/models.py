"""Where a conversation stands, and questions that wait for staff."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedJSON, EncryptedText
from bot.db import Base, BigId


class Dialogue(Base):
    """The question that is open with a contact, outside surveys."""

    __tablename__ = "dialogue"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str | None] = mapped_column(String(32))  #: name of the open question; None: nothing is open
    data: Mapped[Any] = mapped_column(EncryptedJSON)  #: what the steps before have to hand on
    last_said: Mapped[str | None] = mapped_column(String(64))  #: keyed hash, to know an impatient repeat
    updated_at: Mapped[datetime]


class TicketKind(StrEnum):
    """Why a message waits for a person."""

    HUMAN = "human"
    REPORT = "report"
    UNKNOWN = "unknown"  #: the bot could make nothing of it


class Ticket(Base):
    """A thread with a person: what was asked first; what followed is in TicketMessage."""

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    kind: Mapped[TicketKind] = mapped_column(String(16))
    about: Mapped[str | None] = mapped_column(String(64))  #: what was asked about, such as opportunity:12
    text: Mapped[str] = mapped_column(EncryptedText)
    inbox_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]  #: it is our turn since; None: it is theirs
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"), index=True)
    answered_at: Mapped[datetime | None]  #: for the first time
    held_until: Mapped[datetime | None]  #: staff have the chat: the bot leaves ordinary texts to them
    closed_at: Mapped[datetime | None]
    unwanted: Mapped[bool] = mapped_column(default=False)  #: the person said STOP since: they want no answer

    __table_args__ = (Index(None, "closed_at", "waiting_since"), Index(None, "answered_at"))


class Author(StrEnum):
    """Who added to a thread."""

    CONTACT = "contact"
    STAFF = "staff"
    NOTE = "note"  #: of staff, for staff


class TicketMessage(Base):
    """What was said in a thread after its beginning."""

    __tablename__ = "ticket_message"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    author: Mapped[Author] = mapped_column(String(8))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    text: Mapped[str] = mapped_column(EncryptedText)
    inbox_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    outbox_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]


class ReadyAnswer(Base):
    """An answer that staff give again and again."""

    __tablename__ = "ready_answer"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    texts: Mapped[dict[str, Any]]  #: language -> text


class StaffChat(Base):
    """A chat in which a member of staff gets tests and approves broadcasts."""

    __tablename__ = "staff_chat"

    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime]


class Alarm(Base):
    """Something that staff must hear of, while it lasts."""

    __tablename__ = "alarm"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    since: Mapped[datetime]
    told_at: Mapped[datetime | None]  #: for the last time


class Finding(Base):
    """What was wrong with a sender or our address when we last asked."""

    __tablename__ = "finding"

    about: Mapped[str] = mapped_column(String(128), primary_key=True)  #: a sender of ours, or our address
    code: Mapped[str] = mapped_column(String(32))


class StaffCode(Base):
    """The code that links a chat once; a new one takes the place of the one before."""

    __tablename__ = "staff_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
