"""Documents that go with a session."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bot import clock, filetypes
from bot.channels.base import Media
from bot.events.models import Event, Material
from bot.messaging.outbox import Message
from bot.sentences import Sentence

PREFIX = "made/material/"
#: What WhatsApp takes as a document.
LARGEST = 16 * 1024 * 1024
#: More would be more messages than somebody wants to get at once.
MOST = 10
NAME_LIMIT = 120


class NoDocument(Exception):
    """The file cannot go with a session; the message carries the cure."""


def add(db: Session, event: Event, name: str, data: bytes) -> Material:
    """Keep a PDF with a session."""
    if filetypes.of(data[: filetypes.HEAD]) != filetypes.PDF or len(data) > LARGEST:
        raise NoDocument(Sentence("Choose a PDF of at most 16 MB: this file is another kind, whatever its name says"))
    if len(of(db, event)) >= MOST:
        raise NoDocument(Sentence("A session has at most %(most)s documents: remove one first", most=MOST))
    row = Material(event_id=event.id, name=_clean(name), data=data, added_at=clock.now())
    db.add(row)
    db.flush()
    return row


def _clean(name: str) -> str:
    """Return a file's name without folders and what cannot be printed."""
    own = name.replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, own))[-NAME_LIMIT:] or "document.pdf"


def find(db: Session, event: Event, material_id: int) -> Material | None:
    """Return a document of this session."""
    return db.scalars(select(Material).where(Material.id == material_id, Material.event_id == event.id)).one_or_none()


def of(db: Session, event: Event) -> list[Material]:
    """Return the documents of a session, the first one first."""
    return list(db.scalars(select(Material).where(Material.event_id == event.id).order_by(Material.id)))


def there_are(db: Session, event: Event) -> bool:
    """Tell whether a session has documents."""
    return db.scalar(select(exists().where(Material.event_id == event.id))) or False


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
