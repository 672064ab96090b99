"""Files that a provider fetches from us: at an address that is signed and expires."""

import hmac
import mimetypes
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import clock

#: A message may wait four hours at the provider before it fetches the file.
LIFETIME = timedelta(hours=6)


def address(secret: bytes, public_url: str, reference: str) -> str:
    """Return the address at which a file below the media folder can be fetched for a while."""
    expires = int((clock.now() + LIFETIME).timestamp())
    return f"{public_url}/media/{expires}/{_signature(secret, expires, reference)}/{quote(reference)}"


def routes(secret: bytes, folder: Path) -> list[Route]:
    """Return GET /media/{expires}/{signature}/{reference}."""

    def fetch(request: Request) -> Response:
        expires, reference = request.path_params["expires"], request.path_params["reference"]
        given = request.path_params["signature"]
        if not hmac.compare_digest(given.encode(), _signature(secret, expires, reference).encode()):
            return PlainTextResponse("Not found", 404)
        path = folder / reference
        if expires < clock.now().timestamp() or not path.resolve().is_relative_to(folder.resolve()):
            return PlainTextResponse("Not found", 404)
        if not path.is_file():
            return PlainTextResponse("Not found", 404)
        # The provider compares the type with what the file is.
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return FileResponse(path, media_type=kind, headers={"X-Content-Type-Options": "nosniff"})

    return [Route("/media/{expires:int}/{signature}/{reference:path}", fetch)]


def _signature(secret: bytes, expires: int, reference: str) -> str:
    return hmac.digest(secret, f"media\n{expires}\n{reference}".encode(), "sha256").hex()
