"""Reports: order the mapping report of a survey, look at it, and take it home."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from bot.content import ContentError
from bot.reports import plan, service
from bot.reports.models import MadeReport
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.surveys.models import Survey
from bot.web.console.routes import Pages
from bot.web.console.visit import NotFound, Refused, Visit, found

pages = Pages()

PAGE = 50
ALL = "all"
#: A report is a whole page of its own, with its style, letters and pictures inside; still nothing from elsewhere.
ITS_OWN = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-same-origin"
)


@pages.get("/reports", needs=Permission.REPORTS_VIEW)
async def listing(visit: Visit) -> Response:
    messages = visit.context.settings.messages
    rows, titles, names = await visit.database.query(_list)
    forms = {form: titles[form] for form in plan.forms(messages) if form in titles}
    planned = {code: visit.reader.country(code) for form in forms for code in plan.load(messages, form).countries}
    return visit.page("reports.html", rows=rows, forms=forms, names=names, countries=planned, all=ALL)


def _list(db: Session) -> tuple[list[tuple[MadeReport, str]], dict[str, str], dict[str, str]]:
    published = db.scalars(select(Survey).where(Survey.published_at.is_not(None)).order_by(Survey.published_at))
    surveys = {survey.id: survey for survey in published}
    rows = [(row, surveys[row.survey_id].title or surveys[row.survey_id].form_id) for row in service.made(db, PAGE)]
    ids = {int(row.by) for row, _ in rows if row.by.isdecimal()}
    users = db.scalars(select(StaffUser).where(StaffUser.id.in_(ids)))
    titles = {survey.form_id: survey.title or survey.form_id for survey in surveys.values()}
    return rows, titles, {str(user.id): user.name for user in users}


@pages.post("/reports", needs=Permission.REPORTS_VIEW)
async def order(visit: Visit) -> Response:
    chosen = visit.form.text("country")
    country = None if chosen == ALL else chosen
    try:
        await visit.database.run(_order, visit, visit.form.text("form"), country, visit.form.text("language"))
    except ContentError:
        raise Refused("no_report") from None
    return visit.go("/reports", "drawing")


def _order(db: Session, visit: Visit, form: str, country: str | None, language: str) -> None:
    row = service.order(db, visit.context.settings.messages, form, country, language, str(visit.user.id))
    details = {"survey": row.survey_id, "country": country, "language": language}
    audit.record(db, visit.user, "report.made", "report", row.id, details)


@pages.get("/reports/{id:row}/{kind}", needs=Permission.REPORTS_VIEW)
async def show(visit: Visit) -> Response:
    """Show the page, and give the other files to be saved."""
    row = found(await visit.database.query(lambda db: db.get(MadeReport, visit.id)))
    kind = str(visit.request.path_params["kind"])
    name = (row.files or {}).get(kind)
    path = visit.context.settings.data_dir / "reports" / str(row.id) / (name or "")
    if name is None or not path.is_file():
        raise NotFound
    if kind == service.PAGE and not visit.query.text("save"):
        return FileResponse(path, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": ITS_OWN})
    await visit.database.run(_note_download, row.id, name, visit.user)
    return FileResponse(path, filename=name, content_disposition_type="attachment")


def _note_download(db: Session, report_id: int, name: str, user: StaffUser) -> None:
    audit.record(db, user, "report.downloaded", "report", report_id, {"file": name})
