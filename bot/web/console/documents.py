"""Documents that go with a session: PDFs that its members can have in the chat."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.events import materials
from bot.events.models import Event
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

#: Bytes of a form with the largest file.
FORM_LIMIT = materials.LARGEST + 1024**2


@pages.post("/sessions/{id:row}/documents", needs=Permission.SESSIONS_MANAGE, limit=FORM_LIMIT)
async def upload(visit: Visit) -> Response:
    file = visit.form.file("file")
    if file is None:
        raise Refused("no_document")
    await visit.database.run(_add, visit.id, file.filename or "", await file.read(), visit.user)
    return visit.go(f"/sessions/{visit.id}", "document_added")


def _add(db: Session, event_id: int, name: str, data: bytes, user: StaffUser) -> None:
    row = materials.add(db, found(db.get(Event, event_id)), name, data)
    audit.record(db, user, "session.document_added", "event", event_id, {"document": row.id})


@pages.post("/sessions/{id:row}/documents/remove", needs=Permission.SESSIONS_MANAGE)
async def remove(visit: Visit) -> Response:
    await visit.database.run(_remove, visit.id, visit.form.number("document") or 0, visit.user)
    return visit.go(f"/sessions/{visit.id}", "document_removed")


def _remove(db: Session, event_id: int, document: int, user: StaffUser) -> None:
    db.delete(found(materials.find(db, found(db.get(Event, event_id)), document)))
    audit.record(db, user, "session.document_removed", "event", event_id, {"document": document})


@pages.get("/sessions/{id:row}/documents", needs=Permission.REPORTS_VIEW)
async def save(visit: Visit) -> Response:
    """Give a document to keep; the page itself shows none."""
    data = await visit.database.query(_data, visit.id, visit.query.number("document") or 0)
    headers = {"Content-Disposition": 'attachment; filename="document.pdf"'}
    return Response(data, media_type="application/pdf", headers=headers)


def _data(db: Session, event_id: int, document: int) -> bytes:
    return found(materials.find(db, found(db.get(Event, event_id)), document)).data
