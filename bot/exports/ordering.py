"""An export as staff order it: noted at once, made in the background, each step in the audit trail."""

from sqlalchemy.orm import Session

from bot import background
from bot.exports import service, withdrawals
from bot.exports.models import Export
from bot.exports.options import Options
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, require
from bot.surveys.models import Survey


def order(db: Session, survey: Survey, options: Options, user: StaffUser) -> Export:
    """Ask for an export; what says who people are needs a permission of its own."""
    require(user, Permission.EXPORTS_IDENTIFIED if options.may_name else Permission.EXPORTS_RUN)
    export = service.ask(db, survey, options, str(user.id))
    audit.record(db, user, "export.asked", "export", export.id, {"survey": survey.id, "options": options.as_json()})
    return export


def cancel(db: Session, export: Export, user: StaffUser) -> bool:
    """Stop an export that is not ready yet; False when it is over."""
    require(user, _needed(export))
    db.refresh(export, with_for_update=True)
    if not background.cancel(export):
        return False
    db.flush()
    audit.record(db, user, "export.cancelled", "export", export.id)
    return True


def holds(export: Export, name: str) -> bool:
    """Tell whether a file is of this export."""
    return name in {export.manifest, *(export.files or {})}


def checksum(export: Export, name: str) -> str:
    """Return the SHA-256 of a file that the export holds."""
    return str(export.sha256 if name == export.manifest else export.files[name]["sha256"])


def take(db: Session, export: Export, name: str, user: StaffUser) -> None:
    """Note that somebody took a file of an export, where they may."""
    require(user, _needed(export))
    audit.record(db, user, "export.downloaded", "export", export.id, {"file": name})


def _needed(export: Export) -> Permission:
    return Permission.EXPORTS_IDENTIFIED if withdrawals.may_name(export) else Permission.EXPORTS_RUN
