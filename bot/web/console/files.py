"""Files that members sent: saved by staff, never shown in the page. Whoever takes one leaves an entry in the trail."""

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.conversations.models import Ticket, TicketMessage
from bot.messaging import received
from bot.messaging.models import FileStatus, ReceivedFile
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.members import may_look
from bot.web.console.routes import Pages
from bot.web.console.visit import NotFound, Visit, found

pages = Pages()


@pages.get("/members/files/{id:row}", needs=Permission.MEMBERS_IDENTITY)
async def of_member(visit: Visit) -> Response:
    """Save a file, for the reason that was given to look at its sender's texts."""
    return _saved(*await visit.database.run(_take, visit.id, visit.user, visit.query.number("look") or 0))


def _take(db: Session, file_id: int, user: StaffUser, look: int) -> tuple[ReceivedFile, bytes]:
    file = found(db.get(ReceivedFile, file_id))
    if not may_look(db, look, file.contact_id, user):
        raise NotFound
    return _read(db, file, user)


@pages.get("/inbox/files/{id:row}", needs=Permission.INBOX_REPLY)
async def of_ticket(visit: Visit) -> Response:
    """Save a file that came with a question or a report to staff."""
    return _saved(*await visit.database.run(_take_of_ticket, visit.id, visit.user))


def _take_of_ticket(db: Session, file_id: int, user: StaffUser) -> tuple[ReceivedFile, bytes]:
    file = found(db.get(ReceivedFile, file_id))
    rows = (select(one.id).where(one.inbox_id == file.inbox_id) for one in (Ticket, TicketMessage))
    found(db.execute(union_all(*rows)).first())
    return _read(db, file, user)


def _read(db: Session, file: ReceivedFile, user: StaffUser) -> tuple[ReceivedFile, bytes]:
    found(file if file.status == FileStatus.KEPT else None)
    audit.record(db, user, "file.downloaded", "received_file", file.id, {"contact": file.contact_id})
    return file, b"".join(received.content(db, file))


def _saved(file: ReceivedFile, content: bytes) -> Response:
    """Answer with a file that no browser opens: it may be anything that its sender made."""
    headers = {"Content-Disposition": f'attachment; filename="{received.download_name(file)}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)
