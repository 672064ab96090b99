"""What staff can do with a card: write, have a second person approve and so publish, close."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.db import lists
from bot.opportunities import gate
from bot.opportunities.models import TEXTS, CardStatus, Opportunity
from bot.sentences import Sentence
from bot.staff import audit, roles
from bot.staff.models import StaffUser
from bot.staff.roles import Permission

KIND = "opportunity"


class NotPossible(Exception):
    """The step does not fit where the card stands; the message carries the cure."""


class OwnWork(NotPossible):
    """Who wrote on it may not approve it."""


class HasProblems(NotPossible):
    """The gate found something."""

    def __init__(self, problems: list[gate.Problem]) -> None:
        named = sorted({" ".join(filter(None, (one.field, one.language, one.code, one.detail))) for one in problems})
        super().__init__(Sentence("Put right first: %(problems)s", problems="; ".join(named)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author decides; fits `gate.Card`."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    country: str = ""
    sector: str = ""
    issuer: str = ""
    licence: str = ""
    instrument: str = ""
    currency: str = ""
    minimum: Decimal | None = None
    size: str = ""
    authority: str = ""
    authority_contact: str = ""
    languages: tuple[str, ...] = ()
    review_on: date | None = None
    valid_until: date | None = None

    @classmethod
    def of(cls, card: gate.Card) -> "Draft":
        """Return what was decided for a card."""
        return cls(**{name: getattr(card, name) for name in gate.FIELDS})


def today() -> date:
    """Return the day at the project's office: a card's last day ends there."""
    return clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()


def ends_at(card: Opportunity) -> datetime:
    """Return the instant from which the card is no longer valid, UTC."""
    if card.valid_until is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.combine(card.valid_until + timedelta(days=1), time(), ZoneInfo(HOME_ZONE)).astimezone(UTC)


def draft(db: Session, author: StaffUser, what: Draft) -> Opportunity:
    """Store a new card; nothing is checked yet."""
    roles.require(author, Permission.OPPORTUNITIES_MANAGE)
    card = Opportunity(author_id=author.id, writers=[], status=CardStatus.DRAFT, created_at=clock.now())
    _write(card, author, what)
    db.add(card)
    db.flush()
    audit.record(db, author, "opportunity.drafted", KIND, card.id, {"content": gate.content_hash(card)})
    return card


def edit(db: Session, card: Opportunity, editor: StaffUser, what: Draft) -> None:
    """Replace what the author decided: an approval is void from now on, and nobody sees the card any more."""
    roles.require(editor, Permission.OPPORTUNITIES_MANAGE)
    _lock(db, card)
    _write(card, editor, what)
    card.status, card.lapsed_at = CardStatus.DRAFT, None
    card.approved_hash = card.approved_by = card.approved_at = None
    db.flush()
    audit.record(db, editor, "opportunity.edited", KIND, card.id, {"content": gate.content_hash(card)})


def _write(card: Opportunity, writer: StaffUser, what: Draft) -> None:
    for name in gate.FIELDS:
        setattr(card, name, getattr(what, name))
    card.languages = sorted(set(what.languages))
    card.texts = {language: kept for language, texts in what.texts.items() if (kept := _kept(texts))}
    card.writers = sorted({*card.writers, writer.id})
    card.edited_at = clock.now()


def _kept(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: texts[name].strip() for name in TEXTS if texts.get(name, "").strip()}


def approve(
    db: Session, content: Content, card: Opportunity, approver: StaffUser, *, seen: str, domains: tuple[str, ...] = ()
) -> None:
    """Approve and publish what the approver saw: `seen` is the hash of the page, so that no later edit slips in."""
    roles.require(approver, Permission.OPPORTUNITIES_APPROVE)
    _lock(db, card)
    if card.status != CardStatus.DRAFT:
        raise NotPossible(Sentence("Only a draft can be approved"))
    if approver.id in card.writers:
        raise OwnWork(Sentence("Whoever wrote on a card may not approve it: ask another person"))
    if seen != gate.content_hash(card):
        raise NotPossible(Sentence("The card changed while you read it: read it again"))
    if found := gate.problems(content, card, today(), domains):
        raise HasProblems(found)
    card.status, card.lapsed_at = CardStatus.PUBLISHED, None
    card.approved_hash, card.approved_by, card.approved_at = seen, approver.id, clock.now()
    db.flush()
    audit.record(db, approver, "opportunity.approved", KIND, card.id, {"content": seen})


def close(db: Session, card: Opportunity, by: StaffUser) -> None:
    """Take a published card back before its last day."""
    roles.require(by, Permission.OPPORTUNITIES_MANAGE)
    _lock(db, card)
    if card.status != CardStatus.PUBLISHED:
        raise NotPossible(Sentence("Only a published card can be closed"))
    card.status = CardStatus.CLOSED
    db.flush()
    audit.record(db, by, "opportunity.closed", KIND, card.id)


def is_visible(content: Content, card: Opportunity) -> bool:
    """Say whether members may see a card: complete, approved as it is by somebody else, and in date."""
    return (
        card.status == CardStatus.PUBLISHED
        and card.approved_by is not None
        and card.approved_by not in card.writers
        and card.approved_hash == gate.content_hash(card)
        and gate.is_complete(content, card)
        and clock.now() < ends_at(card)
    )


def visible(db: Session, content: Content) -> list[Opportunity]:
    """Return every card that members may see, the newest first."""
    rows = select(Opportunity).where(Opportunity.status == CardStatus.PUBLISHED, Opportunity.valid_until >= today())
    newest = rows.order_by(Opportunity.approved_at.desc(), Opportunity.id.desc())
    return [card for card in db.scalars(newest) if is_visible(content, card)]


def find_visible(db: Session, content: Content, card_id: int) -> Opportunity | None:
    """Return a card if members may see it."""
    card = db.get(Opportunity, card_id)
    return card if card and is_visible(content, card) else None


def count_to_approve(db: Session, user: StaffUser) -> int:
    """Return how many drafts this person may approve."""
    others = ~lists(db, Opportunity.writers, user.id)
    return db.scalar(select(func.count()).where(Opportunity.status == CardStatus.DRAFT, others)) or 0


def count_to_review(db: Session) -> int:
    """Return how many published cards are due for review, or past their last day."""
    due = or_(Opportunity.review_on <= today(), Opportunity.valid_until < today())
    return db.scalar(select(func.count()).where(Opportunity.status == CardStatus.PUBLISHED, due)) or 0


def _lock(db: Session, card: Opportunity) -> None:
    db.refresh(card, with_for_update=True)
