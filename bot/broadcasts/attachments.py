"""The picture or PDF of a broadcast: checked by content, kept once by its hash, laid out for the channels to send.

What everybody gets is public, so that it is not encrypted.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import clock, filetypes
from bot.broadcasts.models import Attachment, Broadcast
from bot.channels.base import Media
from bot.content.languages import chain
from bot.filetypes import JPEG, PDF, PNG, FileType
from bot.messaging import made

#: Which of the files that are made (`messaging.made`) they are.
KIND = "attachment"
#: Largest file by kind in bytes that both channels take: WhatsApp's picture and document are the smaller ones.
LIMITS: Mapping[str, int] = {"image": 5 * 1024**2, "document": 16 * 1024**2}
LARGEST = max(LIMITS.values())
#: What Telegram takes as a photo: width and height together, and how much longer one side may be.
LONGEST_SIDES, MOST_STRETCHED = 10_000, 20
#: For how long a file lies that no broadcast has.
UNUSED = timedelta(days=1)
_NAME_LIMIT = 60


class NotAttachable(ValueError):
    """The file is none that both channels take; the message is the code of the reason."""


def check(data: bytes) -> FileType:
    """Return what the file is; raise NotAttachable."""
    found = filetypes.of(data[: filetypes.HEAD])
    if found not in (JPEG, PNG, PDF):
        raise NotAttachable("attachment_type")
    if len(data) > LIMITS[found.kind]:
        raise NotAttachable("attachment_too_large")
    if found.kind == "image":
        _check_sides(filetypes.dimensions(data))
    return found


def _check_sides(sides: tuple[int, int] | None) -> None:
    if sides is None or min(sides) == 0:
        raise NotAttachable("attachment_broken")
    if sum(sides) > LONGEST_SIDES or max(sides) > MOST_STRETCHED * min(sides):
        raise NotAttachable("attachment_sides")


def store(db: Session, data: bytes, filename: str) -> dict[str, Any]:
    """Keep a file, once however often it is uploaded; return what a broadcast notes of it. Raise NotAttachable."""
    found = check(data)
    sha256 = hashlib.sha256(data).hexdigest()
    if db.get(Attachment, sha256) is None:
        row = Attachment(sha256=sha256, content_type=found.content_type, size=len(data), data=data)
        row.uploaded_at = clock.now()
        db.add(row)
        db.flush()
    return noted(sha256, found.content_type, len(data), filename)


def again(db: Session, sha256: str, filename: str) -> dict[str, Any] | None:
    """Return the same for a file that is kept already, or None when it is not."""
    row = db.get(Attachment, sha256)
    return noted(row.sha256, row.content_type, row.size, filename) if row else None


def noted(sha256: str, content_type: str, size: int, filename: str) -> dict[str, Any]:
    """Return what a broadcast notes of a file. Its name is for members' eyes, and safe in a path and an address."""
    stem = re.sub(r"[^\w-]+", "-", Path(filename).stem, flags=re.ASCII).strip("-")[:_NAME_LIMIT] or "file"
    name = stem + filetypes.EXTENSIONS[content_type]
    return {"sha256": sha256, "content_type": content_type, "size": size, "name": name}


def nearest(attachments: Mapping[str, Any], language: str) -> dict[str, Any] | None:
    """Return what is noted of the file that goes with a text of this language: its own, or the nearest language's."""
    return next((attachments[code] for code in chain(language) if code in attachments), None)


def media(attachments: Mapping[str, Any], language: str) -> Media | None:
    """Return the same as a message carries it."""
    file = nearest(attachments, language)
    if file is None:
        return None
    kind = "image" if file["content_type"].startswith("image/") else "document"
    reference = made.reference(KIND, f"{file['sha256']}/{file['name']}")
    return Media(kind, reference, file["content_type"], file["name"], file["size"])  # type: ignore[arg-type]


def make(db: Session, name: str) -> bytes | None:
    """Return what is in a file, by its name among the files that are made: the hash, and what people call it."""
    row = db.get(Attachment, name.partition("/")[0])
    return row.data if row else None


def clear(db: Session) -> int:
    """Remove files that no broadcast has any more; return how many. Copies laid out go by themselves."""
    used = {file["sha256"] for files in db.scalars(select(Broadcast.attachments)) for file in files.values()}
    old = db.scalars(select(Attachment.sha256).where(Attachment.uploaded_at <= clock.now() - UNUSED))
    unused = [sha256 for sha256 in old if sha256 not in used]
    db.execute(delete(Attachment).where(Attachment.sha256.in_(unused)))
    return len(unused)
