"""What a member had agreed to on any date, with the words that were shown and the words of the answer."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts.models import Address, Consent, Contact, Decision, Purpose
from bot.conversations import wordings
from bot.opportunities.models import Lead, LeadWord
from bot.staff import audit
from bot.staff.models import StaffUser

ACTION = "consent.proved"
#: Why staff may ask for one.
REASONS = ("question", "consent", "data_request", "technical", "fraud")


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of a ledger, with the exact text it answers where that was kept."""

    purpose: str
    partner: str  #: with whom details are shared; nothing for the other purposes
    decision: str
    at: datetime
    said: str
    channel: str
    language: str
    recorded_by: str
    inbound_id: int | None
    wording: str
    wording_hash: str
    shown: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """The ledgers of one member up to a moment, oldest first, and where each purpose stood then."""

    contact_id: int
    addresses: tuple[str, ...]  #: as they are now
    at: datetime
    granted: tuple[str, ...]  #: sharing once for each partner: "sharing: partner"
    words: tuple[Word, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it with times as ISO 8601."""
        words = [{**asdict(word), "at": word.at.isoformat()} for word in self.words]
        return {**asdict(self), "at": self.at.isoformat(), "granted": list(self.granted), "words": words}


def give(db: Session, contact: Contact, at: datetime, by: StaffUser, reason: str) -> Document:
    """Return the proof to staff, and write down who asked for it and why."""
    made = document(db, contact, at)
    audit.record(db, by, ACTION, "contact", contact.id, {"reason": reason, "at": at.isoformat()})
    return made


def document(db: Session, contact: Contact, at: datetime) -> Document:
    """Return what proves a member's consents at a moment."""
    words = sorted([*_general(db, contact, at), *_sharing(db, contact, at)], key=lambda word: word.at)
    latest = {(word.purpose, word.partner): word.decision for word in words}
    granted = [": ".join(filter(None, key)) for key, decision in latest.items() if decision == Decision.GRANTED]
    addresses = db.scalars(select(Address.value).where(Address.contact_id == contact.id).order_by(Address.id))
    return Document(contact.id, tuple(addresses), at, tuple(sorted(granted)), tuple(words))


def _general(db: Session, contact: Contact, at: datetime) -> Iterator[Word]:
    rows = select(Consent).where(Consent.contact_id == contact.id, Consent.at <= at).order_by(Consent.id)
    for row in db.scalars(rows):
        yield _word(db, row, row.purpose, "", row.recorded_by)


def _sharing(db: Session, contact: Contact, at: datetime) -> Iterator[Word]:
    """Yield the words on single partners, each about one investment card."""
    rows = (
        select(LeadWord, Lead.authority)
        .join(Lead, Lead.id == LeadWord.lead_id)
        .where(Lead.contact_id == contact.id, LeadWord.at <= at)
        .order_by(LeadWord.id)
    )
    for row, authority in db.execute(rows):
        yield _word(db, row, Purpose.SHARING, authority, "contact")


def _word(db: Session, row: Consent | LeadWord, purpose: str, partner: str, recorded_by: str) -> Word:
    return Word(
        purpose=purpose,
        partner=partner,
        decision=row.decision,
        at=row.at,
        said=row.said,
        channel=row.channel,
        language=row.language,
        recorded_by=recorded_by,
        inbound_id=row.inbound_id,
        wording=row.wording,
        wording_hash=row.wording_hash,
        shown=wordings.find(db, row.wording_hash),
    )
