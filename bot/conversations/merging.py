"""Two rows that are one person become one: one history, one answer set, and of two ledgers the more careful word."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, delete, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session
from sqlalchemy.schema import UniqueConstraint

from bot.contacts import consent
from bot.contacts.models import Consent, Contact, Decision, Likeness, State
from bot.conversations import rights
from bot.db import Base
from bot.events import uniting as events
from bot.messaging import outbox
from bot.opportunities import leads
from bot.sentences import Sentence
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.surveys import uniting as surveys

#: Of these nothing may be taken over, and nothing may be added to them.
_UNTOUCHABLE = (State.UNDERAGE, State.LEAVING, State.ERASED)
_PROFILE = ("language", "origin", "link", "residence", "city", "zone", "source")


class CannotMerge(Exception):
    """These two cannot become one; the message says why."""


def merge(db: Session, gone: Contact, into: Contact, by: StaffUser | None) -> None:
    """Give all of one contact to another and remove it; `by` None: the person joined them."""
    _require(gone, into)
    careful = _careful(db, gone, into)
    state = _state(gone, into)
    outbox.unite(db, gone, into)
    surveys.unite(db, gone.id, into.id)
    events.unite(db, gone.id, into.id)
    leads.unite(db, gone.id, into.id)
    _forget_likeness(db, gone.id, into.id)
    db.flush()
    for table in Base.metadata.sorted_tables:
        for column in _columns(table):
            _hand_over(db, table, column, gone.id, into.id)
    _complete(into, gone, state)
    db.execute(delete(Contact).where(Contact.id == gone.id).execution_options(synchronize_session=False))
    db.flush()
    _repeat(db, into, careful, by)
    audit.record(db, by, "contact.merged" if by else "contact.linked", "contact", into.id, {"merged": gone.id})
    db.flush()
    db.expire_all()  # rows were moved below the session


def _require(gone: Contact, into: Contact) -> None:
    if gone.id == into.id:
        raise CannotMerge(Sentence("These are the same member already"))
    for contact in (gone, into):
        if contact.state in _UNTOUCHABLE:
            raise CannotMerge(
                Sentence(
                    "Member %(number)s is under age, leaving or erased: nothing of them may be kept or moved",
                    number=contact.id,
                )
            )


def _careful(db: Session, gone: Contact, into: Contact) -> list[Consent]:
    """Return, for each purpose on which either said no last, that word."""
    latest = [consent.latest(db, gone), consent.latest(db, into)]
    found = []
    for purpose in sorted({*latest[0], *latest[1]}):
        words = [ledger[purpose] for ledger in latest if purpose in ledger]
        refusals = [word for word in words if word.decision != Decision.GRANTED]
        found += sorted(refusals, key=lambda word: word.id)[-1:]
    return found


def _repeat(db: Session, into: Contact, careful: list[Consent], by: StaffUser | None) -> None:
    """Say a no again that a yes of the other ledger would now follow, with all that proves it."""
    held = consent.granted_purposes(db, into)
    for word in careful:
        if word.purpose in held:
            proof = consent.Proof(
                wording=word.wording,
                wording_hash=word.wording_hash,
                language=word.language,
                channel=word.channel,
                said=word.said,
                inbound_id=word.inbound_id,
                recorded_by=str(by.id) if by else "contact",
            )
            consent.record(db, into, [word.purpose], word.decision, proof)


def _state(gone: Contact, into: Contact) -> State:
    """Return the more careful of the two states: who said no anywhere said no."""
    states = {State(gone.state), State(into.state)}
    if states & {State.STOPPED, State.DECLINED}:
        return State.STOPPED if states & {State.STOPPED, State.MEMBER} else State.DECLINED
    return next(state for state in (State.MEMBER, State.NEW, State.INVITED) if state in states)


def _complete(into: Contact, gone: Contact, state: State) -> None:
    if into.residence is None:
        into.city, into.zone = gone.city, gone.zone
    for name in _PROFILE:
        setattr(into, name, getattr(into, name) or getattr(gone, name))
    into.joined_at = min((at for at in (into.joined_at, gone.joined_at) if at), default=None)
    into.created_at = min(into.created_at, gone.created_at)
    into.state = state


def _forget_likeness(db: Session, gone: int, into: int) -> None:
    """Drop the suggestions about the one who goes; that others are kept apart from them stays true."""
    of_gone = or_(Likeness.contact_id == gone, Likeness.other_id == gone)
    with_into = or_(Likeness.contact_id == into, Likeness.other_id == into)
    db.execute(delete(Likeness).where(of_gone, or_(Likeness.apart_at.is_(None), with_into)))


def _columns(table: Table) -> list[Column[Any]]:
    """Return where a table names people, without a foreign key too: an export must still find whom it holds."""
    return rights.people_columns(table) or [column for column in table.c if column.name == "contact_id"]


def _hand_over(db: Session, table: Table, person: Column[Any], gone: int, into: int) -> None:
    """Move rows; where both have the same thing, the one merged into keeps its own."""
    theirs, one = person == gone, literal(1)
    for others in _keys(table, person):
        held = select(one, *others).where(person == into)
        db.execute(delete(table).where(theirs, tuple_(one, *others).in_(held)))
    db.execute(update(table).where(theirs).values({person.name: into}))


def _keys(table: Table, person: Column[Any]) -> Iterator[list[Column[Any]]]:
    """Yield the other columns of every key of which the contact is a part."""
    keys = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint))]
    for key in keys:
        if person.name in key.columns:
            yield [column for column in key.columns if column.name != person.name]
