"""MY DATA as a file: every row we hold about a person, from whatever room, in the plain form of JSON."""

import json
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Media
from bot.contacts.models import Contact
from bot.conversations import rights
from bot.conversations.talk import Talk
from bot.db import Base
from bot.messaging import received
from bot.messaging.models import FileStatus, ReceivedFile
from bot.messaging.outbox import Message

#: How long a file lies ready: a provider fetches it when it sends the message.
LIFETIME = timedelta(hours=6)
_FOLDER = "mydata"
#: Of no meaning to anybody: they only help us find rows again.
_HASHES = ("value_hash", "last_said", "token_hash")


def send(talk: Talk, media_dir: Path) -> None:
    """Answer with the file."""
    reference = f"{_FOLDER}/{talk.contact.id}/{_unguessable('my-data.txt')}"
    path = media_dir / reference
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(collect(talk.db, talk.contact), ensure_ascii=False, indent=2, default=_plain), "utf-8")
    # Plain text is what both messengers take and every phone opens.
    file = Media("document", reference, "text/plain", "my-data.txt")
    talk.send(Message(talk.text("mydata.sent"), media=file))
    for kept in _files(talk):
        name = received.download_name(kept)
        media = Media(kept.kind, f"{Path(reference).parent}/{_unguessable(name)}", kept.content_type, name)  # type: ignore[arg-type]
        with (media_dir / media.reference).open("wb") as out:
            out.writelines(received.content(talk.db, kept))
        talk.send(Message("", media=media))


def _files(talk: Talk) -> Sequence[ReceivedFile]:
    """Return the files that the person sent us and that we keep."""
    mine = ReceivedFile.contact_id == talk.contact.id, ReceivedFile.status == FileStatus.KEPT
    return talk.db.scalars(select(ReceivedFile).where(*mine).order_by(ReceivedFile.id)).all()


def _unguessable(name: str) -> str:
    return f"{int(clock.now().timestamp())}-{secrets.token_urlsafe(16)}{Path(name).suffix}"


def collect(db: Session, contact: Contact) -> dict[str, list[dict[str, Any]]]:
    """Return the rows about a person by table: those that name the person, and those that hang on these."""
    db.flush()
    mine = {Contact.__tablename__: Contact.__table__.c.id == contact.id}
    for table in Base.metadata.sorted_tables:
        columns = rights.people_columns(table) or [column for column in table.c if column.name == "contact_id"]
        if columns:
            mine[table.name] = or_(*(column == contact.id for column in columns))
        elif table.name not in mine and (hanging := _hanging(table, mine)) is not None:
            mine[table.name] = hanging
    found = {name: list(_rows(db, Base.metadata.tables[name], where)) for name, where in mine.items()}
    return {name: rows for name, rows in found.items() if rows}


def _hanging(table: Table, mine: dict[str, ColumnElement[bool]]) -> ColumnElement[bool] | None:
    """Return which rows go with rows about the person, where deleting those would delete them too."""
    for column in table.c:
        for key in column.foreign_keys:
            parent = key.column.table.name
            if key.ondelete == "CASCADE" and parent in mine:
                return column.in_(select(key.column).where(mine[parent]))
    return None


def _rows(db: Session, table: Table, where: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    for row in db.execute(select(table).where(where).order_by(*table.primary_key)).mappings():
        yield {
            name: value
            for name, value in row.items()
            if value is not None and name not in _HASHES and not isinstance(value, bytes)  # files come as files
        }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def forget(media_dir: Path, contact_id: int) -> None:
    """Remove the files of a person who is being erased."""
    shutil.rmtree(media_dir / _FOLDER / str(contact_id), ignore_errors=True)


def clear(media_dir: Path) -> int:
    """Remove files that have lain long enough; return how many."""
    before = (clock.now() - LIFETIME).timestamp()
    old = [path for path in media_dir.glob(f"{_FOLDER}/*/*") if int(path.name.partition("-")[0]) <= before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
