"""Exports: take the answers of a survey as files, and find earlier ones again."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from bot import clock
from bot.exports import ordering, service, weighting, withdrawals
from bot.exports.models import Export
from bot.exports.options import ExportError, Format, Options
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys.models import Survey
from bot.web.console.routes import Pages
from bot.web.console.serving import sentence
from bot.web.console.visit import NotFound, Refused, Visit, found

pages = Pages()

PAGE = 50
#: Kinds of file by the name of what reads them, which is the same in every language.
PROGRAMS = {"xlsx": "Excel", "sav": "SPSS", "dta": "Stata", "parquet": "Parquet", "jsonl": "JSON lines"}


@pages.get("/exports", needs=Permission.EXPORTS_RUN)
async def listing(visit: Visit) -> Response:
    return await _listing(visit)


async def _listing(visit: Visit, problem: str = "") -> Response:
    rows, surveys, names, gone = await visit.database.query(_list)
    return visit.page(
        "exports.html",
        422 if problem else 200,
        problem=problem,
        formats=Options().formats,
        programs=PROGRAMS,
        rows=rows,
        surveys=surveys,
        names=names,
        may_name=withdrawals.may_name,
        gone=gone,
        chosen=str(visit.query.number("survey") or ""),
        now=clock.now(),
    )


def _list(db: Session) -> tuple[list[Export], dict[str, str], dict[str, str], dict[int, int]]:
    rows = list(db.scalars(select(Export).order_by(Export.id.desc()).limit(PAGE)))
    surveys = db.scalars(select(Survey).order_by(Survey.id.desc()))
    labels = {str(survey.id): f"{survey.title or survey.form_id}, {survey.version}" for survey in surveys}
    ids = [int(row.by) for row in rows if row.by.isdecimal()]
    users = db.scalars(select(StaffUser).where(StaffUser.id.in_(ids)))
    gone = {id: len(ids) for id, ids in service.all_withdrawn(db, [row.id for row in rows]).items()}
    return rows, labels, {str(user.id): user.name for user in users}, gone


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
        export = await visit.database.run(_begin, survey_id, options, visit.user)
    except ExportError as error:
        return await _listing(visit, sentence(error))
    response = visit.go("/exports", "exporting")
    response.background = BackgroundTask(ordering.write, visit.context.database, export, visit.context.exports_dir)
    return response


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


def _begin(db: Session, survey_id: int, options: Options, user: StaffUser) -> Export:
    return ordering.order(db, found(db.get(Survey, survey_id)), options, user)


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
    if name not in (export.files or {}) or not path.is_file():
        raise NotFound
    await visit.database.run(ordering.take, export, name, visit.user)
    return FileResponse(path, filename=name, content_disposition_type="attachment")


def _export(db: Session, export_id: int) -> Export:
    return found(db.get(Export, export_id))
