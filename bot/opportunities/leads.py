"""Members who are interested in a card: their word on sharing, what became of it, and what they are told."""

import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot import clock
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, Decision, Purpose, State
from bot.content import Content
from bot.content.languages import SOURCE
from bot.messaging import outbox
from bot.messaging.models import Priority
from bot.opportunities import touches, wording
from bot.opportunities.models import HandedOver, Lead, LeadWord, Opportunity, Outcome, Touch, TouchKind
from bot.staff import audit, roles
from bot.staff.models import StaffUser
from bot.staff.roles import Permission

#: Kind of outbox rows whose `ref` is a card.
KIND = "card"
DETAILS_LIMIT = 160
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is misread


def share(db: Session, contact: Contact, card: Opportunity, details: str, proof: Proof) -> Lead:
    """Keep a lead that may be shared: the latest word on it is a yes."""
    lead = find(db, contact.id, card.id)
    if lead is None:
        lead = Lead(contact_id=contact.id, opportunity_id=card.id, reference=_reference(), created_at=clock.now())
        db.add(lead)
    lead.authority, lead.details, lead.forgotten_at = card.authority, details, None
    db.flush()
    _record(db, lead, Decision.GRANTED, proof)
    touches.note(db, contact, card, TouchKind.INTERESTED)
    return lead


def withdraw(db: Session, lead: Lead, proof: Proof) -> None:
    """Take a lead back: it is in no list any more, and the next one tells the authority."""
    if latest(db, lead) == Decision.GRANTED:
        _record(db, lead, Decision.WITHDRAWN, proof)


def withdraw_all(db: Session, contact: Contact, proof: Proof) -> int:
    """Take every lead of a contact back, who leaves; return how many."""
    found = [lead for lead in of_contact(db, contact.id) if latest(db, lead) == Decision.GRANTED]
    for lead in found:
        withdraw(db, lead, proof)
    return len(found)


def _record(db: Session, lead: Lead, decision: Decision, proof: Proof) -> None:
    db.add(
        LeadWord(
            lead_id=lead.id,
            decision=decision,
            wording=proof.wording,
            wording_hash=proof.wording_hash,
            language=proof.language,
            channel=proof.channel,
            said=proof.said,
            inbound_id=proof.inbound_id,
            at=clock.now(),
        )
    )
    db.flush()


def _reference() -> str:
    """Return a code that says nothing and is said easily on the phone."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def latest(db: Session, lead: Lead) -> str | None:
    """Return the latest word on a lead."""
    words = select(LeadWord.decision).where(LeadWord.lead_id == lead.id).order_by(LeadWord.id.desc())
    return db.scalar(words.limit(1))


def find(db: Session, contact_id: int, card_id: int) -> Lead | None:
    """Return a member's lead on a card."""
    return db.scalars(select(Lead).where(Lead.contact_id == contact_id, Lead.opportunity_id == card_id)).one_or_none()


def of_contact(db: Session, contact_id: int) -> list[Lead]:
    """Return the leads of a contact."""
    return list(db.scalars(select(Lead).where(Lead.contact_id == contact_id).order_by(Lead.id)))


def stands() -> ColumnElement[bool]:
    """Return the condition on Lead and Contact under which a lead may be shared: the latest word is a yes."""
    word = aliased(LeadWord)
    last = select(func.max(word.id)).where(word.lead_id == Lead.id).correlate(Lead).scalar_subquery()
    said_yes = exists().where(LeadWord.id == last, LeadWord.decision == Decision.GRANTED)
    return said_yes & (Contact.state == State.MEMBER)


def let_go(db: Session, before: datetime) -> int:
    """Forget names and numbers of leads on cards that ended before; the words stay, and what came of them."""
    ended = select(Opportunity.id).where(Opportunity.lapsed_at <= before)
    due = update(Lead).where(Lead.opportunity_id.in_(ended), Lead.forgotten_at.is_(None))
    done = db.execute(due.values(details="", forgotten_at=clock.now()).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def is_standing(db: Session, contact: Contact, card: Opportunity) -> bool:
    """Say whether a member's lead on a card may be shared now."""
    lead = find(db, contact.id, card.id)
    return lead is not None and latest(db, lead) == Decision.GRANTED


def rows(db: Session, card: Opportunity) -> list[tuple[Lead, bool, bool]]:
    """Return the leads of a card: each, whether it stands, and whether an authority has it. Nobody is named."""
    given = exists().where(HandedOver.reference == Lead.reference, HandedOver.withdrawn.is_(False))
    found = (
        select(Lead, stands(), given)
        .join(Contact, Contact.id == Lead.contact_id)
        .where(Lead.opportunity_id == card.id)
        .order_by(Lead.id)
    )
    return [(lead, standing, handed) for lead, standing, handed in db.execute(found)]


def set_outcome(db: Session, lead: Lead, outcome: Outcome, by: StaffUser) -> None:
    """Note what became of a lead."""
    roles.require(by, Permission.OPPORTUNITIES_MANAGE)
    lead.outcome, lead.outcome_at = outcome, clock.now()
    db.flush()
    audit.record(db, by, "lead.outcome", "lead", lead.reference, {"outcome": outcome})


def ask_how_it_went(db: Session, content: Content, card: Opportunity, by: StaffUser) -> int:
    """Ask everybody whose lead stands and was handed over whether the authority has written, once; return how many."""
    roles.require(by, Permission.OPPORTUNITIES_MANAGE)
    asked = 0
    for lead, standing, handed in rows(db, card):
        if standing and handed and lead.asked_at is None:
            contact = db.get_one(Contact, lead.contact_id)
            message = wording.followup(content, card, lead, contact.language or SOURCE)
            asked += _queue(db, contact, card, message, "followup")
            lead.asked_at = clock.now()
    db.flush()
    audit.record(db, by, "opportunity.followed_up", "opportunity", card.id, {"asked": asked})
    return asked


def hear(db: Session, lead: Lead, said: str) -> None:
    """Keep what the person answered when asked how it went."""
    lead.heard = said
    db.flush()


def tell_the_end(db: Session, content: Content, card: Opportunity) -> int:
    """Tell who saved the card or was interested that it is over, once; return how many."""
    saved = exists().where(
        Touch.contact_id == Contact.id,
        Touch.opportunity_id == card.id,
        Touch.kind == TouchKind.SAVED,
        Touch.undone_at.is_(None),
    )
    interested = exists().where(Lead.contact_id == Contact.id, Lead.opportunity_id == card.id)
    people = select(Contact).where(Contact.state == State.MEMBER, or_(saved, interested)).order_by(Contact.id)
    told = 0
    for contact in db.scalars(people):
        told += _queue(db, contact, card, wording.ended(content, card, contact.language or SOURCE), "ended")
    return told


def _queue(db: Session, contact: Contact, card: Opportunity, message: outbox.Message, what: str) -> bool:
    """Queue a message about a card; only who agreed to messages about investments gets it when it leaves."""
    row = outbox.queue(
        db,
        contact,
        message,
        kind=KIND,
        priority=Priority.BROADCAST,
        purpose=Purpose.INVESTMENT,
        once=f"card:{what}:{card.id}:{(card.approved_hash or '')[:12]}:{contact.id}",
        ref=card.id,
        expires_at=clock.now() + touches.NEWS_LASTS,
    )
    return row is not None


def unite(db: Session, gone: int, into: int) -> None:
    """Of two leads of one person on one card the more careful last word counts: a no of the lead that goes is kept."""
    for lead in of_contact(db, gone):
        kept = find(db, into, lead.opportunity_id)
        if kept is None or latest(db, kept) != Decision.GRANTED or latest(db, lead) == Decision.GRANTED:
            continue
        word = db.scalars(select(LeadWord).where(LeadWord.lead_id == lead.id).order_by(LeadWord.id.desc())).first()
        if word is not None:
            proof = Proof(word.wording, word.wording_hash, word.language, word.channel, word.said, word.inbound_id)
            _record(db, kept, Decision.WITHDRAWN, proof)
