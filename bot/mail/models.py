"""Rows of e-mails that are owed to staff; what was taken by the mail server is gone from here."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, BigId


class Mail(Base):
    """One e-mail to one member of staff: tried until the mail server takes it, or for two days."""

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id", ondelete="CASCADE"), index=True)
    uid: Mapped[str] = mapped_column(String(40))  #: the same at every attempt: mail programs show a repetition once
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)  #: never about a person
    at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
