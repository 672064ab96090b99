"""The list that an authority gets: who agreed to it, and which earlier lines it must delete."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from bot import clock
from bot.contacts.models import Contact
from bot.db import values
from bot.opportunities import leads
from bot.opportunities.models import HandedOver, Handover, Lead, Opportunity
from bot.opportunities.service import NotPossible
from bot.sentences import Sentence
from bot.staff import audit, roles
from bot.staff.models import StaffUser
from bot.staff.roles import Permission

HEADER = ("status", "reference", "opportunity", "country", "details", "residence", "language", "agreed_on")
NEW, AGAIN, DELETE = "new", "sent before", "WITHDRAWN: delete what you hold"
REASON_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Pending:
    """What the next list of an authority would hold."""

    authority: str
    new: int
    again: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class HandoverList:
    """A list as it goes out; its rows are in the order of HEADER."""

    handover: Handover
    rows: list[tuple[str, ...]]


def pending(db: Session) -> list[Pending]:
    """Return what waits for each authority."""
    names = {*values(db, Lead.authority), *db.scalars(select(Handover.authority).distinct())}
    found = [_pending(db, name) for name in sorted(names) if name]
    return [one for one in found if one.new or one.again or one.withdrawn]


def _pending(db: Session, authority: str) -> Pending:
    again = _references(db, authority)
    standing = {lead.reference for lead, _, _ in _standing(db, authority)}
    return Pending(authority, len(standing - again), len(standing & again), len(withdrawn(db, authority)))


def make(db: Session, authority: str, by: StaffUser, reason: str) -> HandoverList:
    """Write down a list and return it: everybody whose lead stands now, and what was taken back since the last."""
    roles.require(by, Permission.EXPORTS_IDENTIFIED)
    if not 0 < len(reason) <= REASON_LIMIT:
        raise NotPossible(
            Sentence("Say why the list is handed over, in at most %(limit)s characters", limit=REASON_LIMIT)
        )
    standing, gone, before = _standing(db, authority), withdrawn(db, authority), _references(db, authority)
    if not standing and not gone:
        raise NotPossible(Sentence("There is nothing to hand over: nobody agreed, and nobody took anything back"))
    handover = Handover(authority=authority, reason=reason, by=by.id, at=clock.now())
    db.add(handover)
    db.flush()
    lines = [*((lead.reference, False) for lead, _, _ in standing), *((one, True) for one in gone)]
    db.add_all(HandedOver(handover_id=handover.id, reference=one, withdrawn=is_gone) for one, is_gone in lines)
    db.flush()
    rows = [_row(AGAIN if lead.reference in before else NEW, lead, contact, card) for lead, contact, card in standing]
    rows += [(DELETE, one, *[""] * (len(HEADER) - 2)) for one in gone]
    detail = {"authority": authority, "reason": reason, "people": len(standing), "withdrawn": len(gone)}
    audit.record(db, by, "leads.handed_over", "handover", handover.id, detail)
    return HandoverList(handover, rows)


def _row(status: str, lead: Lead, contact: Contact, card: Opportunity) -> tuple[str, ...]:
    title = str(card.texts.get("en", {}).get("title", ""))
    return (
        status,
        lead.reference,
        title,
        card.country,
        lead.details,
        contact.residence or "",
        contact.language or "",
        lead.created_at.date().isoformat(),
    )


def _standing(db: Session, authority: str) -> list[tuple[Lead, Contact, Opportunity]]:
    found = (
        select(Lead, Contact, Opportunity)
        .join(Contact, Contact.id == Lead.contact_id)
        .join(Opportunity, Opportunity.id == Lead.opportunity_id)
        .where(Lead.authority == authority, Lead.forgotten_at.is_(None), leads.stands())
        .order_by(Lead.id)
    )
    return [(lead, contact, card) for lead, contact, card in db.execute(found)]


def _references(db: Session, authority: str) -> set[str]:
    """Return what the authority holds, as far as we told it."""
    last = aliased(HandedOver)
    later = exists().where(last.reference == HandedOver.reference, last.handover_id > HandedOver.handover_id)
    given = (
        select(HandedOver.reference)
        .join(Handover, Handover.id == HandedOver.handover_id)
        .where(Handover.authority == authority, HandedOver.withdrawn.is_(False), ~later)
    )
    return set(db.scalars(given))


def withdrawn(db: Session, authority: str) -> list[str]:
    """Return what the authority holds and may not hold any more: taken back, or the person left or was erased."""
    agreed = select(Lead.reference).join(Contact, Contact.id == Lead.contact_id)
    standing = set(db.scalars(agreed.where(Lead.authority == authority, leads.stands())))
    return sorted(_references(db, authority) - standing)


def history(db: Session, limit: int) -> list[dict[str, Any]]:
    """Return the latest lists with how many lines each had."""
    rows = []
    for handover in db.scalars(select(Handover).order_by(Handover.id.desc()).limit(limit)):
        lines = list(db.scalars(select(HandedOver.withdrawn).where(HandedOver.handover_id == handover.id)))
        rows.append({"handover": handover, "people": lines.count(False), "withdrawn": lines.count(True)})
    return rows
