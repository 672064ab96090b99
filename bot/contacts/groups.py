"""Groups of contacts that staff make by hand, and notes about contacts."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact, Group, Grouped, Note, State


class NameTaken(Exception):
    """Another group has this name: choose another."""


def every(db: Session) -> Sequence[tuple[Group, int]]:
    """Return all groups by name, with how many are in each."""
    count = select(func.count()).where(Grouped.group_id == Group.id).scalar_subquery()
    return [(group, number) for group, number in db.execute(select(Group, count).order_by(Group.name))]


def create(db: Session, name: str) -> Group:
    """Add an empty group."""
    if db.scalar(select(Group.id).where(Group.name == name)) is not None:
        raise NameTaken
    group = Group(name=name, created_at=clock.now())
    db.add(group)
    db.flush()
    return group


def put(db: Session, group: Group, contact_ids: Iterable[int]) -> int:
    """Put people into a group; return how many were not in it. Who is erased, or never was, is left out."""
    wanted = select(Contact.id).where(Contact.id.in_(list(contact_ids)), Contact.state != State.ERASED)
    there = select(Grouped.contact_id).where(Grouped.group_id == group.id)
    new = [{"group_id": group.id, "contact_id": id} for id in db.scalars(wanted.where(Contact.id.not_in(there)))]
    if new:
        db.execute(insert(Grouped), new)
    return len(new)


def take_out(db: Session, group: Group, contact_id: int) -> None:
    """Take somebody out of a group."""
    db.execute(delete(Grouped).where(Grouped.group_id == group.id, Grouped.contact_id == contact_id))


def members(db: Session, group: Group, *, after: int = 0, limit: int = 50) -> Sequence[Contact]:
    """Return one page of the people in a group."""
    mine = select(Contact).join(Grouped, Grouped.contact_id == Contact.id).where(Grouped.group_id == group.id)
    return db.scalars(mine.where(Contact.id > after).order_by(Contact.id).limit(limit)).all()


def of_contact(db: Session, contact_id: int) -> Sequence[Group]:
    """Return the groups that somebody is in."""
    mine = select(Group).join(Grouped, Grouped.group_id == Group.id).where(Grouped.contact_id == contact_id)
    return db.scalars(mine.order_by(Group.name)).all()


def note(db: Session, contact_id: int, text: str, by: int) -> Note:
    """Note something about somebody."""
    row = Note(contact_id=contact_id, text=text, recorded_by=str(by), at=clock.now())
    db.add(row)
    db.flush()
    return row


def notes(db: Session, contact_id: int) -> Sequence[Note]:
    """Return what was noted about somebody, the newest first."""
    return db.scalars(select(Note).where(Note.contact_id == contact_id).order_by(Note.id.desc())).all()
