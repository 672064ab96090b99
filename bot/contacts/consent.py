"""The consent ledger: append-only; the latest word on a purpose is what counts."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import clock
from bot.contacts.models import Consent, Contact, Decision, Purpose

#: What one yes to the wording covers. Sharing with partners is always asked by itself.
ASKED_TOGETHER = (Purpose.NEWS, Purpose.INVESTMENT, Purpose.SURVEYS, Purpose.SESSIONS)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown and what was answered."""

    wording: str  #: key of the wording
    wording_hash: str
    language: str
    channel: str
    said: str  #: the raw reply
    inbound_id: int | None
    recorded_by: str = "contact"


def record(db: Session, contact: Contact, purposes: Iterable[Purpose], decision: Decision, proof: Proof) -> None:
    """Add one entry for each purpose."""
    for purpose in purposes:
        db.add(
            Consent(
                contact_id=contact.id,
                purpose=purpose,
                decision=decision,
                wording=proof.wording,
                wording_hash=proof.wording_hash,
                language=proof.language,
                channel=proof.channel,
                said=proof.said,
                inbound_id=proof.inbound_id,
                recorded_by=proof.recorded_by,
                at=clock.now(),
            )
        )
    db.flush()


def latest(db: Session, contact: Contact) -> dict[str, Consent]:
    """Return the latest word on each purpose that the contact has spoken about."""
    rows = db.scalars(select(Consent).where(Consent.contact_id == contact.id).order_by(Consent.id))
    return {row.purpose: row for row in rows}


# Built once: every batch that leaves asks this.
_GRANTED = select(Consent.contact_id, Consent.purpose).where(
    Consent.decision == Decision.GRANTED,
    Consent.id.in_(
        select(func.max(Consent.id))
        .where(Consent.contact_id.in_(bindparam("ids", expanding=True)))
        .group_by(Consent.contact_id, Consent.purpose)
    ),
)


def granted(db: Session, contact_ids: Iterable[int]) -> set[tuple[int, str]]:
    """Return the (contact id, purpose) pairs whose latest word is a yes."""
    db.flush()
    rows = db.connection().execute(_GRANTED, {"ids": list(contact_ids)})
    return {(contact_id, purpose) for contact_id, purpose in rows}


def granting(purpose: Purpose) -> Select[int]:
    """Select the ids of the contacts whose latest word on a purpose is a yes."""
    last = select(func.max(Consent.id)).where(Consent.purpose == purpose).group_by(Consent.contact_id)
    return select(Consent.contact_id).where(Consent.decision == Decision.GRANTED, Consent.id.in_(last))


def grants(contact_id: InstrumentedAttribute[int], purpose: Purpose) -> ColumnElement[bool]:
    """Return the condition that the contact of a row says yes to a purpose; for few rows of many."""
    of_one = Consent.contact_id == contact_id, Consent.purpose == purpose
    last = select(Consent.decision).where(*of_one).order_by(Consent.id.desc()).limit(1).scalar_subquery()
    return func.coalesce(last, Decision.REFUSED) == Decision.GRANTED


def granted_purposes(db: Session, contact: Contact) -> set[str]:
    """Return the purposes to which the contact's latest word is a yes."""
    return {purpose for _, purpose in granted(db, [contact.id])}
