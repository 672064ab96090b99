"""Two answers of one person to one session: one stays."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.events.models import Answer, Rsvp, Standing


def unite(db: Session, gone: int, into: int) -> None:
    """Leave one answer to each session for the two contacts: the later one, or of two that say yes the place."""
    answers: dict[int, list[Rsvp]] = {}
    for rsvp in db.scalars(select(Rsvp).where(Rsvp.contact_id.in_((gone, into))).order_by(Rsvp.contact_id)):
        answers.setdefault(rsvp.event_id, []).append(rsvp)
    for pair in answers.values():
        if len(pair) > 1:
            agree = all(rsvp.answer == Answer.YES for rsvp in pair)
            kept = max(pair, key=lambda rsvp: (agree and rsvp.standing == Standing.CONFIRMED, rsvp.at))
            lost = next(rsvp for rsvp in pair if rsvp is not kept)
            db.execute(delete(Rsvp).where(Rsvp.event_id == lost.event_id, Rsvp.contact_id == lost.contact_id))
