"""Messages of erased people that a provider would not delete: staff delete them by hand, and say so."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.messaging import forgetting
from bot.messaging.models import ProviderCopy
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found

pages = Pages()


@pages.get("/members/copies", needs=Permission.MEMBERS_ERASE)
async def listing(visit: Visit) -> Response:
    return visit.page("members/copies.html", copies=await visit.database.query(forgetting.left))


@pages.post("/members/copies/{id:row}", needs=Permission.MEMBERS_ERASE)
async def close(visit: Visit) -> Response:
    await visit.database.run(_close, visit.id, visit.user)
    return visit.go("/members/copies", "copies_deleted")


def _close(db: Session, copy_id: int, by: StaffUser) -> None:
    """Close one that waits for staff; of what is still being asked for, nobody may say that it is gone."""
    waiting = select(ProviderCopy).where(ProviderCopy.id == copy_id, ProviderCopy.due_at.is_(None))
    forgetting.close(db, found(db.scalars(waiting.with_for_update()).first()), by)
