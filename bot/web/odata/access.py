"""Who reads a feed: a token as Bearer, or as the password of any user, since Power BI and Excel ask for one."""

from base64 import b64decode

from starlette.requests import Request

from bot.staff import tokens
from bot.staff.models import ApiToken
from bot.staff.scopes import Scope
from bot.web.console.context import ConsoleContext
from bot.web.odata.problems import Refused, unknown


async def enter(request: Request, context: ConsoleContext) -> ApiToken:
    """Let a reader in whose token counts, is for feeds, and has not called too often."""
    secret = _secret(request.headers.get("authorization", ""))
    if not secret:
        raise unknown("Sign in with any user name, and a token of the console's page “API tokens” as password")
    found = await context.database.run(tokens.use, secret, context.settings.api_rate)
    if isinstance(found, tokens.Refused):
        if found.again is None:
            raise unknown("This token is unknown, revoked or too old: have a new one granted in the console")
        wait = {"Retry-After": str(found.again)}
        raise Refused(f"Too many calls in this minute: go on in {found.again} seconds", 429, wait)
    tokens.require_scope(found, Scope.FEEDS)
    return found


def _secret(authorization: str) -> str:
    """Return the token of the header, "" where there is none."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(rest, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
