"""The audit trail: each entry's hash covers the entry before it, so none can be changed or taken out unnoticed."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.db import take_turn
from bot.staff.models import AuditEntry, StaffUser

GENESIS = "0" * 64
#: Under this name a database session keeps which program it works for: {"token": number}.
CALLER = "caller"


def record(
    db: Session,
    actor: StaffUser | None,
    action: str,
    subject_kind: str,
    subject_id: object,
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry (`actor` None: the system). Call it last: from here to the commit, other writers wait.

    What a program does for a staff user carries the number of its token.
    """
    take_turn(db, "audit trail")
    said = {**(detail or {}), **db.info.get(CALLER, {})}
    previous = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one_or_none()
    entry = AuditEntry(
        at=clock.now(),
        actor=str(actor.id) if actor else "system",
        action=action,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        detail=json.loads(json.dumps(said)),  # as the database will give it back
        previous_hash=previous.hash if previous else GENESIS,
    )
    entry.hash = digest(entry)
    db.add(entry)
    db.flush()
    return entry


def digest(entry: AuditEntry) -> str:
    """Return the SHA-256 of the previous hash and the entry as canonical JSON."""
    said = {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": [entry.subject_kind, entry.subject_id],
        "detail": entry.detail,
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((entry.previous_hash + canonical).encode()).hexdigest()


def verify(db: Session) -> AuditEntry | None:
    """Return the first entry that does not fit the chain, or None when all do.

    Entries cut off at the end leave no gap: compare `head` with one noted elsewhere.
    """
    previous = GENESIS
    with db.execute(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)) as rows:
        for entry in rows.scalars():
            if entry.previous_hash != previous or entry.hash != digest(entry):
                return entry
            previous = entry.hash
    return None


def head(db: Session) -> str:
    """Return the hash of the last entry: noted on paper, it proves later that nothing was cut off."""
    return db.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or GENESIS
