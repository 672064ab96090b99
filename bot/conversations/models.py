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


class Ticket(Base):
    """A message that a member of staff has to read."""

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    kind: Mapped[TicketKind] = mapped_column(String(16))
    about: Mapped[str | None] = mapped_column(String(64))  #: what was asked about, such as opportunity:12
    text: Mapped[str] = mapped_column(EncryptedText)
    inbox_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "closed_at", "opened_at"),)
