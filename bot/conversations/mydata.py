"""MY DATA as files, made when they are sent: a PDF to read, every row as JSON, and what the person sent."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.base import Media
from bot.contacts.models import Contact
from bot.content import Content
from bot.conversations import holdings, mydata_pages
from bot.conversations.talk import Talk
from bot.messaging import made, received
from bot.messaging.models import FileStatus, ReceivedFile
from bot.messaging.outbox import Message

#: Which of the files that are made (`messaging.made`) they are. Their names begin with the contact's id.
KIND = "mydata"
_NAME = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?\.([a-z0-9]+)", re.ASCII)


def send(talk: Talk) -> None:
    """Answer with the files."""
    id = talk.contact.id
    talk.send(Message(talk.text("mydata.sent"), media=_document(f"{id}.pdf", "application/pdf", "my-data.pdf")))
    # Plain text is what both messengers take and every phone opens.
    talk.send(Message(talk.text("mydata.sent_rows"), media=_document(f"{id}.txt", "text/plain", "my-data.json.txt")))
    for kept in _files(talk.db, talk.contact):
        name = received.download_name(kept)
        reference = made.reference(KIND, f"{id}-{kept.id}{Path(name).suffix}")
        talk.send(Message("", media=Media(kept.kind, reference, kept.content_type, name)))  # type: ignore[arg-type]


def _document(name: str, content_type: str, filename: str) -> Media:
    return Media("document", made.reference(KIND, name), content_type, filename)


def _files(db: Session, contact: Contact) -> Sequence[ReceivedFile]:
    """Return the files that the person sent us and that we keep."""
    mine = ReceivedFile.contact_id == contact.id, ReceivedFile.status == FileStatus.KEPT
    return db.scalars(select(ReceivedFile).where(*mine).order_by(ReceivedFile.id)).all()


def make(db: Session, content: Content, template: Path, name: str) -> bytes | None:
    """Return what is in one of these files; None when the person, or their file, is gone."""
    found = _NAME.fullmatch(name)
    contact = db.get(Contact, int(found[1])) if found else None
    if found is None or contact is None:
        return None
    if found[2]:
        return _sent(db, contact, int(found[2]))
    return mydata_pages.make(db, content, template, contact) if found[3] == "pdf" else _rows(db, contact)


def package(db: Session, content: Content, template: Path, contact: Contact) -> Iterator[tuple[str, bytes]]:
    """Yield the files with their names, for staff to hand over."""
    yield "my-data.pdf", mydata_pages.make(db, content, template, contact)
    yield "my-data.json", _rows(db, contact)
    for kept in _files(db, contact):
        yield f"files/{received.download_name(kept)}", b"".join(received.content(db, kept))


def _sent(db: Session, contact: Contact, file_id: int) -> bytes | None:
    kept = db.get(ReceivedFile, file_id)
    if kept is None or kept.contact_id != contact.id or kept.status != FileStatus.KEPT:
        return None
    return b"".join(received.content(db, kept))


def _rows(db: Session, contact: Contact) -> bytes:
    held = holdings.collect(db, contact)
    return json.dumps(held, ensure_ascii=False, indent=2, default=_plain).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def forget(media_dir: Path, contact_id: int) -> None:
    """Remove the files of a person who is being erased that lie ready to be sent."""
    folder = media_dir / made.FOLDER / KIND
    for pattern in (f"{contact_id}.*", f"{contact_id}-*", f".{contact_id}.*", f".{contact_id}-*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
