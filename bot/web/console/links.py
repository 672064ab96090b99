"""Join links: made by staff, with a poster to print; how many members each one brought, small numbers hidden."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.contacts import links
from bot.contacts.links import LinkError, Origin
from bot.contacts.models import JoinLink, LinkKind
from bot.conversations import posters
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.serving import sentence
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@pages.get("/members/links", needs=Permission.MEMBERS_VIEW)
async def listing(visit: Visit) -> Response:
    return await _listing(visit)


async def _listing(visit: Visit, problem: str = "") -> Response:
    rows: list[Origin] = await visit.database.run(links.origins, visit.context.settings.publish_least)
    addresses = {row.link.code: visit.context.settings.join_addresses(row.link.code) for row in rows if row.link}
    kinds = [kind for kind in LinkKind if kind != LinkKind.MEMBER]
    status = 422 if problem else 200
    return visit.page("members/links.html", status, rows=rows, addresses=addresses, kinds=kinds, problem=problem)


@pages.post("/members/links", needs=Permission.MEMBERS_EDIT)
async def create(visit: Visit) -> Response:
    form = visit.form
    try:
        await visit.database.run(_create, form.text("label"), form.text("kind"), form.text("code"), visit.user)
    except LinkError as error:
        return await _listing(visit, sentence(error))
    return visit.go("/members/links", "link_made")


def _create(db: Session, label: str, kind: str, code: str, by: StaffUser) -> None:
    known = LinkKind(kind) if kind in set(LinkKind) else LinkKind.MEMBER  # which `create` refuses
    link = links.create(db, label, known, code, str(by.id))
    audit.record(db, by, "link.created", "join_link", link.code, {"kind": link.kind, "label": link.label})


@pages.get("/members/links/poster", needs=Permission.MEMBERS_VIEW)
async def poster(visit: Visit) -> Response:
    """Make the poster of a link and give it."""
    link: JoinLink = found(await visit.database.query(links.find, visit.query.text("code")))
    context = visit.context
    addresses = context.settings.join_addresses(link.code)
    if not addresses:
        raise Refused("no_join_address")
    pdf = posters.make(context.content, context.settings.messages / "poster.typ", link.code, addresses)
    headers = {"Content-Disposition": f'attachment; filename="poster-{link.code}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)
