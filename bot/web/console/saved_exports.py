"""Saved exports: made again and again by themselves, at an address that stays; seen, made now, paused and forgotten."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.exports import saved
from bot.exports.models import Export, SavedExport
from bot.exports.options import ExportError, Format, Options
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys.models import Survey
from bot.web.console.exports import PROGRAMS
from bot.web.console.routes import Pages
from bot.web.console.serving import sentence
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@dataclass(frozen=True)
class _Kept:
    """One saved export, with what it last made."""

    row: SavedExport
    latest: Export | None
    addresses: list[str]  #: of its files, for programs


@pages.get("/exports/saved", needs=Permission.EXPORTS_RUN)
async def listing(visit: Visit) -> Response:
    return await _listing(visit)


async def _listing(visit: Visit, problem: str = "") -> Response:
    base = visit.context.settings.public_url or visit.context.settings.local_url
    kept, surveys = await visit.database.query(_list, f"{base}/api/exports/saved")
    return visit.page(
        "saved_exports.html",
        422 if problem else 200,
        problem=problem,
        kept=kept,
        surveys=surveys,
        programs=PROGRAMS,
        formats=sorted(visit.form.texts("formats")) or [Format.CSV],
        rhythms=[rhythm.value for rhythm in saved.Rhythm],
        most=saved.MOST_KEPT,
    )


def _list(db: Session, base: str) -> tuple[list[_Kept], dict[str, str]]:
    kept = []
    for row in db.scalars(select(SavedExport).order_by(SavedExport.name)):
        latest = saved.latest(db, row)
        files = saved.stable(latest) if latest else ()
        kept.append(_Kept(row, latest, [f"{base}/{row.name}/latest/files/{name}" for name in files]))
    surveys = db.scalars(select(Survey).order_by(Survey.id.desc()))
    return kept, {str(survey.id): f"{survey.title or survey.form_id}, {survey.version}" for survey in surveys}


@pages.post("/exports/saved", needs=Permission.EXPORTS_RUN)
async def save(visit: Visit) -> Response:
    form = visit.form
    formats = frozenset(form.texts("formats")) & set(Format)
    if not formats:
        raise Refused("no_format")
    options = Options(
        formats=formats,
        all_versions=bool(form.text("all_versions")),
        csv_labels=bool(form.text("csv_labels")),
        mask=bool(form.text("mask")),
        language=form.text("language") or None,
        leave_out=frozenset(form.text("leave_out").replace(",", " ").split()),
    )
    survey_id, rhythm = form.number("survey"), form.text("rhythm")
    hour, keep = form.number("hour"), form.number("keep")
    if survey_id is None or rhythm not in set(saved.Rhythm):
        raise Refused("no_survey")

    def store(db: Session) -> None:
        survey = found(db.get(Survey, survey_id))
        when = saved.Rhythm(rhythm), -1 if hour is None else hour, keep or 0
        saved.save(db, form.text("name").strip(), survey, options, *when, visit.user)

    try:
        await visit.database.run(store)
    except ExportError as error:
        return await _listing(visit, sentence(error))
    return visit.go("/exports/saved", "export_saved")


@pages.post("/exports/saved/{id:row}/run", needs=Permission.EXPORTS_RUN)
async def run(visit: Visit) -> Response:
    return await _change(visit, _run, "exporting")


def _run(db: Session, row: SavedExport, user: StaffUser) -> None:
    export = saved.run(db, row, user)
    audit.record(db, user, "export.run", "saved_export", row.id, {"export": export.id})


@pages.post("/exports/saved/{id:row}/pause", needs=Permission.EXPORTS_RUN)
async def pause(visit: Visit) -> Response:
    return await _change(visit, lambda db, row, user: saved.pause(db, row, user, True), "export_paused")


@pages.post("/exports/saved/{id:row}/resume", needs=Permission.EXPORTS_RUN)
async def resume(visit: Visit) -> Response:
    return await _change(visit, lambda db, row, user: saved.pause(db, row, user, False), "export_resumed")


@pages.post("/exports/saved/{id:row}/delete", needs=Permission.EXPORTS_RUN)
async def delete(visit: Visit) -> Response:
    return await _change(visit, saved.delete, "export_forgotten")


async def _change(visit: Visit, what: Callable[[Session, SavedExport, StaffUser], None], done: str) -> Response:
    def change(db: Session) -> None:
        what(db, found(db.get(SavedExport, visit.id)), visit.user)

    try:
        await visit.database.run(change)
    except ExportError as error:
        return await _listing(visit, sentence(error))
    return visit.go("/exports/saved", done)
