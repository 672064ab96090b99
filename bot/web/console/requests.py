"""What somebody asks for by letter, e-mail or phone: found by number, given their data, erased. All is written down."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.models import Contact
from bot.conversations import proof, requests
from bot.staff.roles import Permission
from bot.web.console import members
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@pages.post("/members/find", needs=Permission.MEMBERS_IDENTITY)
async def find(visit: Visit) -> Response:
    """Answer with the page: a number in an address would stay in logs."""
    reason = visit.form.text("reason")
    if reason not in proof.REASONS:
        raise Refused("no_reason")
    senders = [(sender.channel, sender.name) for sender in visit.context.settings.senders]
    try:
        people = await visit.database.run(requests.find, visit.form.text("phone"), senders, visit.user, reason)
    except requests.NoNumber:
        raise Refused("no_number") from None
    return await members.page_of(visit, people)


@pages.post("/members/{id:row}/data", needs=Permission.MEMBERS_IDENTITY)
async def data(visit: Visit) -> Response:
    """Make the files and give them at once: none of them stays here."""
    reason = visit.form.text("reason")
    if reason not in proof.REASONS:
        raise Refused("no_reason")
    content, template = visit.context.content, visit.context.settings.messages / "mydata.typ"
    packed = await visit.database.run(
        lambda db: requests.give(db, content, template, found(db.get(Contact, visit.id)), visit.user, reason)
    )
    headers = {"Content-Disposition": f'attachment; filename="member-{visit.id}-{clock.now():%Y-%m-%d}.zip"'}
    return Response(packed, media_type="application/zip", headers=headers)


@pages.post("/members/{id:row}/erase", needs=Permission.MEMBERS_ERASE)
async def erase(visit: Visit) -> Response:
    way = visit.form.text("way")
    if way not in requests.WAYS:
        raise Refused("no_way")
    if visit.form.text("sure") != "yes":
        raise Refused("not_sure_erase")
    context = visit.context
    windows = frozenset(name for name, paced in context.policy.channels.items() if paced.has_window)
    try:
        await visit.database.run(
            lambda db: requests.erase(
                db, context.content, context.settings.media_dir, _locked(db, visit.id), visit.user, way, windows
            )
        )
    except requests.Gone:
        raise Refused("erased_already") from None
    context.nudge()
    return visit.go(f"/members/{visit.id}", "erasing")


def _locked(db: Session, contact_id: int) -> Contact:
    """Return the person, locked against a message of theirs that is being handled."""
    return found(db.get(Contact, contact_id, with_for_update=True))
