"""Files that a provider fetches from us: at an address that is signed and expires."""

import asyncio
import hmac
import mimetypes
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import clock
from bot.messaging import made

#: A message may wait four hours at the provider before it fetches the file.
LIFETIME = timedelta(hours=6)
#: The same of an example that goes with a template: reviewers take days.
REVIEW = timedelta(days=30)


def base(public_url: str) -> str:
    """Return what all these addresses begin with; nothing when nobody can reach us."""
    return f"{public_url}/media/" if public_url else ""


def address(secret: bytes, public_url: str, reference: str, lifetime: timedelta = LIFETIME) -> str:
    """Return the address at which a file below the media folder can be fetched for a while."""
    expires = int((clock.now() + lifetime).timestamp())
    return f"{base(public_url)}{expires}/{_signature(secret, expires, reference)}/{quote(reference)}"


def routes(secret: bytes, folder: Path, make: Callable[[str], Awaitable[bytes | None]]) -> list[Route]:
    """Return GET /media/{expires}/{signature}/{reference}; `make` makes the files that lie nowhere."""

    async def fetch(request: Request) -> Response:
        expires, reference = request.path_params["expires"], request.path_params["reference"]
        given, wanted = request.path_params["signature"], _signature(secret, expires, reference)
        if not hmac.compare_digest(given.encode(), wanted.encode()) or expires < clock.now().timestamp():
            return PlainTextResponse("Not found", 404)
        # The provider compares the type with what the file is.
        kind = mimetypes.guess_type(reference)[0] or "application/octet-stream"
        headers = {"X-Content-Type-Options": "nosniff"}
        path = None
        if made.is_lasting(reference) or not made.is_made(reference):
            path = await asyncio.to_thread(_inside, folder, reference)
        found: Response | None = FileResponse(path, media_type=kind, headers=headers) if path else None
        if found is None and made.is_made(reference):
            content = await make(reference)
            found = None if content is None else Response(content, media_type=kind, headers=headers)
        return found or PlainTextResponse("Not found", 404)

    return [Route("/media/{expires:int}/{signature}/{reference:path}", fetch)]


def _inside(folder: Path, reference: str) -> Path | None:
    """Return the file below the folder, if there is one."""
    path = folder / reference
    return path if path.resolve().is_relative_to(folder.resolve()) and path.is_file() else None


def _signature(secret: bytes, expires: int, reference: str) -> str:
    return hmac.digest(secret, f"media\n{expires}\n{reference}".encode(), "sha256").hex()
