"""Saved exports: made again and again, at an address that stays."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from bot.exports import saved
from bot.exports.models import Export, SavedExport
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.surveys.models import Survey
from bot.web.api.access import IdempotencyKey
from bot.web.api.exports import ExportIn, ExportOut, Reads, Writes, send, shown
from bot.web.console.visit import found

router = APIRouter(tags=["exports"])


class SavedIn(ExportIn):
    """What to export again and again, and when: names are left to exports that people take by hand."""

    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,62}$", description="Stands in its address.")]
    rhythm: saved.Rhythm = saved.Rhythm.MONTH
    hour: Annotated[int, Field(ge=0, le=23, description="At the office.")] = 6
    keep: Annotated[int, Field(ge=1, le=saved.MOST_KEPT, description="Of so many the files stay.")] = 3


class SavedOut(BaseModel):
    """A saved export."""

    name: str
    form: str
    rhythm: saved.Rhythm
    hour: int  #: at the office
    next_at: datetime | None
    paused: bool
    problem: str | None  #: why it paused by itself


class LatestOut(BaseModel):
    """The newest one that is ready; `files` are by the names that do not change with the form's version."""

    export: ExportOut
    files: Mapping[str, str]


@router.get("/exports/saved")
async def listing(call: Reads) -> list[SavedOut]:
    """List the saved exports."""
    return await call.read(_list)


def _list(db: Session) -> list[SavedOut]:
    return [_said(row) for row in db.scalars(select(SavedExport).order_by(SavedExport.name))]


def _said(row: SavedExport) -> SavedOut:
    plain = {name: getattr(row, name) for name in SavedOut.model_fields if name != "form"}
    return SavedOut(**plain, form=row.form_id)


@router.post("/exports/saved", status_code=201, response_model=SavedOut)
async def create(call: Writes, body: SavedIn, key: IdempotencyKey = None) -> Response:
    """Save an export, and make it for the first time."""
    return await call.once(key, 201, lambda db: _create(db, body, call.user))


def _create(db: Session, body: SavedIn, user: StaffUser) -> SavedOut:
    survey = found(db.get(Survey, body.survey))
    return _said(saved.save(db, body.name, survey, body.options(), body.rhythm, body.hour, body.keep, user))


@router.post("/exports/saved/{name}/pause", response_model=SavedOut)
async def pause(call: Writes, name: str, key: IdempotencyKey = None) -> Response:
    """Let it rest."""
    return await call.once(key, 200, lambda db: _pause(db, name, call.user, True))


@router.post("/exports/saved/{name}/resume", response_model=SavedOut)
async def resume(call: Writes, name: str, key: IdempotencyKey = None) -> Response:
    """Go on from the next time."""
    return await call.once(key, 200, lambda db: _pause(db, name, call.user, False))


def _pause(db: Session, name: str, user: StaffUser, paused: bool) -> SavedOut:
    row = found(saved.find(db, name))
    saved.pause(db, row, user, paused)
    return _said(row)


@router.delete("/exports/saved/{name}", status_code=204)
async def forget(call: Writes, name: str) -> None:
    """Forget it; what it made stays as long as other exports."""
    await call.write(lambda db: saved.delete(db, found(saved.find(db, name)), call.user))


@router.get("/exports/saved/{name}/latest")
async def latest(call: Reads, name: str) -> LatestOut:
    """Show the newest one that is ready."""
    export = await call.read(_latest, name)
    return LatestOut(export=shown(export), files=saved.stable(export))


def _latest(db: Session, name: str) -> Export:
    return found(saved.latest(db, found(saved.find(db, name))))


@router.get("/exports/saved/{name}/latest/files/{file}", response_class=FileResponse)
async def fetch(call: Reads, name: str, file: str) -> Response:
    """Fetch a file of the newest one by its lasting name, such as wide.csv, data.xlsx or manifest.json."""
    export = await call.read(_latest, name)
    return await send(call, export, found(saved.stable(export).get(file)))


@router.post("/exports/saved/{name}/runs", status_code=202, response_model=ExportOut)
async def run(call: Writes, name: str, key: IdempotencyKey = None) -> Response:
    """Have it made now."""
    return await call.once(key, 202, lambda db: _run(db, name, call.user))


def _run(db: Session, name: str, user: StaffUser) -> ExportOut:
    row = found(saved.find(db, name))
    export = saved.run(db, row, user)
    audit.record(db, user, "export.run", "saved_export", row.id, {"export": export.id})
    return shown(export)
