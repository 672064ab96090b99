"""A card and the broadcasts that announce it: two rooms that do not know each other, brought together."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import progress, targets
from bot.broadcasts import service as broadcasts
from bot.broadcasts.audience import MATCHES, Audience
from bot.broadcasts.models import KIND, Broadcast
from bot.contacts.models import Contact, Purpose
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.messaging import lives, outbox
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.messaging.outbox import Message
from bot.opportunities import leads, service, touches, wording
from bot.opportunities.models import CardStatus, Opportunity
from bot.sentences import Sentence
from bot.staff.models import StaffUser

TEMPLATE = "investment_notice"


class CardGone(broadcasts.NotPossible):
    """The card that the broadcast announces may not be seen any more."""


@dataclass(frozen=True, slots=True)
class Announced:
    """One broadcast of a card, and what its recipients did afterwards."""

    broadcast: Broadcast
    statuses: dict[str, int]
    figures: dict[str, int]

    @property
    def sent(self) -> int:
        return sum(self.statuses.get(status, 0) for status in (Status.SENT, Status.DELIVERED, Status.READ))

    @property
    def delivered(self) -> int:
        return sum(self.statuses.get(status, 0) for status in (Status.DELIVERED, Status.READ))


def announce(db: Session, content: Content, card: Opportunity, author: StaffUser, *, matched: bool) -> Broadcast:
    """Write a broadcast from a card that members may see: to who asked for what matches, or to all who agreed.

    It is approved and sent like any other; it cannot be late, since the card's last day is its deadline.
    """
    if not service.is_visible(content, card):
        raise CardGone(Sentence("Only a card that members may see can be announced: have it approved first"))
    texts = wording.announcement(content, card)
    audience = Audience(interests=(card.sector,), wishes=(MATCHES,)) if matched else Audience()
    what = broadcasts.Draft(
        title=wording.title(card, "en")[:120],
        purpose=Purpose.INVESTMENT,
        texts=texts,
        audience=audience,
        template=TEMPLATE,
        variables={
            code: {"title": wording.title(card, code), "summary": wording.text_of(card, "summary", code)}
            for code in texts
        },
        link=(targets.CARD, card.id),
        expires_at=min(service.ends_at(card), clock.now() + lives.of(Priority.BROADCAST)),
    )
    return broadcasts.draft(db, content, author, what)


def announced(db: Session, card: Opportunity) -> list[Announced]:
    """Return the broadcasts of a card with their figures, the newest first."""
    return [
        Announced(one, progress.statuses(db, one), touches.figures(db, card, KIND, one.id))
        for one in db.scalars(targets.linked((targets.CARD, card.id)).order_by(Broadcast.id.desc()))
    ]


def stop(db: Session, content: Content, card: Opportunity) -> int:
    """Let nothing more leave about a card that members may not see; return how many do not get it."""
    link = (targets.CARD, card.id)
    stopped = targets.stop(db, link)
    if db.scalar(select(targets.linked(link).exists())):
        _replace_owed(db, content, card)
    return stopped + outbox.cancel_ref(db, leads.KIND, card.id, "card_gone")


def _replace_owed(db: Session, content: Content, card: Opportunity) -> None:
    """Who answers a template sent earlier reads that the card is over, not the card."""
    ids = select(Broadcast.id).where(Broadcast.link_kind == targets.CARD, Broadcast.link_ref == card.id)
    for language in LANGUAGES:
        body = Message(content.catalogue.text("opportunity.expired", language)).to_json()
        readers = select(Contact.id).where(Contact.language == language)
        owed = update(OutboxMessage).where(
            OutboxMessage.kind == KIND, OutboxMessage.ref.in_(ids), OutboxMessage.owes_text.is_(True)
        )
        db.execute(
            owed.where(OutboxMessage.contact_id.in_(readers))
            .values(body=body)
            .execution_options(synchronize_session=False)
        )


def end_lapsed(db: Session, content: Content) -> int:
    """End what is still under way about cards that members may not see any more; a job calls it. Return how many.

    Who saved a card or was interested is told once that it is over; of a card that is only being changed nobody is.
    """
    ended = 0
    for card in db.scalars(select(Opportunity).where(Opportunity.lapsed_at.is_(None)).order_by(Opportunity.id)):
        if service.is_visible(content, card):
            continue
        stop(db, content, card)
        if card.status != CardStatus.DRAFT:
            leads.tell_the_end(db, content, card)
            card.lapsed_at = clock.now()
            ended += 1
    db.flush()
    return ended
