"""Which language a page speaks: as the person chose, else as the browser asks."""

from starlette.requests import Request

from bot.content.console import CONSOLE_LANGUAGES
from bot.content.languages import SOURCE
from bot.staff.models import StaffSession
from bot.web.console.context import ConsoleContext
from bot.web.console.rendering import Reader

LANGUAGE_COOKIE = "outreach_language"


def reader_of(context: ConsoleContext, request: Request, session: StaffSession | None = None) -> Reader:
    """Return the reader for whoever makes this request."""
    chosen = (session.user.language if session else None) or request.cookies.get(LANGUAGE_COOKIE)
    asked = request.headers.get("accept-language", "")
    return context.reader(chosen if chosen in CONSOLE_LANGUAGES else preferred(asked))


def preferred(accept: str) -> str:
    """Return the console's language that an Accept-Language header likes best."""
    liked: list[tuple[float, str]] = []
    for part in accept[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            liked.append((float(weight or 1), tag[:2].lower()))
        except ValueError:
            continue
    best = sorted((one for one in liked if one[0] > 0), key=lambda one: -one[0])
    return next((code for _, code in best if code in CONSOLE_LANGUAGES), SOURCE)
