"""Members who may be one person: the same number, or the same name from and in the same place; staff decide.

Only keyed hashes are compared, in the database.
"""

import re
from collections.abc import Collection, Sequence
from itertools import combinations

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from bot import clock, crypto
from bot.contacts.models import IS_NEW, IS_UNDECIDED, Contact, Likeness, State, Trait, TraitKind
from bot.content.normalise import normalise
from bot.conversations.merging import CannotMerge
from bot.conversations.talk import Talk
from bot.sentences import Sentence
from bot.staff import audit
from bot.staff.models import StaffUser

_NUMBER = re.compile(r"\+?(\d{8,15})")
_SHORTEST_NAME = 2
#: What more people than these have in common says nothing.
_MOST_ALIKE = 5
_AT_ONCE = 500


def note(talk: Talk) -> None:
    """Keep by what a member may be known in another chat."""
    if talk.contact.state != State.MEMBER:
        return
    note_number(talk, talk.address.value.partition(":")[2])
    contact, name = talk.contact, normalise(talk.inbound.name)
    if len(name) >= _SHORTEST_NAME and contact.origin and contact.residence:
        words = sorted(name.split())
        _forget(talk.db, contact, TraitKind.PERSON)
        _keep(talk.db, contact, TraitKind.PERSON, [*words, contact.origin, contact.residence, contact.city or ""])


def note_number(talk: Talk, text: str) -> bool:
    """Keep a member's phone number as a hash; False when the text is none."""
    found = _NUMBER.fullmatch(text)
    if found:
        _keep(talk.db, talk.contact, TraitKind.NUMBER, [found[1]])
    return found is not None


def with_number(db: Session, e164: str) -> Sequence[int]:
    """Return the members who have this phone number or shared it in a chat."""
    same = Trait.kind == TraitKind.NUMBER, Trait.value_hash == hash_of_number(e164)
    return db.scalars(select(Trait.contact_id).where(*same)).all()


def hash_of_number(e164: str) -> str:
    """Return by what a phone number is known."""
    return _index(TraitKind.NUMBER, [e164.removeprefix("+")])


def _index(kind: TraitKind, parts: Sequence[str]) -> str:
    return crypto.index("|".join([kind, *parts]))


def _keep(db: Session, contact: Contact, kind: TraitKind, parts: Sequence[str]) -> None:
    db.merge(Trait(contact_id=contact.id, kind=kind, value_hash=_index(kind, parts)))


def _forget(db: Session, contact: Contact, kind: TraitKind) -> None:
    db.execute(delete(Trait).where(Trait.contact_id == contact.id, Trait.kind == kind))


def find(db: Session) -> int:
    """Suggest pairs that nobody has decided about, of whom one has been noted since; return how many are new."""
    fresh = list(db.scalars(select(Trait).where(IS_NEW).order_by(Trait.contact_id).limit(_AT_ONCE)))
    pairs = _pairs(db, {trait.value_hash for trait in fresh})
    known = {frozenset(pair) for pair in db.execute(_between({id for pair in pairs for id in pair}))}
    new = {pair: kind for pair, kind in pairs.items() if frozenset(pair) not in known}
    now = clock.now()
    db.add_all(Likeness(contact_id=one, other_id=other, kind=kind, found_at=now) for (one, other), kind in new.items())
    for trait in fresh:
        trait.is_new = False
    db.flush()
    return len(new)


def _pairs(db: Session, hashes: Collection[str]) -> dict[tuple[int, int], TraitKind]:
    """Return who has one of these in common, the lower number first, and by what."""
    alike: dict[tuple[TraitKind, str], list[int]] = {}
    having = Trait.kind.in_(TraitKind), Trait.value_hash.in_(hashes)
    for trait in db.scalars(select(Trait).where(*having).order_by(Trait.contact_id)):
        alike.setdefault((trait.kind, trait.value_hash), []).append(trait.contact_id)
    # In the order of kinds: the first one that two have in common is named.
    groups = [(kind, ids) for (kind, _), ids in sorted(alike.items()) if len(ids) <= _MOST_ALIKE]
    return {pair: kind for kind, ids in reversed(groups) for pair in combinations(ids, 2)}


def _between(ids: Collection[int]) -> Select[int, int]:
    both = Likeness.contact_id.in_(ids), Likeness.other_id.in_(ids)
    return select(Likeness.contact_id, Likeness.other_id).where(*both)


def _pair(one: object, other: object) -> ColumnElement[bool]:
    return or_(
        and_(Likeness.contact_id == one, Likeness.other_id == other),
        and_(Likeness.contact_id == other, Likeness.other_id == one),
    )


def waiting(db: Session, limit: int) -> list[tuple[Likeness, Contact, Contact]]:
    """Return the pairs that wait for a decision, the oldest first."""
    other = aliased(Contact)
    rows = db.execute(
        select(Likeness, Contact, other)
        .join(Contact, Contact.id == Likeness.contact_id)
        .join(other, other.id == Likeness.other_id)
        .where(IS_UNDECIDED)
        .order_by(Likeness.found_at, Likeness.contact_id, Likeness.other_id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def count_waiting(db: Session) -> int:
    """Return how many pairs wait for a decision."""
    return db.scalar(select(func.count()).select_from(Likeness).where(IS_UNDECIDED)) or 0


def is_waiting(db: Session, one: int, other: int) -> bool:
    """Tell whether nobody has decided yet about this suggested pair."""
    pair = select(Likeness.contact_id).where(_pair(one, other), Likeness.apart_at.is_(None))
    return db.scalars(pair).first() is not None


def keep_apart(db: Session, one: Contact, other: Contact, by: StaffUser) -> None:
    """Note that two are two people, so that nobody is asked again."""
    if one.id == other.id:
        raise CannotMerge(Sentence("These are the same member already"))
    row = db.scalars(select(Likeness).where(_pair(one.id, other.id))).first()
    if row is None:
        row = Likeness(contact_id=one.id, other_id=other.id, kind=TraitKind.PERSON, found_at=clock.now())
        db.add(row)
    row.apart_by, row.apart_at = str(by.id), clock.now()
    db.flush()
    audit.record(db, by, "contact.kept_apart", "contact", one.id, {"other": other.id})
