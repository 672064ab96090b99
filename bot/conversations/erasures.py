"""Who was erased, in a file outside the database: a backup still holds those who were erased since it was made.

Each line is when, and the number of a contact: nothing that names anybody. The audit trail, from which it is written,
is lost with the database.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact, State
from bot.conversations import rights
from bot.staff import audit
from bot.staff.models import IS_ERASURE, AuditEntry

#: Erasures are looked for again from a while before the last one noted: commits do not come in the order of time.
OVERLAP = 100
#: When, and the number of the contact.
Erasure = tuple[datetime, int]


class BadList(Exception):
    """A file is no list of erasures; the message names the line."""


def note(db: Session, file: Path) -> int:
    """Add the erasures that are not in the file yet; return how many. What a crash leaves out comes the next time."""
    known = read(file) if file.exists() else []
    latest = select(AuditEntry).where(IS_ERASURE).order_by(AuditEntry.at, AuditEntry.id)
    if len(known) > OVERLAP:
        latest = latest.where(AuditEntry.at >= min(known[-OVERLAP:])[0])
    there = set(known)
    new = [erasure for erasure in map(_erasure, db.scalars(latest)) if erasure not in there]
    if new:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="ascii") as opened:
            opened.writelines(f"{at.isoformat()} {contact}\n" for at, contact in new)
    return len(new)


def _erasure(entry: AuditEntry) -> Erasure:
    again = entry.detail.get("erased_at")  # after a restore: who has that number since is somebody else
    return datetime.fromisoformat(again) if again else entry.at, int(entry.subject_id)


def read(file: Path) -> list[Erasure]:
    """Return the erasures of a file; raise BadList with the line that is none."""
    found = []
    for number, line in enumerate(file.read_text("ascii", "replace").splitlines(), start=1):
        try:
            at, contact = line.split()
            found.append((datetime.fromisoformat(at), int(contact)))
        except ValueError:
            raise BadList(f"{file} is no list of erasures: line {number} is not a time and a number") from None
    return found


def repeat(db: Session, erasures: Iterable[Erasure]) -> int:
    """Erase again whom a restored backup has brought back; return how many.

    Numbers of contacts that joined after the backup are given out a second time: whoever joined after an erasure is
    somebody else.
    """
    done = 0
    for at, number in erasures:
        contact = db.get(Contact, number)
        if contact is None or contact.state == State.ERASED or contact.created_at > at:
            continue
        rights.strip(db, contact)
        contact.state, contact.language = State.ERASED, None
        db.flush()
        audit.record(db, None, "contact.erased", "contact", number, {"erased_at": at.isoformat()})
        done += 1
    return done
