"""Webhooks: which addresses are told what, their secrets, and the log of their calls."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import NotFound, Visit, found
from bot.webhooks import service
from bot.webhooks.models import Kind, Webhook, WebhookCall

pages = Pages()

PAGE = 50


@pages.get("/webhooks", needs=Permission.SETTINGS_MANAGE)
async def listing(visit: Visit) -> Response:
    rows = await visit.database.query(_list)
    return visit.page("webhooks.html", rows=rows, kinds=[kind for kind in Kind if kind != Kind.TEST])


def _list(db: Session) -> Sequence[Webhook]:
    return db.scalars(select(Webhook).order_by(Webhook.id)).all()


@pages.post("/webhooks", needs=Permission.SETTINGS_MANAGE)
async def register(visit: Visit) -> Response:
    private = visit.context.settings.webhook_private
    url, kinds = visit.form.text("url"), visit.form.texts("kinds")
    row = await visit.database.run(service.register, visit.user, url, kinds, private=private)
    # The secret is shown here once, so there is no page to go on to that could show it.
    return await _one(visit, row.id, 201, row.secret)


@pages.get("/webhooks/{id:row}", needs=Permission.SETTINGS_MANAGE)
async def one(visit: Visit) -> Response:
    return await _one(visit, visit.id)


async def _one(visit: Visit, webhook_id: int, status: int = 200, secret: str = "") -> Response:
    row, calls = await visit.database.query(_view, webhook_id, visit.query.number("before"))
    return visit.page("webhook.html", status, row=row, calls=calls, secret=secret, page_size=PAGE)


def _view(db: Session, webhook_id: int, before: int | None) -> tuple[Webhook, Sequence[WebhookCall]]:
    row = found(db.get(Webhook, webhook_id))
    calls = select(WebhookCall).where(WebhookCall.webhook_id == row.id).order_by(WebhookCall.id.desc()).limit(PAGE)
    return row, db.scalars(calls.where(WebhookCall.id < before) if before else calls).all()


@pages.post("/webhooks/{id:row}/test", needs=Permission.SETTINGS_MANAGE)
async def test(visit: Visit) -> Response:
    await visit.database.run(lambda db: service.test(db, _get(db, visit.id), visit.user))
    return visit.go(f"/webhooks/{visit.id}", "called")


@pages.post("/webhooks/{id:row}/again", needs=Permission.SETTINGS_MANAGE)
async def again(visit: Visit) -> Response:
    await visit.database.run(_again, visit.id, visit.form.number("call"), visit.user)
    return visit.go(f"/webhooks/{visit.id}", "called")


def _again(db: Session, webhook_id: int, call_id: int | None, user: StaffUser) -> None:
    call = found(db.get(WebhookCall, call_id or 0, with_for_update=True))
    if call.webhook_id != webhook_id:
        raise NotFound
    service.again(db, call, _get(db, webhook_id), user)


@pages.post("/webhooks/{id:row}/secret", needs=Permission.SETTINGS_MANAGE)
async def rotate(visit: Visit) -> Response:
    secret = await visit.database.run(_rotate, visit.id, visit.user)
    return await _one(visit, visit.id, 201, secret)


def _rotate(db: Session, webhook_id: int, user: StaffUser) -> str:
    return service.rotate(db, _get(db, webhook_id), user)


@pages.post("/webhooks/{id:row}/switch", needs=Permission.SETTINGS_MANAGE)
async def switch(visit: Visit) -> Response:
    on = visit.form.text("on") == "yes"
    await visit.database.run(lambda db: service.switch(db, _get(db, visit.id), on, visit.user))
    return visit.go(f"/webhooks/{visit.id}", "changed")


@pages.post("/webhooks/{id:row}/remove", needs=Permission.SETTINGS_MANAGE)
async def remove(visit: Visit) -> Response:
    await visit.database.run(lambda db: service.remove(db, _get(db, visit.id), visit.user))
    return visit.go("/webhooks", "changed")


def _get(db: Session, webhook_id: int) -> Webhook:
    return found(db.get(Webhook, webhook_id))
