"""Rows of broadcasts; their recipients are rows of the outbox."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, BigId

#: Kind of the outbox rows whose `ref` is a broadcast.
KIND = "broadcast"


class BroadcastStatus(StrEnum):
    """Where a broadcast stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"  #: sent, and no recipient is open
    CANCELLED = "cancelled"


class Attachment(Base):
    """A picture or PDF that broadcasts carry, once for each content."""

    __tablename__ = "attachment"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content_type: Mapped[str] = mapped_column(String(64))  #: as its content shows
    size: Mapped[int]  #: bytes
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    uploaded_at: Mapped[datetime]


class Broadcast(Base):
    """One announcement."""

    __tablename__ = "broadcast"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title: Mapped[str] = mapped_column(String(120))  #: for staff; members do not see it
    purpose: Mapped[str] = mapped_column(String(16))  #: consent that a recipient must have given
    texts: Mapped[dict[str, Any]]  #: language -> text; English stands in for what is missing
    buttons: Mapped[list[Any]] = mapped_column(JSON)  #: [{"id": ..., "labels": {language: label}}]
    template: Mapped[str | None] = mapped_column(String(64))  #: for closed windows
    variables: Mapped[dict[str, Any]]  #: language -> {variable of the template: value}
    #: Language -> named risks: they go with every text and template, and no author changes them.
    risks: Mapped[dict[str, Any]]
    link_kind: Mapped[str | None] = mapped_column(String(16))  #: where its first button leads, see targets
    link_ref: Mapped[int | None]  #: ... and the number of that
    attachments: Mapped[dict[str, Any]]  #: language -> attachments.noted; stands in like the texts
    paid: Mapped[bool] = mapped_column(default=False)  #: may use a provider's paid rate
    audience: Mapped[dict[str, Any]]  #: Audience.to_json
    scheduled_at: Mapped[datetime | None]
    at_local: Mapped[bool] = mapped_column(default=False)  #: at that time of day at each person's place
    repeat: Mapped[str | None] = mapped_column(String(8))  #: day, week, month
    repeat_until: Mapped[datetime | None]
    repeats: Mapped[int | None] = mapped_column(
        ForeignKey("broadcast.id"), index=True
    )  #: the one it is the next time of
    expires_at: Mapped[datetime | None]  #: nobody gets it later; None: messaging.lives after it leaves

    status: Mapped[BroadcastStatus] = mapped_column(String(16), default=BroadcastStatus.DRAFT, index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id"))
    writers: Mapped[list[Any]] = mapped_column(JSON)  #: ids of everybody who wrote on it: none of them approves
    content_hash: Mapped[str] = mapped_column(String(64))
    approved_hash: Mapped[str | None] = mapped_column(String(64))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    approved_at: Mapped[datetime | None]
    approved_audience_count: Mapped[int | None]
    refused_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    refused_at: Mapped[datetime | None]  #: until the next edit
    refused_why: Mapped[str | None] = mapped_column(String(500))
    sent_at: Mapped[datetime | None]  #: when the audience was frozen
    audience_count: Mapped[int | None]  #: how many were frozen
    pause_reason: Mapped[str | None] = mapped_column(String(64))
    finished_at: Mapped[datetime | None]
    #: Results of one whose recipients are archived: [how many, channel, language, country, reason, status] of each.
    sums: Mapped[Any] = mapped_column(JSON, nullable=True)
    summed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime]

    __table_args__ = (Index(None, "link_kind", "link_ref"),)
