"""Tokens for programs: administrators grant them, their owner fetches the secret once, both can revoke them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.staff import tokens
from bot.staff.models import ApiToken, StaffUser
from bot.staff.roles import Permission
from bot.staff.scopes import Scope
from bot.web.console.routes import Open, Pages
from bot.web.console.visit import NotFound, Refused, Visit, found

pages = Pages()

DAYS = 90  #: offered at first


@pages.get("/tokens", needs=Open.STAFF)
async def listing(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, status: int = 200, secret: str = "") -> Response:
    rows, owners = await visit.database.query(_list, visit.user, visit.may(Permission.STAFF_MANAGE))
    most = tokens.LONGEST.days
    values = {"rows": rows, "owners": owners, "scopes": {scope: scope for scope in Scope}, "days": DAYS, "most": most}
    return visit.page("tokens.html", status, secret=secret, now=clock.now(), **values)


def _list(db: Session, user: StaffUser, manages: bool) -> tuple[Sequence[ApiToken], dict[str, str]]:
    staff = db.scalars(select(StaffUser).where(StaffUser.active).order_by(StaffUser.id)) if manages else ()
    return tokens.listed(db, None if manages else user), {str(one.id): one.name for one in staff}


@pages.post("/tokens", needs=Permission.STAFF_MANAGE)
async def grant(visit: Visit) -> Response:
    form = visit.form
    owner, days = form.number("owner"), form.number("days")
    if owner is None or days is None or days > tokens.LONGEST.days:
        raise Refused("no_token")
    asked = form.text("name"), form.texts("scopes"), timedelta(days=days)
    row = await visit.database.run(_grant, visit.user, owner, *asked)
    if row.user_id != visit.user.id:
        return visit.go("/tokens", "granted")
    # The secret is shown here once and stored nowhere, so there is no page to go on to that could show it.
    return await _page(visit, 201, await visit.database.run(_fetch, row.id, visit.user))


def _grant(db: Session, by: StaffUser, owner_id: int, name: str, scopes: list[str], valid: timedelta) -> ApiToken:
    return tokens.grant(db, by, found(db.get(StaffUser, owner_id)), name, scopes, valid)


@pages.post("/tokens/{id:row}/fetch", needs=Open.STAFF)
async def fetch(visit: Visit) -> Response:
    return await _page(visit, 201, await visit.database.run(_fetch, visit.id, visit.user))


def _fetch(db: Session, token_id: int, user: StaffUser) -> str:
    secret = tokens.fetch(db, found(db.get(ApiToken, token_id)), user)
    if secret is None:
        raise Refused("no_secret")
    return secret


@pages.post("/tokens/{id:row}/revoke", needs=Open.STAFF)
async def revoke(visit: Visit) -> Response:
    await visit.database.run(_revoke, visit.id, visit.user, visit.may(Permission.STAFF_MANAGE))
    return visit.go("/tokens", "changed")


def _revoke(db: Session, token_id: int, user: StaffUser, manages: bool) -> None:
    row = found(db.get(ApiToken, token_id))
    if row.user_id != user.id and not manages:
        raise NotFound
    tokens.revoke(db, row, user)
