"""Exports: ordered, followed, fetched."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from bot.background import State
from bot.exports import ordering, service, withdrawals
from bot.exports.identified import LIMIT
from bot.exports.models import Export
from bot.exports.options import Format, Options
from bot.staff import audit, tokens
from bot.staff.models import StaffUser
from bot.staff.scopes import Scope
from bot.surveys.models import Disposition, Survey
from bot.web.api.access import Call, IdempotencyKey, needs
from bot.web.api.problems import Refused
from bot.web.api.values import After, Body, Id, Limit, Page, RowId, Word
from bot.web.console.members import REASONS
from bot.web.console.visit import NotFound, found
from bot.web.forms import YEARS

router = APIRouter(tags=["exports"])
Reads = Annotated[Call, needs(Scope.EXPORTS_READ)]
Writes = Annotated[Call, needs(Scope.EXPORTS_WRITE)]
Day = Annotated[date, Field(ge=date(YEARS.start, 1, 1), lt=date(YEARS.stop - 1, 12, 31))]


Words = Annotated[str, Field(max_length=LIMIT)]


class TargetIn(Body):
    """How many people there are of a kind, who says so, and of which day."""

    question: Word
    code: Word
    total: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    source: Words
    as_of: Day

    def target(self) -> tuple[str, str, float, str, str]:
        """Return it as the service takes it."""
        return (self.question, self.code, self.total, self.source, self.as_of.isoformat())


class ExportIn(Body):
    """What to export, and how."""

    survey: RowId
    formats: Annotated[set[Format], Field(min_length=1)] = {Format.CSV, Format.LONG, Format.XLSX}
    all_versions: bool = False
    corrections: bool = False
    csv_labels: bool = False
    groups: bool = False
    timings: bool = False
    leave_out: Annotated[set[Word], Field(max_length=500)] = set()
    identifying: Annotated[set[Word], Field(max_length=50)] = set()
    bands: Annotated[set[Word], Field(max_length=50)] = set()
    mask: bool = False
    since: Day | None = None
    until: Day | None = None
    dispositions: set[Disposition] = set()
    free_text: Annotated[bool, Field(description="With what people wrote: needs exports:identified and `reason`.")] = (
        False
    )
    identified: Annotated[
        bool,
        Field(
            description="With addresses and files of who agreed to sharing: needs exports:identified, `reason` (the "
            "agreement) and `recipient`."
        ),
    ] = False
    reason: Annotated[Words | None, Field(description=f"Of free text one of {', '.join(REASONS)}.")] = None
    recipient: Words = ""
    targets: Annotated[list[TargetIn], Field(max_length=2000, description="Totals to weight to.")] = []

    def options(self) -> Options:
        """Return it as the service takes it."""
        given = self.model_dump(include=ExportIn.model_fields.keys() - {"survey", "reason", "targets"})
        sets = {
            name: frozenset(map(str, given[name]))
            for name in ("formats", "leave_out", "dispositions", "identifying", "bands")
        }
        reason = (self.reason or "") if self.identified else ""
        return Options(**{**given, **sets}, reason=reason, targets=tuple(each.target() for each in self.targets))


class ExportOut(BaseModel):
    """An export; its files are there once it is ready."""

    id: int
    survey: int
    by: str
    options: dict[str, Any]
    state: State
    progress: dict[str, int]  #: format -> respondents written
    problem: str | None  #: why it failed
    respondents: int
    created_at: datetime
    finished_at: datetime | None
    files: dict[str, dict[str, Any]]  #: name -> rows, sha256
    manifest: str | None  #: the name of the file that says how it was made
    sha256: str | None  #: of the manifest
    anonymity: dict[str, Any] | None  #: who is nearly alone with what others know of a person


class Withdrawn(BaseModel):
    """Ids whose lines whoever holds the files must delete, because the people were erased since."""

    respondents: list[str]


@router.get("/exports")
async def listing(call: Reads, after: After = 0, limit: Limit = 50) -> Page[ExportOut]:
    """List the exports, oldest first."""
    return await call.read(_list, after, limit)


def _list(db: Session, after: int, limit: int) -> Page[ExportOut]:
    rows = db.scalars(select(Export).where(Export.id > after).order_by(Export.id).limit(limit + 1))
    return Page[ExportOut].of([(row.id, shown(row)) for row in rows], limit)


def shown(row: Export) -> ExportOut:
    plain = ("id", "by", "options", "state", "respondents", "created_at", "finished_at", "sha256", "anonymity")
    values = {name: getattr(row, name) for name in plain}
    return ExportOut(
        **values,
        survey=row.survey_id,
        files=row.files or {},
        manifest=row.manifest,
        progress=row.progress or {},
        problem=row.trouble or None,
    )


@router.post("/exports", status_code=202, response_model=ExportOut)
async def order(call: Writes, body: ExportIn, key: IdempotencyKey = None) -> Response:
    """Order an export; follow it until `state` is ready, then fetch its files."""
    if body.free_text or body.identified:
        tokens.require_scope(call.token, Scope.EXPORTS_IDENTIFIED)
    if body.free_text and not body.identified and body.reason not in REASONS:
        raise Refused(422, "no-reason", f"Say why as `reason`: one of {', '.join(REASONS)}.")
    return await call.once(key, 202, lambda db: _order(db, body, call.user))


def _order(db: Session, body: ExportIn, user: StaffUser) -> ExportOut:
    export = ordering.order(db, found(db.get(Survey, body.survey)), body.options(), user)
    if body.free_text or body.identified:
        audit.record(db, user, "export.identified", "export", export.id, {"reason": body.reason})
    return shown(export)


@router.get("/exports/{id}")
async def one(call: Reads, id: Id) -> ExportOut:
    """Show how far an export is."""
    return await call.read(lambda db: shown(found(db.get(Export, id))))


@router.post("/exports/{id}/cancel", response_model=ExportOut)
async def cancel(call: Writes, id: Id, key: IdempotencyKey = None) -> Response:
    """Stop an export that is not ready yet."""
    return await call.once(key, 200, lambda db: _cancel(db, id, call.user))


def _cancel(db: Session, export_id: int, user: StaffUser) -> ExportOut:
    export = found(db.get(Export, export_id))
    if not ordering.cancel(db, export, user):
        raise Refused(409, "over", f"The export is {export.state} already: there is nothing to stop.")
    return shown(export)


@router.get("/exports/{id}/files/{name}", response_class=FileResponse)
async def fetch(call: Reads, id: Id, name: str) -> Response:
    """Fetch a file of an export that is ready, or the rest of it with `Range`; its `ETag` is its checksum."""
    return await send(call, await call.read(lambda db: found(db.get(Export, id))), name)


async def send(call: Call, export: Export, name: str) -> Response:
    """Return a file of an export to who may have it, and note that it was taken."""
    if withdrawals.may_name(export):
        tokens.require_scope(call.token, Scope.EXPORTS_IDENTIFIED)
    path = call.context.exports_dir / str(export.id) / name
    if not ordering.holds(export, name) or not path.is_file():
        raise NotFound
    headers = {"ETag": f'"{ordering.checksum(export, name)}"'}
    if call.request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    await call.write(ordering.take, export, name, call.user)
    return FileResponse(path, filename=name, content_disposition_type="attachment", headers=headers)


@router.get("/exports/{id}/withdrawn")
async def withdrawn(call: Reads, id: Id) -> Withdrawn:
    """List whose lines must be deleted from the files, because the people were erased since."""
    return await call.write(_withdrawn, id, call.user)


def _withdrawn(db: Session, export_id: int, user: StaffUser) -> Withdrawn:
    export = found(db.get(Export, export_id))
    gone = Withdrawn(respondents=service.withdrawn(db, export))
    audit.record(db, user, "export.downloaded", "export", export.id, {"file": withdrawals.NAME})
    return gone
