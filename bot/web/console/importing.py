"""Lists of people from offices: look at what would become of every row, then invite each person once; undo."""

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import phonenumbers
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.contacts import importing, sheets
from bot.contacts.importing import REASONS, Standing, Verdict
from bot.contacts.models import ImportBatch, Imported
from bot.contacts.sheets import Sheet, SheetError
from bot.content import Content
from bot.conversations import inviting
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.serving import sentence
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

UPLOAD_LIMIT = 16 * 1024 * 1024
FORMATS = (".csv", ".txt", *sheets.WORKBOOKS)
_SHOWN = 200
_LONGEST_SOURCE = 64


@dataclass(frozen=True, slots=True)
class Look:
    """What would become of a list."""

    filename: str
    digest: str  #: of the very file: what is imported is what was looked at
    sheet: Sheet
    verdicts: Sequence[Verdict]

    @property
    def tally(self) -> list[tuple[int, Standing, str]]:
        """Return how many rows there are of each reason."""
        return [(count, *REASONS[reason]) for reason, count in importing.tally(self.verdicts).items()]

    @property
    def others(self) -> list[tuple[int, Standing, str]]:
        """Return the first rows that stay out."""
        out = [verdict for verdict in self.verdicts if verdict.standing != Standing.IN]
        return [(verdict.line, *REASONS[verdict.reason]) for verdict in out[:_SHOWN]]

    @property
    def people(self) -> int:
        """Return how many would be invited."""
        return sum(verdict.standing == Standing.IN for verdict in self.verdicts)


@pages.get("/members/import", needs=Permission.MEMBERS_EDIT)
async def listing(visit: Visit) -> Response:
    return await _listing(visit)


async def _listing(visit: Visit, look: Look | None = None, problem: str = "") -> Response:
    rows = await visit.database.query(_list)
    status = 422 if problem else 200
    return visit.page("members/import.html", status, rows=rows, look=look, problem=problem, formats=FORMATS)


def _list(db: Session) -> list[tuple[ImportBatch, int, int]]:
    left = select(func.count()).where(Imported.batch_id == ImportBatch.id).scalar_subquery()
    batches = db.execute(select(ImportBatch, left).order_by(ImportBatch.id.desc()).limit(50)).all()
    return [(batch, people, _silent(db, batch)) for batch, people in batches]


def _silent(db: Session, batch: ImportBatch) -> int:
    return db.scalar(select(func.count()).select_from(importing.unanswered(batch).subquery())) or 0


@pages.post("/members/import", needs=Permission.MEMBERS_EDIT, limit=UPLOAD_LIMIT)
async def upload(visit: Visit) -> Response:
    settings = visit.context.settings
    sender = settings.whatsapp_from or settings.whatsapp_messaging_service_sid
    file, source, region = visit.form.file("file"), visit.form.text("source").strip(), visit.form.text("region").upper()
    if importing.CHANNEL not in visit.context.policy.channels:
        raise Refused("import_needs_whatsapp")
    if file is None or not (file.filename or "").lower().endswith(FORMATS):
        raise Refused("no_list")
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise Refused("no_country")
    data, name = await file.read(), (file.filename or "")[-200:]
    try:
        sheet = await asyncio.to_thread(_read, data, name, visit.form.text("column"), visit.form.text("sheet").strip())
    except SheetError as error:
        return await _listing(visit, problem=sentence(error))
    judge = partial(importing.judge, language_of=visit.context.content.keywords.language)
    verdicts = await visit.database.query(judge, sheet.rows, sender, region or None)
    look = Look(name, hashlib.sha256(data).hexdigest(), sheet, verdicts)
    if visit.form.text("seen") != look.digest:
        return await _listing(visit, look)
    if not source or len(source) > _LONGEST_SOURCE:
        raise Refused("no_source")
    try:
        await visit.database.run(_take, visit.context.content, look, sender, source, visit.user)
    except IntegrityError:  # somebody of the list wrote to us this very moment
        return await _listing(visit, look)
    visit.context.nudge()
    return visit.go("/members/import", "imported")


def _read(data: bytes, name: str, column: str, sheet: str) -> Sheet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"list{Path(name).suffix.lower()}"
        path.write_bytes(data)
        return sheets.read(path, {column: "phone"} if column else {}, sheet)


def _take(db: Session, content: Content, look: Look, sender: str, source: str, user: StaffUser) -> None:
    if not inviting.is_approved(db, content):
        raise Refused("invitation_not_approved")
    batch = importing.take(db, look.verdicts, sender, source, str(user.id))
    if batch is None:
        raise Refused("nobody_to_import")
    inviting.invite(db, batch)
    reasons = importing.tally(look.verdicts)
    audit.record(db, user, "contacts.imported", "import_batch", batch.id, {"source": source, **reasons})


@pages.post("/members/import/{id:row}/undo", needs=Permission.MEMBERS_EDIT)
async def undo(visit: Visit) -> Response:
    await visit.database.run(_undo, visit.id, visit.user)
    return visit.go("/members/import", "import_undone")


def _undo(db: Session, batch_id: int, user: StaffUser) -> None:
    removed = inviting.undo(db, found(db.get(ImportBatch, batch_id)))
    audit.record(db, user, "contacts.import_undone", "import_batch", batch_id, {"removed": removed})
