"""What members did with cards: opened, saved, asked, interested."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.messaging.models import ArchivedOutbound, OutboxMessage
from bot.opportunities.models import Opportunity, Touch, TouchKind

#: How long news about a card may wait for a person to be reachable.
NEWS_LASTS = timedelta(days=7)


def note(db: Session, contact: Contact, card: Opportunity, kind: TouchKind) -> None:
    """Note that a member did something with a card; the first time counts."""
    row = db.get(Touch, (contact.id, card.id, kind))
    if row is None:
        db.add(Touch(contact_id=contact.id, opportunity_id=card.id, kind=kind, at=clock.now()))
    else:
        row.undone_at = None
    db.flush()


def undo_save(db: Session, contact: Contact, card_id: int) -> None:
    """Let a saved card go."""
    row = db.get(Touch, (contact.id, card_id, TouchKind.SAVED))
    if row is not None:
        row.undone_at = row.undone_at or clock.now()
        db.flush()


def is_saved(db: Session, contact: Contact, card: Opportunity) -> bool:
    """Say whether a member keeps a card."""
    row = db.get(Touch, (contact.id, card.id, TouchKind.SAVED))
    return row is not None and row.undone_at is None


def saved(db: Session, contact: Contact) -> list[int]:
    """Return the ids of the cards that a member keeps."""
    rows = select(Touch.opportunity_id).where(
        Touch.contact_id == contact.id, Touch.kind == TouchKind.SAVED, Touch.undone_at.is_(None)
    )
    return list(db.scalars(rows))


def figures(db: Session, card: Opportunity, kind: str = "", ref: int | None = None) -> dict[str, int]:
    """Return how many people did what; with `kind` and `ref`, only who did so after they got that message."""
    counted = select(Touch.kind, func.count(func.distinct(Touch.contact_id))).where(Touch.opportunity_id == card.id)
    counted = counted.group_by(Touch.kind)
    found: Counter[str] = Counter()
    # A person's message is in the outbox or archived, never both.
    for row in (OutboxMessage, ArchivedOutbound) if ref is not None else ():
        # A fast finger is before the provider's word that it is sent.
        got = (row.contact_id == Touch.contact_id) & row.sent_at.is_not(None) & (row.claimed_at <= Touch.at)
        found.update(dict(db.execute(counted.join(row, got & (row.kind == kind) & (row.ref == ref))).all()))
    if ref is None:
        found.update(dict(db.execute(counted).all()))
    return {str(what): found[what] for what in TouchKind}
