"""Files that people send: noted with their message, fetched from the provider later, kept encrypted."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import clock, filetypes
from bot.channels.base import FetchFailure, Inbound, Media, SenderKey
from bot.filetypes import FileType
from bot.messaging.models import FilePiece, FileStatus, ReceivedFile

#: Bytes of a file that we take; what people read about it names this too.
LIMIT = 16 * 1024 * 1024
MEGABYTES = LIMIT // 1024**2
PIECE = 512 * 1024  #: bytes of one row
#: How often a provider is asked for a file, or to delete it: for about two hours.
MOST_ATTEMPTS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
#: For how long an errand belongs to the process that took it.
LEASE = timedelta(minutes=10)
#: What a declared type has no use for, and a database may not take.
_ODD = re.compile(r"[^\w.+/;= -]", re.ASCII)
_OURS = re.compile(r"received:(\d{1,15})", re.ASCII)

#: Called with a file that will not come, in the transaction in which that is written down.
Lost = Callable[[Session, ReceivedFile], None]


@dataclass(frozen=True, slots=True)
class Errand:
    """What to ask a provider: for a file, or to delete its copy."""

    file_id: int
    sender: SenderKey
    media: Media
    is_fetch: bool


def note(db: Session, contact_id: int, inbox_id: int, inbound: Inbound) -> None:
    """Note the files of a message that was just recorded."""
    now = clock.now()
    for number, media in enumerate(inbound.media):
        too_large = media.size > LIMIT
        db.add(
            ReceivedFile(
                contact_id=contact_id,
                inbox_id=inbox_id,
                number=number,
                channel=inbound.channel,
                sender=inbound.sender,
                kind=media.kind,
                reference=media.reference,
                filename=media.filename or None,
                content_type=_ODD.sub("", media.content_type)[:128],
                size=media.size,
                status=FileStatus.FAILED if too_large else FileStatus.WAITING,
                reason="too_large" if too_large else None,
                due_at=now,
                received_at=now,
            )
        )
    db.flush()


def named(db: Session, inbox_id: int, inbound: Inbound) -> Inbound:
    """Return the message with our names of its files in place of the provider's."""
    ids = db.scalars(select(ReceivedFile.id).where(ReceivedFile.inbox_id == inbox_id).order_by(ReceivedFile.number))
    known = [f"received:{id}" for id in ids]
    if len(known) != len(inbound.media):  # a message from before files were kept
        return inbound
    files = zip(inbound.media, known, strict=True)
    return replace(inbound, media=tuple(replace(media, reference=name) for media, name in files))


def find(db: Session, name: str) -> ReceivedFile | None:
    """Return the file of this name of ours."""
    found = _OURS.fullmatch(name)
    return db.get(ReceivedFile, int(found[1])) if found else None


def name_of(file: ReceivedFile) -> str:
    """Return our name of a file."""
    return f"received:{file.id}"


def forget(db: Session, file: ReceivedFile) -> None:
    """Let go of a file: its content at once, and what is known of it when the provider's copy is gone too."""
    _drop_pieces(db, file.id)
    if file.due_at is None:
        db.delete(file)
    else:
        file.status, file.reason, file.run_id, file.filename = FileStatus.FAILED, "not_kept", None, None
    db.flush()


def of_message(db: Session, inbox_id: int) -> list[ReceivedFile]:
    """Return the files of a message."""
    query = select(ReceivedFile).where(ReceivedFile.inbox_id == inbox_id).order_by(ReceivedFile.number)
    return list(db.scalars(query))


def by_message(db: Session, contact_id: int) -> dict[int, list[ReceivedFile]]:
    """Return the files of a person by the message they came with."""
    found: dict[int, list[ReceivedFile]] = {}
    mine = select(ReceivedFile).where(ReceivedFile.contact_id == contact_id)
    for file in db.scalars(mine.order_by(ReceivedFile.inbox_id, ReceivedFile.number)):
        found.setdefault(file.inbox_id, []).append(file)
    return found


def content(db: Session, file: ReceivedFile) -> Iterator[bytes]:
    """Yield what is in a file that is kept."""
    pieces = select(FilePiece.number).where(FilePiece.file_id == file.id).order_by(FilePiece.number)
    for number in db.scalars(pieces).all():  # one piece in memory at a time
        yield db.scalars(select(FilePiece.data).where(FilePiece.file_id == file.id, FilePiece.number == number)).one()


def download_name(file: ReceivedFile) -> str:
    """Return a name under which a kept file can be saved: none that its sender chose."""
    return f"{file.kind}-{file.id}{filetypes.EXTENSIONS.get(file.content_type, '.bin')}"


def take_errands(db: Session, limit: int = 8) -> list[Errand]:
    """Take what is due, for `LEASE`: a process that dies leaves it to the others."""
    now = clock.now()
    due = select(ReceivedFile).where(ReceivedFile.due_at <= now).order_by(ReceivedFile.due_at).limit(limit)
    rows = db.scalars(due.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.attempts, row.due_at = row.attempts + 1, now + LEASE
    return [Errand(row.id, (row.channel, row.sender), _media(row), row.status == FileStatus.WAITING) for row in rows]


def _media(row: ReceivedFile) -> Media:
    return Media(row.kind, row.reference or "", row.content_type, "", row.size)  # type: ignore[arg-type]


def begin(db: Session, file_id: int) -> None:
    """Drop what an earlier attempt has left."""
    _drop_pieces(db, file_id)


def _drop_pieces(db: Session, file_id: int) -> None:
    db.execute(delete(FilePiece).where(FilePiece.file_id == file_id))


def add_piece(db: Session, file_id: int, number: int, data: bytes) -> bool:
    """Keep a piece; False when the file is no longer wanted, since its sender was erased meanwhile."""
    wanted = _still_waiting(db, file_id)
    if wanted is not None:
        db.add(FilePiece(file_id=file_id, number=number, data=data))
    return wanted is not None


def keep(db: Session, file_id: int, found: FileType, size: int) -> None:
    """Say that a file is here whole; the provider's copy is to be deleted next."""
    file = _still_waiting(db, file_id)
    if file is not None:
        file.status, file.content_type, file.size = FileStatus.KEPT, found.content_type, size
        file.attempts, file.due_at = 0, clock.now()


def _still_waiting(db: Session, file_id: int) -> ReceivedFile | None:
    file = db.get(ReceivedFile, file_id, with_for_update=True)
    return file if file is not None and file.status == FileStatus.WAITING else None


def fail(db: Session, file_id: int, failure: FetchFailure, lost: Lost) -> None:
    """Try again later, or give the file up and say so."""
    file = _still_waiting(db, file_id)
    if file is None:
        return
    if failure.again and file.attempts < MOST_ATTEMPTS:
        file.due_at = _later(file.attempts)
        return
    _drop_pieces(db, file_id)
    file.status, file.reason = FileStatus.FAILED, failure.code[:32]
    file.attempts, file.due_at = 0, clock.now()
    lost(db, file)


def discarded(db: Session, file_id: int, failure: FetchFailure | None) -> None:
    """Say that the provider's copy is gone, or ask again later."""
    file = db.get(ReceivedFile, file_id, with_for_update=True)
    if file is None:
        return
    if failure and failure.again and file.attempts < MOST_ATTEMPTS:
        file.due_at = _later(file.attempts)
        return
    file.due_at, file.reference = None, None
    if file.reason == "not_kept":
        db.delete(file)


def _later(attempts: int) -> datetime:
    return clock.now() + min(_FIRST_PAUSE * (1 << (attempts - 1)), _LONGEST_PAUSE)


def let_go(db: Session, before: datetime, limit: int = 500) -> int:
    """Delete files from before a time that answer no survey; return how many."""
    old = select(ReceivedFile).where(ReceivedFile.received_at <= before, ReceivedFile.run_id.is_(None))
    rows: Sequence[ReceivedFile] = db.scalars(old.where(ReceivedFile.due_at.is_(None)).limit(limit)).all()
    for row in rows:
        db.delete(row)
    db.flush()
    return len(rows)
