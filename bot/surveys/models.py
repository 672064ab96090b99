"""Rows of surveys: the form as uploaded, one person's pass through it, and each answer with its corrections."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.crypto import EncryptedJSON, EncryptedText
from bot.db import Base, BigId


class Status(StrEnum):
    """Whether a survey takes new people."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class Disposition(StrEnum):
    """How far a run came, or how it ended."""

    INVITED = "invited"
    STARTED = "started"  #: asked the first question, answered none
    PARTIAL = "partial"
    COMPLETED = "completed"
    REFUSED = "refused"  #: said no to taking part: no answer is kept
    INELIGIBLE = "ineligible"  #: not whom the survey is for: no answer is kept
    EXPIRED = "expired"  #: fell silent; the answers given so far are kept
    WITHDRAWN = "withdrawn"  #: left half-way
    QUOTA_FULL = "quota_full"  #: enough people like them have answered: thanked, no answer is kept


#: A run that somebody is in the middle of.
LIVE = (Disposition.STARTED, Disposition.PARTIAL)


class Missing(StrEnum):
    """Why there is no value. A question that was never asked has no row at all."""

    SKIPPED = "skipped"
    REFUSED = "refused"  #: chose "prefer not to say"; the value is that choice
    INVALID = "invalid"  #: passed over after an answer that did not fit
    TIMED_OUT = "timed_out"  #: it was the open question when the run expired


class Survey(Base):
    """One version of a form. Never changed once published: a new upload is a new row."""

    __tablename__ = "survey"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    form_id: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)  #: of the file and its attached lists
    filename: Mapped[str] = mapped_column(String(255))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  #: as uploaded
    xform: Mapped[str] = mapped_column(Text, deferred=True)  #: what was made of it: a later compiler changes nothing
    status: Mapped[Status] = mapped_column(String(16), default=Status.DRAFT)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    quotas: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  #: "residence=ZA,gender=female": how many
    targets: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)  #: declared totals, of all versions
    media: Mapped[list["SurveyFile"]] = relationship(order_by="SurveyFile.name")

    __table_args__ = (UniqueConstraint("form_id", "version"), Index(None, "status"))


class SurveyFile(Base):
    """A file attached to a form: a list (csv, xml, geojson), or a picture, sound or film that goes with a question."""

    __tablename__ = "survey_file"

    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Run(Base):
    """One contact's pass through one survey; over days, and on either channel."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id"), index=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    occasion: Mapped[str] = mapped_column(String(32), default="")  #: what else a form is answered for: "pretest:17"
    disposition: Mapped[Disposition] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(8))  #: the one last spoken
    channel: Mapped[str] = mapped_column(String(16))  #: the one last used
    state: Mapped[Any] = mapped_column(EncryptedJSON)  #: the engine's
    draft: Mapped[Any] = mapped_column(EncryptedJSON, nullable=True)  #: choices ticked and not yet confirmed
    path: Mapped[str | None] = mapped_column(Text)  #: the open question; None when nothing is open
    shown_at: Mapped[datetime | None]  #: when the open question was put first
    page: Mapped[int] = mapped_column(default=0)  #: of a list too long for one message
    failures: Mapped[int] = mapped_column(default=0)  #: answers not understood, in a row
    paused: Mapped[bool] = mapped_column(default=False)
    fault: Mapped[str | None] = mapped_column(String(128))  #: the question whose expressions failed: waits for staff
    nudges: Mapped[int] = mapped_column(default=0)
    last_inbound: Mapped[str | None] = mapped_column(String(128))  #: external id; a repeat changes nothing
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    survey: Mapped[Survey] = relationship(viewonly=True)

    __table_args__ = (
        UniqueConstraint("survey_id", "contact_id", "occasion"),
        Index(None, "contact_id", "disposition"),
        Index(None, "disposition", "updated_at"),
    )


class RunCell(Base):
    """A quota cell that a completed run counts in."""

    __tablename__ = "run_cell"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    cell: Mapped[str] = mapped_column(String(255), primary_key=True)


class Answer(Base):
    """What one person answered to one question; a correction is a new row, the old one is kept as superseded."""

    __tablename__ = "answer"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(Text)  #: with the number of each repeat: /data/member[2]/age
    name: Mapped[str] = mapped_column(String(128))
    value: Mapped[str | None] = mapped_column(Text)  #: codes, numbers, dates
    private: Mapped[str | None] = mapped_column(
        EncryptedText
    )  #: the value of what may name a person: text, places, media
    said: Mapped[str] = mapped_column(EncryptedText)  #: as the person put it
    missing: Mapped[Missing | None] = mapped_column(String(16))
    relevant: Mapped[bool] = mapped_column(default=True)  #: False: a later answer made the question moot
    language: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str] = mapped_column(String(16))
    shown_at: Mapped[datetime | None]  #: when the question was put before this answer; None for what is calculated
    at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_answer_current",
            "run_id",
            "path",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )
