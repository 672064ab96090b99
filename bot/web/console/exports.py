"""Exports: take the answers of a survey as files, see how far they are, and find earlier ones again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from bot.background import OPEN
from bot.exports import ordering, service, weighting, withdrawals
from bot.exports.models import Export
from bot.exports.options import ExportError, Format, Options
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys.models import Survey
from bot.web.console import live
from bot.web.console.routes import Pages
from bot.web.console.serving import sentence
from bot.web.console.visit import NotFound, Refused, Visit, found

pages = Pages()

PAGE = 50
#: Kinds of file by the name of what reads them, which is the same in every language.
PROGRAMS = {
    "xlsx": "Excel",
    "sav": "SPSS",
    "dta": "Stata",
    "parquet": "Parquet",
    "jsonl": "JSON lines",
    "xml": "ODK (XML)",
    "floip": "FLOIP",
}


@pages.get("/exports", needs=Permission.EXPORTS_RUN)
async def listing(visit: Visit) -> Response:
    return await _listing(visit)


async def _listing(visit: Visit, problem: str = "") -> Response:
    taken = await visit.database.query(_list)
    return visit.page(
        "exports.html",
        422 if problem else 200,
        problem=problem,
        formats=Options().formats,
        chosen=str(visit.query.number("survey") or ""),
        **_values(visit, taken),
    )


@dataclass(frozen=True)
class _Taken:
    """The exports so far."""

    rows: list[Export]
    surveys: dict[str, str]  #: id to its name
    names: dict[str, str]  #: of staff, by id
    gone: dict[int, int]  #: export to how many of its people are


def _values(visit: Visit, taken: _Taken) -> dict[str, Any]:
    """Return what the table of exports is drawn from."""
    return {
        "rows": taken.rows,
        "surveys": taken.surveys,
        "names": taken.names,
        "gone": taken.gone,
        "programs": PROGRAMS,
        "may_name": withdrawals.may_name,
        "keep": timedelta(visit.context.settings.export_days),
        "going_on": any(row.state in OPEN for row in taken.rows),
    }


@pages.get("/exports/progress", needs=Permission.EXPORTS_RUN)
async def progress(visit: Visit) -> Response:
    return Response(await _drawn(visit), media_type="text/html")


@pages.get("/exports/progress/stream", needs=Permission.EXPORTS_RUN)
async def stream(visit: Visit) -> Response:
    return await live.streamed(visit, _drawn)


async def _drawn(visit: Visit) -> str:
    taken = await visit.database.query(_list)
    return visit.reader.render("console/_exports.html", visit=visit, **_values(visit, taken))


def _list(db: Session) -> _Taken:
    rows = list(db.scalars(select(Export).order_by(Export.id.desc()).limit(PAGE)))
    surveys = db.scalars(select(Survey).order_by(Survey.id.desc()))
    labels = {str(survey.id): f"{survey.title or survey.form_id}, {survey.version}" for survey in surveys}
    ids = [int(row.by) for row in rows if row.by.isdecimal()]
    users = db.scalars(select(StaffUser).where(StaffUser.id.in_(ids)))
    gone = {id: len(ids) for id, ids in service.all_withdrawn(db, [row.id for row in rows]).items()}
    return _Taken(rows, labels, {str(user.id): user.name for user in users}, gone)


@pages.post("/exports", needs=Permission.EXPORTS_RUN)
async def run(visit: Visit) -> Response:
    survey_id = visit.form.number("survey")
    if survey_id is None:
        raise Refused("no_survey")
    formats = frozenset(visit.form.texts("formats")) & set(Format)
    if not formats:
        raise Refused("no_format")
    try:
        options = _options(visit, formats)
        await visit.database.run(_ask, survey_id, options, visit.user)
    except ExportError as error:
        return await _listing(visit, sentence(error))
    return visit.go("/exports", "exporting")


def _options(visit: Visit, formats: frozenset[str]) -> Options:
    return Options(
        formats=formats,
        all_versions=bool(visit.form.text("all_versions")),
        corrections=bool(visit.form.text("corrections")),
        timings=bool(visit.form.text("timings")),
        csv_labels=bool(visit.form.text("csv_labels")),
        groups=bool(visit.form.text("groups")),
        free_text=bool(visit.form.text("free_text")),
        identified=bool(visit.form.text("identified")),
        reason=visit.form.text("reason"),
        recipient=visit.form.text("recipient"),
        targets=weighting.read(targets) if (targets := visit.form.text("targets")) else (),
        mask=bool(visit.form.text("mask")),
        language=visit.form.text("language") or None,
        leave_out=_names(visit, "leave_out"),
        identifying=_names(visit, "identifying"),
        bands=_names(visit, "bands"),
    )


def _names(visit: Visit, field: str) -> frozenset[str]:
    return frozenset(visit.form.text(field).replace(",", " ").split())


def _ask(db: Session, survey_id: int, options: Options, user: StaffUser) -> None:
    ordering.order(db, found(db.get(Survey, survey_id)), options, user)


@pages.post("/exports/{id:row}/cancel", needs=Permission.EXPORTS_RUN)
async def cancel(visit: Visit) -> Response:
    if not await visit.database.run(_cancel, visit.id, visit.user):
        raise Refused("export_over")
    return visit.go("/exports", "export_cancelled")


def _cancel(db: Session, export_id: int, user: StaffUser) -> bool:
    return ordering.cancel(db, _export(db, export_id), user)


@pages.get("/exports/{id:row}/withdrawn", needs=Permission.EXPORTS_RUN)
async def withdrawn(visit: Visit) -> Response:
    """Give the lines that whoever holds the files must delete, as they are now."""
    ids = await visit.database.run(_withdrawn, visit.id, visit.user)
    name = f"export-{visit.id}-{withdrawals.NAME}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(withdrawals.as_csv(ids), media_type="text/csv", headers=headers)


def _withdrawn(db: Session, export_id: int, user: StaffUser) -> list[str]:
    export = _export(db, export_id)
    audit.record(db, user, "export.downloaded", "export", export.id, {"file": withdrawals.NAME})
    return service.withdrawn(db, export)


@pages.get("/exports/{id:row}/{name}", needs=Permission.EXPORTS_RUN)
async def download(visit: Visit) -> Response:
    name = str(visit.request.path_params["name"])
    export = await visit.database.query(_export, visit.id)
    path = visit.context.exports_dir / str(visit.id) / name
    if not ordering.holds(export, name) or not path.is_file():
        raise NotFound
    await visit.database.run(ordering.take, export, name, visit.user)
    return FileResponse(path, filename=name, content_disposition_type="attachment")


def _export(db: Session, export_id: int) -> Export:
    return found(db.get(Export, export_id))
