"""The picture or PDF of a broadcast: taken with its form, and shown to who reads it before it leaves."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import filetypes
from bot.broadcasts import attachments, checks
from bot.broadcasts.attachments import NotAttachable
from bot.broadcasts.models import Attachment
from bot.content.languages import LANGUAGES
from bot.messaging.outbox import Message
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found

pages = Pages()

#: Bytes of a form with texts and two of the largest files.
FORM_LIMIT = 2 * attachments.LARGEST + 1024**2


async def read(visit: Visit) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the files by language - new ones, and those that were there and stay - and the codes of what is wrong."""
    files: dict[str, Any] = {}
    errors: list[str] = []
    for code in LANGUAGES:
        new = visit.form.file(f"file_{code}")
        kept = visit.form.text(f"kept_{code}")
        if new is not None:
            try:
                files[code] = await visit.database.run(attachments.store, await new.read(), new.filename or "")
            except NotAttachable as reason:
                errors.append(str(reason))
        elif kept and not visit.form.text(f"drop_{code}"):
            name = visit.form.text(f"kept_name_{code}")
            files[code] = await visit.database.query(attachments.again, kept, name)
    return {code: file for code, file in files.items() if file}, tuple(dict.fromkeys(errors))


@pages.get("/attachments/{name}", needs=Permission.BROADCAST_VIEW)
async def show(visit: Visit) -> Response:
    """Show a picture that staff uploaded and that was checked by content; a PDF is saved."""
    row, data = await visit.database.query(_find, str(visit.request.path_params["name"]))
    name = f"attachment{filetypes.EXTENSIONS[row.content_type]}"
    place = "inline" if row.content_type.startswith("image/") else "attachment"
    return Response(data, media_type=row.content_type, headers={"Content-Disposition": f'{place}; filename="{name}"'})


def _find(db: Session, sha256: str) -> tuple[Attachment, bytes]:
    row = found(db.get(Attachment, sha256))
    return row, row.data


def bubbles(message: Message, channel: str) -> tuple[bool, bool]:
    """Return whether a file comes, and whether the text stands under it instead of in a message of its own."""
    return message.media is not None, message.media is not None and checks.is_caption(message, channel)
