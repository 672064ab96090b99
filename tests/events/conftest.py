"""People and sessions to try with."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.events import service
from bot.events.models import Event
from bot.messaging.models import OutboxMessage, Status
from bot.messaging.outbox import Message

Told = list[tuple[int, str, Message]]


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


def wall(text: str) -> datetime:
    """Return a local time, as on the wall of some place: "2026-03-28 11:00"."""
    return datetime.fromisoformat(text)


def member(db: Session, zone: str | None = "Africa/Maseru", language: str = "en", channel: str = "telegram") -> Contact:
    contact = Contact(
        state=State.MEMBER, language=language, zone=zone, channel=channel, created_at=clock.now(), joined_at=clock.now()
    )
    db.add(contact)
    db.flush()
    return contact


def session(db: Session, starts_local: datetime, zone: str = "Africa/Maseru", **changes: Any) -> Event:
    """Return an open session in `zone`."""
    given: dict[str, Any] = {"title": {"en": "Saving well", "fr": "Bien épargner"}, "minutes": 90, "created_by": "1"}
    event = service.create(db, starts_local=starts_local, zone=zone, **(given | changes))
    service.publish(db, event)
    return event


def waiting(db: Session, kind: str) -> Told:
    """Return contact, `once` and message of what waits to be sent, oldest first."""
    rows = db.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.kind == kind, OutboxMessage.status == Status.QUEUED)
        .order_by(OutboxMessage.id)
    )
    return [(row.contact_id, row.once or "", Message.from_json(row.body)) for row in rows]


def deliver(db: Session, kind: str) -> Told:
    """Take what waits of a kind as sent, and return it."""
    told = waiting(db, kind)
    for row in db.scalars(
        select(OutboxMessage).where(OutboxMessage.kind == kind, OutboxMessage.status == Status.QUEUED)
    ):
        row.status = Status.SENT
    db.flush()
    return told
