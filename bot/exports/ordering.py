"""An export as staff order it: begun at once, written while they wait for it, each step in the audit trail."""

from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from bot.db import Database
from bot.exports import service, withdrawals
from bot.exports.models import Export
from bot.exports.options import ExportError, Options
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, require
from bot.surveys.models import Survey

log = structlog.get_logger(__name__)


def order(db: Session, survey: Survey, options: Options, user: StaffUser) -> Export:
    """Begin an export; what says who people are needs a permission of its own."""
    require(user, Permission.EXPORTS_IDENTIFIED if options.may_name else Permission.EXPORTS_RUN)
    export = service.begin(db, survey, options, str(user.id))
    detail = {"survey": survey.id, "options": options.as_json(), "people": export.respondents}
    audit.record(db, user, "export.begun", "export", export.id, detail | {"excluded": export.excluded})
    return export


async def write(database: Database, export: Export, exports_dir: Path) -> None:
    """Write the files of an export, which may take longer than anybody waits for an answer."""
    try:
        result = await database.query(service.write, export, exports_dir / str(export.id))
        await database.run(service.finish, export, result)
    except (ExportError, OSError) as error:
        log.error("export failed", export_id=export.id, error=type(error).__name__)


def take(db: Session, export: Export, name: str, user: StaffUser) -> None:
    """Note that somebody took a file of an export, where they may."""
    require(user, Permission.EXPORTS_IDENTIFIED if withdrawals.may_name(export) else Permission.EXPORTS_RUN)
    audit.record(db, user, "export.downloaded", "export", export.id, {"file": name})
