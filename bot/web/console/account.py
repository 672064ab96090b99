"""One's own account: the language of the console, the second factor, and where one is signed in."""

import segno
from markupsafe import Markup
from sqlalchemy import delete, update
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.content.console import CONSOLE_LANGUAGES
from bot.conversations import staff_chats
from bot.staff import second_factor, sessions
from bot.staff.models import Awaits, StaffSession, StaffUser
from bot.web.console.routes import Open, Pages
from bot.web.console.serving import SESSION_COOKIE, set_cookie
from bot.web.console.speaking import LANGUAGE_COOKIE
from bot.web.console.visit import Refused, Visit
from bot.web.security import local_path, path_of

pages = Pages()


@pages.get("/account", needs=Open.STAFF)
async def account(visit: Visit) -> Response:
    mine = await visit.database.query(sessions.of_user, visit.user)
    chats = await visit.database.query(staff_chats.chats, visit.user)
    return visit.page("account.html", sessions=mine, chats=chats)


@pages.post("/account/sign-out-elsewhere", needs=Open.STAFF)
async def sign_out_elsewhere(visit: Visit) -> Response:
    if visit.session:
        await visit.database.run(sessions.sign_out_others, visit.session)
    return visit.go("/account", "signed-out-elsewhere")


@pages.get("/account/second-factor", needs=Open.HALF)
async def second_factor_form(visit: Visit) -> Response:
    return await _enrolment(visit)


async def _enrolment(visit: Visit, status: int = 200) -> Response:
    if visit.owes is Awaits.CODE:  # who has one must show it before getting another
        return visit.go("/sign-in/code")
    uri = await visit.database.run(second_factor.begin, visit.user)
    drawing = Markup(segno.make(uri, error="m").svg_inline(scale=5, omitsize=True))  # noqa: S704 - drawn here
    secret = uri.partition("secret=")[2].partition("&")[0]
    onward = visit.form.text("next") or visit.query.text("next")
    return visit.page("second_factor.html", status, drawing=drawing, secret=secret, wrong=status != 200, next=onward)


@pages.post("/account/second-factor", needs=Open.HALF)
async def add_second_factor(visit: Visit) -> Response:
    if visit.owes is Awaits.CODE or visit.session is None:
        return visit.go("/sign-in/code")
    outcome = await visit.database.run(_enrol, visit.session, visit.form.text("code"))
    if outcome is None:
        return await _enrolment(visit, 422)
    codes, opened = outcome
    # The codes are kept hashed, so there is no page to go on to that could show them.
    response = visit.page("recovery_codes.html", codes=codes, next=local_path(visit.form.text("next"), "/console/"))
    set_cookie(response, visit.context, SESSION_COOKIE, opened.token)
    return response


def _enrol(db: Session, session: StaffSession, code: str) -> tuple[list[str], sessions.SignedIn] | None:
    """Add the second factor; every session that was opened without it ends, and this browser gets a new one."""
    user = db.get_one(StaffUser, session.user_id)
    codes = second_factor.enrol(db, user, code)
    if codes is None:
        return None
    db.execute(delete(StaffSession).where(StaffSession.user_id == user.id))
    return codes, sessions.complete(db, user, "second factor added")


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
