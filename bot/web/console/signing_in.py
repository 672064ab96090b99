"""Signing in and out, and the one-time link by which a new colleague sets a password."""

from starlette.responses import Response

from bot.staff import passwords, service, sessions
from bot.staff.sessions import SignedIn
from bot.web.console.routes import Open, Pages
from bot.web.console.serving import SESSION_COOKIE, sentence, set_cookie
from bot.web.console.visit import Visit
from bot.web.security import local_path

pages = Pages()


@pages.get("/sign-in", needs=Open.ANYONE)
async def sign_in_form(visit: Visit) -> Response:
    if visit.session:
        return visit.go("/")
    return visit.page("sign_in.html", denied=None, email="", next=visit.query.text("next"))


@pages.post("/sign-in", needs=Open.ANYONE)
async def sign_in(visit: Visit) -> Response:
    email, onward = visit.form.text("email"), visit.form.text("next")
    outcome = await visit.database.run(sessions.sign_in, email, visit.form.text("password"))
    if not isinstance(outcome, SignedIn):
        return visit.page("sign_in.html", 401, denied=outcome, email=email, next=onward)
    response = visit.go(local_path(onward, "/console/").removeprefix("/console"))
    set_cookie(response, visit.context, SESSION_COOKIE, outcome.token)
    return response


@pages.post("/sign-out", needs=Open.STAFF)
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
