"""Rows of webhooks: addresses that staff registered, and each call that is owed to one."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedText
from bot.db import Base, BigId


class Kind(StrEnum):
    """What is told."""

    MEMBER_JOINED = "member.joined"
    BROADCAST_FINISHED = "broadcast.finished"
    SURVEY_ENDED = "survey.ended"  #: a run of one person, however it ended
    SESSION_ANSWERED = "session.answered"
    EXPORT_READY = "export.ready"
    ALARM_RAISED = "alarm.raised"
    TEST = "webhook.test"  #: of the button on its page


class CallStatus(StrEnum):
    """Where a call stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Webhook(Base):
    """An address that is called when something happens."""

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    url: Mapped[str] = mapped_column(EncryptedText)  #: may hold a secret of the receiver
    kinds: Mapped[list[str]]  #: of Kind
    secret: Mapped[str] = mapped_column(EncryptedText)
    old_secret: Mapped[str | None] = mapped_column(EncryptedText)  #: signs too, until `old_until`
    old_until: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(32))  #: the staff user's id
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]  #: the first failure since the last success
    disabled_at: Mapped[datetime | None]
    disabled_by: Mapped[str | None] = mapped_column(String(32))  #: the staff user's id; None: by itself


class WebhookCall(Base):
    """One thing to tell one address: tried until it is taken, or for days."""

    __tablename__ = "webhook_call"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(40))  #: the same at every attempt: receivers know a repetition by it
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]]
    status: Mapped[CallStatus] = mapped_column(String(8), default=CallStatus.WAITING)
    due_at: Mapped[datetime | None]  #: None: it is over
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[str | None] = mapped_column(String(64))  #: status of the last answer, or why there was none
    at: Mapped[datetime]  #: when it happened
    told_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "due_at"), Index(None, "webhook_id", "id"))
