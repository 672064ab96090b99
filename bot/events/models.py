"""Rows of sessions and of what people answered."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, DateTime, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedText
from bot.db import Base, BigId
from bot.events.times import instant

#: Minutes before the start: a week, a day, an hour.
REMINDERS = (7 * 24 * 60, 24 * 60, 60)
#: Minutes after the end: when people are asked how it was.
FOLLOW_UP = 2 * 60


class EventStatus(StrEnum):
    """Where a session stands."""

    DRAFT = "draft"
    OPEN = "open"
    CANCELLED = "cancelled"
    DONE = "done"


class Answer(StrEnum):
    """What a person said to an invitation."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


class Standing(StrEnum):
    """What follows from a yes: a place, or the waiting list."""

    CONFIRMED = "confirmed"
    WAITING = "waiting"
    NONE = "none"


class Presence(StrEnum):
    """How it is known that a person was there."""

    CODE = "code"  #: typed the code that was said in the session
    BUTTON = "button"  #: pressed the button of the message at the start
    STAFF = "staff"


class EventSeries(Base):
    """Sessions that belong together."""

    __tablename__ = "event_series"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title: Mapped[dict[str, str]] = mapped_column(JSON)  #: by language


class Event(Base):
    """A capacity-building session; the console says "session". Each run of one is a row of its own."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(64), unique=True)  #: of the calendar entry: stays over every change
    sequence: Mapped[int] = mapped_column(default=0)  #: version of time and place: rises on every change and on cancel
    title: Mapped[dict[str, str]] = mapped_column(JSON)  #: by language
    description: Mapped[dict[str, str]] = mapped_column(JSON)  #: by language
    #: What the organiser wrote; the instant is worked out at every use, so a new rule for summer time moves it.
    starts_local: Mapped[datetime] = mapped_column(DateTime())
    zone: Mapped[str] = mapped_column(String(64))  #: IANA time zone of `starts_local`
    minutes: Mapped[int]  #: length
    place: Mapped[str | None] = mapped_column(Text)  #: None: online
    link: Mapped[str | None] = mapped_column(EncryptedText)  #: to join; shown to those confirmed only
    capacity: Mapped[int | None]  #: None: no limit
    turns: Mapped[int] = mapped_column(default=0)  #: the last turn given out
    languages: Mapped[list[str]]  #: spoken in the session
    register_by: Mapped[datetime | None]
    reminders: Mapped[list[int]] = mapped_column(JSON)  #: minutes before the start
    status: Mapped[EventStatus] = mapped_column(String(16), default=EventStatus.DRAFT, index=True)
    created_by: Mapped[str] = mapped_column(String(64))  #: the staff member's id
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]  #: when time or place last changed
    edited_at: Mapped[datetime | None]  #: when anything else was, which voids nothing
    series_id: Mapped[int | None] = mapped_column(ForeignKey("event_series.id"), index=True)
    run_of: Mapped[int | None] = mapped_column(ForeignKey("event.id"), index=True)  #: the first run; None for itself
    requires_id: Mapped[int | None] = mapped_column(
        ForeignKey("event.id")
    )  #: first run of what must be attended before
    speaker: Mapped[str | None] = mapped_column(Text)
    audience: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)  #: whom it is for: conditions, codes
    by_invitation: Mapped[bool] = mapped_column(default=False)  #: only who was invited sees it and can answer
    code: Mapped[str | None] = mapped_column(String(8), unique=True)  #: said in the session, typed to check in
    follow_up: Mapped[int] = mapped_column(default=FOLLOW_UP)  #: minutes after the end
    pretest_form: Mapped[str | None] = mapped_column(String(128))  #: form id of a survey, as are the next two
    posttest_form: Mapped[str | None] = mapped_column(String(128))
    feedback_form: Mapped[str | None] = mapped_column(String(128))
    certificate: Mapped[bool] = mapped_column(default=False)  #: who attended may have one

    @property
    def topic_id(self) -> int:
        """Return what all runs of one session share."""
        return self.run_of or self.id

    @property
    def written_at(self) -> datetime:
        """Return when what a calendar shows last changed."""
        return max(filter(None, (self.created_at, self.changed_at, self.edited_at)))

    @property
    def starts_at(self) -> datetime:
        """Return the instant of the start, UTC."""
        return instant(self.starts_local, self.zone)

    @property
    def ends_at(self) -> datetime:
        """Return the instant of the end, UTC."""
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def closes_at(self) -> datetime:
        """Return the instant after which nobody new can register, UTC."""
        return self.closing(self.starts_at)

    def closing(self, starts_at: datetime) -> datetime:
        """Return when registration would close if the session began at this instant."""
        return min(self.register_by, starts_at) if self.register_by else starts_at


class Rsvp(Base):
    """One person's answer to one session."""

    __tablename__ = "rsvp"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True)
    answer: Mapped[Answer] = mapped_column(String(8))
    standing: Mapped[Standing] = mapped_column(String(16), default=Standing.NONE)
    turn: Mapped[int | None]  #: place in the order of the yes answers: clocks of two machines may disagree, this not
    at: Mapped[datetime]  #: of the answer
    since: Mapped[datetime]  #: when the standing began

    __table_args__ = (Index(None, "event_id", "standing", "turn"),)


class Attendance(Base):
    """One person's presence at one session."""

    __tablename__ = "attendance"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True)
    how: Mapped[Presence] = mapped_column(String(8))
    recorded_by: Mapped[str] = mapped_column(String(64))  #: "contact", or the staff member's id
    at: Mapped[datetime]


class Material(Base):
    """A document that goes with a session."""

    __tablename__ = "event_material"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  #: a PDF
    added_at: Mapped[datetime]


class CalendarFeed(Base):
    """The secret address at which a member's calendar reads their sessions; a new one revokes the old."""

    __tablename__ = "calendar_feed"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str] = mapped_column(EncryptedText)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]


class Certificate(Base):
    """A certificate of attendance: whoever holds it can have it checked by its code."""

    __tablename__ = "certificate"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(EncryptedText)  #: as the person wants it printed
    language: Mapped[str] = mapped_column(String(8))
    issued_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("event_id", "contact_id"),)
