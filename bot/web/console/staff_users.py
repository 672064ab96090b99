"""Staff: add a colleague, change a role, close an account."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.staff import service
from bot.staff.models import Role, StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

EMAIL_LIMIT, NAME_LIMIT = 254, 100


@pages.get("/staff", needs=Permission.STAFF_MANAGE)
async def listing(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, status: int = 200, user: StaffUser | None = None, link: str = "") -> Response:
    rows = await visit.database.query(_list)
    base = visit.context.settings.public_url or str(visit.request.base_url).rstrip("/").removesuffix("/console")
    welcome = f"{base}/console/welcome/{link}" if link else ""
    return visit.page("staff.html", status, rows=rows, invited=user, link=welcome)


def _list(db: Session) -> list[StaffUser]:
    return list(db.scalars(select(StaffUser).order_by(StaffUser.id)))


@pages.post("/staff", needs=Permission.STAFF_MANAGE)
async def add(visit: Visit) -> Response:
    email, name, role = (visit.form.text(field) for field in ("email", "name", "role"))
    if not 0 < len(name) <= NAME_LIMIT or not 3 <= len(email) <= EMAIL_LIMIT or "@" not in email:
        raise Refused("no_colleague")
    user, link = await visit.database.run(service.add, email, name, _role(role), by=visit.user)
    # The link is shown here once and stored nowhere, so there is no page to go on to that could show it.
    return await _page(visit, 201, user, link or "")


@pages.post("/staff/{id:row}/invite", needs=Permission.STAFF_MANAGE)
async def invite(visit: Visit) -> Response:
    user, link = await visit.database.run(_invite, visit.id, visit.user)
    return await _page(visit, 201, user, link)


def _invite(db: Session, user_id: int, by: StaffUser) -> tuple[StaffUser, str]:
    user = found(db.get(StaffUser, user_id))
    return user, service.invite(db, user, by)


@pages.post("/staff/{id:row}/role", needs=Permission.STAFF_MANAGE)
async def change_role(visit: Visit) -> Response:
    role = _role(visit.form.text("role"))
    await visit.database.run(lambda db: service.set_role(db, found(db.get(StaffUser, visit.id)), role, visit.user))
    return visit.go("/staff", "changed")


@pages.post("/staff/{id:row}/active", needs=Permission.STAFF_MANAGE)
async def set_active(visit: Visit) -> Response:
    active = visit.form.text("active") == "yes"
    await visit.database.run(lambda db: service.set_active(db, found(db.get(StaffUser, visit.id)), active, visit.user))
    return visit.go("/staff", "changed")


@pages.post("/staff/{id:row}/second-factor", needs=Permission.STAFF_MANAGE)
async def reset_second_factor(visit: Visit) -> Response:
    await visit.database.run(lambda db: service.reset_second_factor(db, found(db.get(StaffUser, visit.id)), visit.user))
    return visit.go("/staff", "changed")


def _role(code: str) -> Role:
    if code not in set(Role):
        raise Refused("no_role")
    return Role(code)
