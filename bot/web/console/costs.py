"""What it costs to send money: figures that staff keep, by hand or as a CSV."""

from starlette.datastructures import UploadFile
from starlette.responses import Response

from bot.opportunities import costs, costs_sheet
from bot.opportunities.models import COUNTRIES, TransferCost
from bot.opportunities.service import today
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@pages.get("/costs", needs=Permission.REPORTS_VIEW)
async def page(visit: Visit) -> Response:
    rows = await visit.database.query(costs.rows)
    gone = today() - costs.TOO_OLD
    return visit.page(
        "opportunities/costs.html", rows=rows, costs=costs, gone=gone, countries=COUNTRIES, columns=costs_sheet.COLUMNS
    )


@pages.post("/costs", needs=Permission.OPPORTUNITIES_MANAGE)
async def add(visit: Visit) -> Response:
    figure = costs_sheet.figure_of({name: visit.form.text(name) for name in costs_sheet.COLUMNS})
    await visit.database.run(costs.record, visit.user, [figure])
    return visit.go("/costs", "changed")


@pages.post("/costs/upload", needs=Permission.OPPORTUNITIES_MANAGE)
async def upload(visit: Visit) -> Response:
    file: UploadFile | None = visit.form.file("file")
    if file is None:
        raise Refused("no_csv")
    await visit.database.run(costs.record, visit.user, costs_sheet.read(await file.read()))
    return visit.go("/costs", "changed")


@pages.post("/costs/{id:row}/remove", needs=Permission.OPPORTUNITIES_MANAGE)
async def remove(visit: Visit) -> Response:
    await visit.database.run(lambda db: costs.remove(db, visit.user, found(db.get(TransferCost, visit.id))))
    return visit.go("/costs", "changed")
