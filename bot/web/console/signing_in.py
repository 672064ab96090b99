"""Signing in and out, and the one-time link by which a new colleague sets a password."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from bot.settings import Settings
from bot.staff import passwords, service, sessions
from bot.staff.models import Awaits, Role
from bot.staff.sessions import SignedIn
from bot.web.console.routes import Open, Pages
from bot.web.console.serving import GATES, SESSION_COOKIE, sentence, set_cookie
from bot.web.console.visit import Visit
from bot.web.security import local_path

pages = Pages()


@pages.get("/sign-in", needs=Open.ANYONE)
async def sign_in_form(visit: Visit) -> Response:
    if visit.session and not visit.owes:
        return visit.go("/")
    return _form(visit)


def _form(visit: Visit, status: int = 200, denied: object = None) -> Response:
    onward = visit.form.text("next") or visit.query.text("next")
    provider = visit.context.settings.oidc_issuer
    email = visit.form.text("email")
    return visit.page("sign_in.html", status, denied=denied, email=email, next=onward, provider=provider)


@pages.post("/sign-in", needs=Open.ANYONE)
async def sign_in(visit: Visit) -> Response:
    email, password = visit.form.text("email"), visit.form.text("password")
    outcome = await visit.database.run(sessions.sign_in, email, password, demanding(visit.context.settings))
    if not isinstance(outcome, SignedIn):
        return _form(visit, 401, outcome)
    return enter(visit, outcome, visit.form.text("next"))


def demanding(settings: Settings) -> frozenset[Role]:
    """Return the roles that must have a second factor."""
    named = {name.strip() for name in settings.second_factor_roles.split(",")}
    return frozenset(role for role in Role if role in named)


def enter(visit: Visit, opened: SignedIn, onward: str) -> Response:
    """Give the browser its session, and lead it on, through the second factor where one is owed."""
    target = local_path(onward, "/console/")
    owes = opened.session.awaits
    response = visit.go(f"{GATES[owes]}?next={quote(target)}" if owes else target.removeprefix("/console"))
    set_cookie(response, visit.context, SESSION_COOKIE, opened.token)
    return response


@pages.get("/sign-in/code", needs=Open.HALF)
async def code_form(visit: Visit) -> Response:
    return _code_form(visit)


def _code_form(visit: Visit, status: int = 200, denied: object = None) -> Response:
    if visit.owes is not Awaits.CODE:
        return RedirectResponse("/console/", 303)
    onward = visit.form.text("next") or visit.query.text("next")
    return visit.page("code.html", status, denied=denied, next=onward)


@pages.post("/sign-in/code", needs=Open.HALF)
async def code(visit: Visit) -> Response:
    if visit.session is None or visit.owes is not Awaits.CODE:
        return visit.go("/")
    outcome = await visit.database.run(sessions.confirm, visit.session, visit.form.text("code"))
    if not isinstance(outcome, SignedIn):
        return _code_form(visit, 401, outcome)
    return enter(visit, outcome, visit.form.text("next"))


@pages.post("/sign-out", needs=Open.HALF)
async def sign_out(visit: Visit) -> Response:
    if visit.session:
        await visit.database.run(sessions.sign_out, visit.session)
    response = visit.go("/sign-in", "signed-out")
    response.delete_cookie(SESSION_COOKIE, path="/console")
    return response


@pages.get("/welcome/{link}", needs=Open.ANYONE)
async def welcome(visit: Visit) -> Response:
    return await _welcome(visit)


@pages.post("/welcome/{link}", needs=Open.ANYONE)
async def set_password(visit: Visit) -> Response:
    try:
        user = await visit.database.run(service.accept_link, _link(visit), visit.form.text("password"))
    except passwords.TooShort as problem:
        return await _welcome(visit, 422, sentence(problem))
    return visit.go("/sign-in", "password-set") if user else await _welcome(visit)


async def _welcome(visit: Visit, status: int = 200, error: str = "") -> Response:
    user = await visit.database.query(service.user_of_link, _link(visit))
    return visit.page("welcome.html", status if user else 404, user=user, error=error, least=passwords.MIN_LENGTH)


def _link(visit: Visit) -> str:
    return str(visit.request.path_params["link"])
