"""One's own account: the language of the console."""

from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.content.console import CONSOLE_LANGUAGES
from bot.staff.models import StaffUser
from bot.web.console.routes import Open, Pages
from bot.web.console.serving import set_cookie
from bot.web.console.speaking import LANGUAGE_COOKIE
from bot.web.console.visit import Refused, Visit
from bot.web.security import local_path, path_of

pages = Pages()


@pages.get("/account", needs=Open.STAFF)
async def account(visit: Visit) -> Response:
    return visit.page("account.html")


@pages.post("/language", needs=Open.ANYONE)
async def speak(visit: Visit) -> Response:
    """Change the language, before signing in too; then back to where it was asked for."""
    code = visit.form.text("language")
    if code not in CONSOLE_LANGUAGES:
        raise Refused("no_language")
    if visit.session:
        await visit.database.run(_speak, visit.user.id, code)
    back = local_path(path_of(visit.request.headers.get("referer", "")), "/console/")
    response = visit.go(back.removeprefix("/console"))
    set_cookie(response, visit.context, LANGUAGE_COOKIE, code)
    return response


def _speak(db: Session, user_id: int, code: str) -> None:
    db.execute(update(StaffUser).where(StaffUser.id == user_id).values(language=code))
