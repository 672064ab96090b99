"""The proof of what a member had agreed to on a date, for a reason that is written down."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.models import Contact
from bot.contacts.service import HOME_ZONE
from bot.conversations import proof, proof_paper
from bot.conversations.proof import Document
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()


@pages.post("/members/{id:row}/proof", needs=Permission.MEMBERS_IDENTITY)
async def download(visit: Visit) -> Response:
    """Make the PDF and give it at once: no file with a name or number stays here."""
    day, reason = visit.form.text("on"), visit.form.text("reason")
    if reason not in proof.REASONS:
        raise Refused("no_reason_proof")
    made = await visit.database.run(_give, visit.id, _end_of(day), visit.user, reason)
    content, template = visit.context.content, visit.context.settings.messages / "proof.typ"
    reader = visit.reader
    pdf = proof_paper.make(content, template, made, reader.code, reader.texts.gettext)
    headers = {"Content-Disposition": f'attachment; filename="consent-{visit.id}-{day}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


def _end_of(day: str) -> datetime:
    """Return the last moment of a day, as the office counts days."""
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise Refused("no_day") from None
    zone = ZoneInfo(HOME_ZONE)
    if on > clock.now().astimezone(zone).date() or on.year < 2000:
        raise Refused("no_day")
    return datetime.combine(on, time(), zone) + timedelta(days=1, microseconds=-1)


def _give(db: Session, contact_id: int, at: datetime, user: StaffUser, reason: str) -> Document:
    return proof.give(db, found(db.get(Contact, contact_id)), at, user, reason)
