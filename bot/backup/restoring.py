"""A backup brought back to life: nothing that waited then may go out again by itself."""

import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from bot import clock, migrations
from bot.backup import BackupError
from bot.backup.archive import DATABASE, FOLDERS, Manifest, opened
from bot.backup.copying import Told, copy, require_empty
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.conversations import erasures
from bot.conversations.erasures import Erasure
from bot.db import open_engine
from bot.messaging.models import OPEN, RESTORED, OutboxMessage, Status, Worker
from bot.staff import audit
from bot.staff.models import ApiToken, StaffSession
from bot.webhooks.models import CallStatus, WebhookCall

if TYPE_CHECKING:
    from pyrage.x25519 import Identity


def check(file: Path, key: "Identity", scratch: Path) -> Manifest:
    """Read all of a backup, bring its tables to this version in a folder of its own, and leave no trace."""
    with opened(file, key, scratch) as (manifest, folder):
        _upgraded(folder).dispose()
    return manifest


def restore(
    file: Path,
    key: "Identity",
    target: Engine,
    data_dir: Path,
    told: Told = lambda *_: None,
    erased: Sequence[Erasure] = (),
) -> Manifest:
    """Put a backup into an empty installation; what is interrupted leaves the database empty.

    Whom `erased` names is erased again.

    Raises BackupError or CopyError, with the cure, before anything is changed when the installation is in use.
    """
    require_empty(target)
    with opened(file, key, data_dir) as (manifest, folder):
        _require_free(folder, data_dir)
        source = _upgraded(folder)
        try:
            with Session(source) as db, db.begin():
                _make_safe(db, manifest)
                erasures.repeat(db, erased)
            copy(source, target, told)
        finally:
            source.dispose()
        _move(folder, data_dir)
    return manifest


def _upgraded(folder: Path) -> Engine:
    engine = open_engine(f"sqlite:///{folder / DATABASE}")
    migrations.upgrade(engine)
    return engine


def _make_safe(db: Session, manifest: Manifest) -> None:
    """What waited may have gone out since: it is in doubt, and staff decide. What was approved is approved again.

    Without the time of a claim nobody looks such a message up at the provider, who may know later ones to the same
    person that we do not.
    """
    now = clock.now()
    db.execute(
        update(OutboxMessage)
        .where(OutboxMessage.status.in_((*OPEN, Status.UNCERTAIN)))
        .values(status=Status.UNCERTAIN, reason=RESTORED, claimed_by=None, claimed_at=None, status_at=now)
    )
    db.execute(
        update(Broadcast)
        .where(Broadcast.status == BroadcastStatus.APPROVED)
        .values(status=BroadcastStatus.DRAFT, approved_hash=None, approved_by=None, approved_at=None)
    )
    # Those who were to be told may know it by now, and what has happened since.
    db.execute(
        update(WebhookCall)
        .where(WebhookCall.status == CallStatus.WAITING)
        .values(status=CallStatus.FAILED, due_at=None, answer=RESTORED)
    )
    db.execute(delete(StaffSession))
    db.execute(update(ApiToken).values(revoked_at=now))  # one that was revoked since must not count again
    db.execute(delete(Worker))
    made_at = datetime.fromisoformat(manifest.made_at)
    audit.record(db, None, "backup.restored", "installation", "-", {"made_at": made_at.isoformat(timespec="seconds")})


def _require_free(folder: Path, data_dir: Path) -> None:
    """Keys that are there already may be those of other data: they are never written over."""
    for path in _files(folder):
        name = path.relative_to(folder)
        there = data_dir / name
        if there.exists() and there.read_bytes() != path.read_bytes():
            raise BackupError(
                f"{there} is another one than in the backup, and nothing was changed: restore into an empty "
                "OUTREACH_DATA_DIR"
            )


def _move(folder: Path, data_dir: Path) -> None:
    for path in _files(folder):
        there = data_dir / path.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, there)
        if there.is_relative_to(data_dir / "keys"):
            os.chmod(there, 0o600)


def _files(folder: Path) -> list[Path]:
    return [path for name in FOLDERS for path in sorted((folder / name).rglob("*")) if path.is_file()]
