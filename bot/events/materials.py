"""Documents that go with a session."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Media
from bot.events.models import Event, Material
from bot.messaging.outbox import Message

PREFIX = "made/material/"
#: What WhatsApp takes as a document.
LARGEST = 16 * 1024 * 1024
_PDF = b"%PDF-"


class NoDocument(Exception):
    """The file cannot go with a session; the message carries the cure."""


def add(db: Session, event: Event, name: str, data: bytes) -> Material:
    """Keep a PDF with a session."""
    if not data.startswith(_PDF) or len(data) > LARGEST:
        raise NoDocument("Choose a PDF of at most 16 MB")
    row = Material(event_id=event.id, name=name[-120:], data=data, added_at=clock.now())
    db.add(row)
    db.flush()
    return row


def remove(db: Session, event: Event, material_id: int) -> None:
    """Take a document away."""
    row = db.get(Material, material_id)
    if row is not None and row.event_id == event.id:
        db.delete(row)


def of(db: Session, event: Event) -> list[Material]:
    """Return the documents of a session, the first one first."""
    return list(db.scalars(select(Material).where(Material.event_id == event.id).order_by(Material.id)))


def messages(db: Session, event: Event) -> list[Message]:
    """Return one message for each document."""
    return [
        Message(row.name, media=Media("document", f"{PREFIX}{row.id}.pdf", "application/pdf", row.name))
        for row in of(db, event)
    ]


def make(db: Session, name: str) -> bytes | None:
    """Return the document with this name below PREFIX."""
    row = db.get(Material, int(name.removesuffix(".pdf")))
    return row.data if row else None
