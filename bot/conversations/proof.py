"""What a member had agreed to on any date, with the words that were shown and the words of the answer."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts.models import Consent, Contact, Decision
from bot.conversations import wordings


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of the ledger, with the exact text it answers where that was kept."""

    purpose: str
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
    """The ledger of one member up to a moment, oldest first, and where each purpose stood then."""

    contact_id: int
    at: datetime
    granted: tuple[str, ...]
    words: tuple[Word, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it with times as ISO 8601."""
        words = [{**asdict(word), "at": word.at.isoformat()} for word in self.words]
        return {**asdict(self), "at": self.at.isoformat(), "granted": list(self.granted), "words": words}


def document(db: Session, contact: Contact, at: datetime) -> Document:
    """Return what proves a member's consents at a moment."""
    rows = db.scalars(
        select(Consent).where(Consent.contact_id == contact.id, Consent.at <= at).order_by(Consent.id)
    ).all()
    shown = {digest: wordings.find(db, digest) for digest in {row.wording_hash for row in rows}}
    latest = {row.purpose: row.decision for row in rows}
    return Document(
        contact_id=contact.id,
        at=at,
        granted=tuple(sorted(purpose for purpose, decision in latest.items() if decision == Decision.GRANTED)),
        words=tuple(_word(row, shown[row.wording_hash]) for row in rows),
    )


def _word(row: Consent, shown: str | None) -> Word:
    return Word(
        purpose=row.purpose,
        decision=row.decision,
        at=row.at,
        said=row.said,
        channel=row.channel,
        language=row.language,
        recorded_by=row.recorded_by,
        inbound_id=row.inbound_id,
        wording=row.wording,
        wording_hash=row.wording_hash,
        shown=shown,
    )
