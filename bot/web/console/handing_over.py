"""Lists of interested members for an authority: identified, so each with its reason and its entry in the trail."""

from starlette.responses import Response

from bot.exports import lead_lists
from bot.opportunities import handover
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit

pages = Pages()

_SHOWN = 50


@pages.get("/handover", needs=Permission.EXPORTS_IDENTIFIED)
async def page(visit: Visit) -> Response:
    pending, history = await visit.database.query(lambda db: (handover.pending(db), handover.history(db, _SHOWN)))
    return visit.page("opportunities/handover.html", pending=pending, history=history, limit=handover.REASON_LIMIT)


@pages.post("/handover", needs=Permission.EXPORTS_IDENTIFIED)
async def download(visit: Visit) -> Response:
    """Make a list and give it at once: no file with names stays here."""
    authority, reason = visit.form.text("authority"), visit.form.text("reason")
    if not 0 < len(reason) <= handover.REASON_LIMIT:
        raise Refused("no_handover_reason")
    made = await visit.database.run(handover.make, authority, visit.user, reason)
    as_sheet = visit.form.text("format") == "xlsx"
    name = f"leads-{made.handover.id}.{'xlsx' if as_sheet else 'csv'}"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" if as_sheet else "text/csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lead_lists.as_xlsx(made) if as_sheet else lead_lists.as_csv(made), media_type=kind, headers=headers)
