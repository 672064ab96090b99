"""Exports as a process makes them in the background: each step in the audit trail, and nothing half done to be seen."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from bot import background, clock
from bot.background import Finish, Hand, NotMade, State, Stopped
from bot.db import Database
from bot.exports import service
from bot.exports.models import Export
from bot.exports.options import ExportError
from bot.exports.writing import ExportResult, clear
from bot.staff import audit


async def work(database: Database, exports_dir: Path, worker: str, stopping: asyncio.Event | None = None) -> int:
    """Make the exports that wait; return how many became ready."""

    async def make_below(export: Export, hand: Hand) -> Finish[Export]:
        return await make(database, exports_dir / str(export.id), export, hand)

    return await background.work(database, Export, worker, make_below, stopping)


async def make(database: Database, folder: Path, export: Export, hand: Hand) -> Finish[Export]:
    """Write the files of an export beside their place in the folder; return what notes them and puts them there."""
    frozen = await database.run(_freeze, export.id)
    hand.total = frozen.respondents
    result = await asyncio.to_thread(_prepare, database, frozen, folder, hand)
    return lambda db, row: _finish(db, row, result)


def _freeze(db: Session, export_id: int) -> Export:
    export = db.get_one(Export, export_id)
    service.freeze(db, export)
    return export


def _prepare(database: Database, export: Export, folder: Path, hand: Hand) -> ExportResult:
    """Write the files; what is of no use to a later attempt goes again."""
    try:
        with database.snapshot() as db:
            return service.prepare(db, export, folder, hand.tell)
    except (OperationalError, InterfaceError):  # the database is away: a later attempt goes on from here
        raise
    except Exception as error:
        if not isinstance(error, Stopped) or hand.lost:
            clear(folder, export.id, export.attempts)
        if isinstance(error, ExportError):
            raise NotMade(error.args[0]) from None
        raise


def _finish(db: Session, export: Export, result: ExportResult) -> None:
    service.finish(db, export, result)
    files = {path.name: file.sha256 for path, file in result.files.items()}
    said = {"files": files, "people": export.respondents, "excluded": export.excluded}
    audit.record(db, None, "export.ready", "export", export.id, said)
    result.publish()


def clear_away(db: Session, data_dir: Path, after: timedelta) -> int:
    """Delete files whose time is over, and what work left that was given up; return how many exports expired.

    The row stays, and the manifest and the list of lines to delete beside it.
    """
    old, exports_dir = clock.now() - after, data_dir / "exports"
    expired = list(db.scalars(select(Export).where(Export.state == State.READY, Export.finished_at <= old)))
    for export in expired:
        expire(db, export, exports_dir)
    for export_id in db.scalars(select(Export.id).where(Export.state.in_((State.FAILED, State.CANCELLED)))):
        shutil.rmtree(exports_dir / str(export_id), ignore_errors=True)
    return len(expired)


def expire(db: Session, export: Export, exports_dir: Path) -> None:
    """Delete the files of an export."""
    paths = [exports_dir / str(export.id) / name for name in export.files]
    there = [path for path in paths if path.exists()]
    for path in there:
        path.unlink(missing_ok=True)
    export.state = State.EXPIRED
    audit.record(db, None, "export.expired", "export", export.id, {"files": [path.name for path in there]})
