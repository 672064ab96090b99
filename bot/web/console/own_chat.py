"""One's own chat: link it by a code, send a test of a broadcast there, ask approvers in theirs."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.broadcasts.models import Broadcast
from bot.conversations import approving, staff_chats
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.context import ConsoleContext
from bot.web.console.routes import Open, Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@pages.post("/account/chat", needs=Open.STAFF)
async def link(visit: Visit) -> Response:
    """Show a code once: it is kept hashed."""
    code = await visit.database.run(staff_chats.offer, visit.user)
    minutes = int(staff_chats.VALID.total_seconds() // 60)
    return visit.page("own_chat.html", code=code, minutes=minutes, handles=visit.context.settings.handles)


@pages.post("/account/chat/unlink", needs=Open.STAFF)
async def unlink(visit: Visit) -> Response:
    await visit.database.run(staff_chats.unlink, visit.user)
    return visit.go("/account", "changed")


@pages.post("/broadcasts/{id:row}/test", needs=Permission.BROADCAST_WRITE)
async def test(visit: Visit) -> Response:
    if not await visit.database.run(_test, visit.context, visit.id, visit.user):
        raise Refused("no_chat")
    visit.context.nudge()
    return visit.go(f"/broadcasts/{visit.id}", "tested")


def _test(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser) -> int:
    return staff_chats.send_test(db, context.content, found(db.get(Broadcast, broadcast_id)), user)


@pages.post("/broadcasts/{id:row}/ask", needs=Permission.BROADCAST_WRITE)
async def ask(visit: Visit) -> Response:
    await visit.database.run(_ask, visit.context, visit.id, visit.user)
    visit.context.nudge()
    return visit.go(f"/broadcasts/{visit.id}", "asked")


def _ask(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser) -> None:
    approving.ask(db, context.content, found(db.get(Broadcast, broadcast_id)), context.policy, user)
