"""The audit trail: who did what, and whether the chain still holds."""

from typing import Any

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
    return await _page(visit, visit.query.number("member"))


async def _page(visit: Visit, member: int | None, **checked: Any) -> Response:
    rows, names = await visit.database.query(_list, visit.query.number("before"), member)
    return visit.page("audit.html", rows=rows, names=names, member=member, page_size=PAGE, **checked)


def _list(db: Session, before: int | None, member: int | None) -> tuple[list[AuditEntry], dict[str, str]]:
    rows = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(PAGE)
    if member is not None:
        rows = rows.where(AuditEntry.subject_kind == "contact", AuditEntry.subject_id == str(member))
    if before:
        rows = rows.where(AuditEntry.id < before)
    names = {str(user.id): user.name for user in db.scalars(select(StaffUser))}
    return list(db.scalars(rows)), names


@pages.get("/audit/check", needs=Permission.AUDIT_VIEW)
async def check(visit: Visit) -> Response:
    broken, head = await visit.database.query(_check)
    return await _page(visit, None, checked=True, broken=broken, head=head)


def _check(db: Session) -> tuple[AuditEntry | None, str]:
    return audit.verify(db), audit.head(db)
