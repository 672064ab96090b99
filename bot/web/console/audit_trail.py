"""The audit trail: who did what, and whether the chain still holds."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.staff import audit
from bot.staff.models import AuditEntry, StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit

pages = Pages()

PAGE = 100


@pages.get("/audit", needs=Permission.AUDIT_VIEW)
async def listing(visit: Visit) -> Response:
    rows, names = await visit.database.query(_list, visit.query.number("before"))
    return visit.page("audit.html", rows=rows, names=names, page_size=PAGE, checked=False, broken=None, head="")


def _list(db: Session, before: int | None) -> tuple[list[AuditEntry], dict[str, str]]:
    rows = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(PAGE)
    if before:
        rows = rows.where(AuditEntry.id < before)
    names = {str(user.id): user.name for user in db.scalars(select(StaffUser))}
    return list(db.scalars(rows)), names


@pages.get("/audit/check", needs=Permission.AUDIT_VIEW)
async def check(visit: Visit) -> Response:
    broken, head = await visit.database.query(_check)
    rows, names = await visit.database.query(_list, None)
    return visit.page("audit.html", rows=rows, names=names, page_size=PAGE, checked=True, broken=broken, head=head)


def _check(db: Session) -> tuple[AuditEntry | None, str]:
    return audit.verify(db), audit.head(db)
