"""Contacts and their groups: numbers masked, unless the token and its owner may see them, for a reason."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.contacts import groups
from bot.contacts.models import Address, Contact, Group, Grouped, Interest
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.scopes import Scope
from bot.web.api.access import Call, IdempotencyKey, needs
from bot.web.api.problems import Refused
from bot.web.api.values import After, Body, Id, Limit, Page, RowId, Word
from bot.web.console.members import ACTION, REASONS
from bot.web.console.rendering import masked
from bot.web.console.visit import found

router = APIRouter(tags=["contacts"])
Reads = Annotated[Call, needs(Scope.CONTACTS_READ)]
Writes = Annotated[Call, needs(Scope.CONTACTS_WRITE)]


class AddressOut(BaseModel):
    """Where a contact can be written to."""

    channel: str
    masked: str
    reach: str


class ContactOut(BaseModel):
    """A person, without what names them."""

    id: int
    state: str
    language: str | None
    origin: str | None
    residence: str | None
    zone: str | None
    source: str | None
    channel: str
    created_at: datetime
    joined_at: datetime | None
    interests: list[str]
    addresses: list[AddressOut]


class IdentityOut(BaseModel):
    """What names a person; that it was seen is in the audit trail."""

    id: int
    city: str | None
    addresses: dict[str, str]  #: channel -> address


class GroupOut(BaseModel):
    """A group that staff made by hand."""

    id: int
    name: str
    people: int


class GroupIn(Body):
    """A new group."""

    name: Annotated[str, Field(min_length=1, max_length=64)]


class MembersIn(Body):
    """Whom to put into a group."""

    contacts: Annotated[list[RowId], Field(min_length=1, max_length=5000)]


class Added(BaseModel):
    """How many were not in the group before."""

    added: int


@router.get("/contacts")
async def listing(
    call: Reads,
    state: Word = "",
    origin: Word = "",
    residence: Word = "",
    language: Word = "",
    after: After = 0,
    limit: Limit = 50,
) -> Page[ContactOut]:
    """List contacts, oldest first, by what they told us."""
    wanted = {"state": state, "origin": origin, "residence": residence, "language": language}
    return await call.read(_list, wanted, after, limit)


def _list(db: Session, wanted: dict[str, str], after: int, limit: int) -> Page[ContactOut]:
    rows = select(Contact).where(Contact.id > after).order_by(Contact.id).limit(limit + 1)
    for name, value in wanted.items():
        if value:
            rows = rows.where(getattr(Contact, name) == value)
    return _page(db, list(db.scalars(rows)), limit)


def _page(db: Session, rows: list[Contact], limit: int) -> Page[ContactOut]:
    ids = [row.id for row in rows]
    addresses: dict[int, list[Address]] = {}
    for address in db.scalars(select(Address).where(Address.contact_id.in_(ids)).order_by(Address.id)):
        addresses.setdefault(address.contact_id, []).append(address)
    interests: dict[int, list[str]] = {}
    for one in db.scalars(select(Interest).where(Interest.contact_id.in_(ids)).order_by(Interest.code)):
        interests.setdefault(one.contact_id, []).append(one.code)
    shown = [(row.id, _shown(row, addresses.get(row.id, []), interests.get(row.id, []))) for row in rows]
    return Page[ContactOut].of(shown, limit)


def _shown(row: Contact, addresses: list[Address], interests: list[str]) -> ContactOut:
    plain = {name: getattr(row, name) for name in ContactOut.model_fields if name not in ("interests", "addresses")}
    listed = [AddressOut(channel=one.channel, masked=masked(one), reach=one.reach) for one in addresses]
    return ContactOut(**plain, interests=interests, addresses=listed)


@router.get("/contacts/{id}")
async def one(call: Reads, id: Id) -> ContactOut:
    """Show one contact."""
    return await call.read(lambda db: _page(db, [found(db.get(Contact, id))], 1).items[0])


@router.get("/contacts/{id}/identity")
async def identity(
    call: Annotated[Call, needs(Scope.CONTACTS_IDENTITY)],
    id: Id,
    reason: Annotated[str, Query(description=f"One of {', '.join(REASONS)}.", max_length=32)],
) -> IdentityOut:
    """Show what names a contact, for a reason, which the audit trail keeps."""
    if reason not in REASONS:
        raise Refused(422, "no-reason", f"Say why as `reason`: one of {', '.join(REASONS)}.")
    return await call.write(_identity, id, reason, call.user)


def _identity(db: Session, contact_id: int, reason: str, user: StaffUser) -> IdentityOut:
    contact = found(db.get(Contact, contact_id))
    addresses = db.scalars(select(Address).where(Address.contact_id == contact.id).order_by(Address.id))
    seen = IdentityOut(id=contact.id, city=contact.city, addresses={one.channel: one.value for one in addresses})
    audit.record(db, user, ACTION, "contact", contact.id, {"reason": reason})
    return seen


@router.get("/groups")
async def all_groups(call: Reads) -> list[GroupOut]:
    """List the groups, by name."""
    return await call.read(
        lambda db: [GroupOut(id=row.id, name=row.name, people=people) for row, people in groups.every(db)]
    )


@router.post("/groups", status_code=201, response_model=GroupOut)
async def create(call: Writes, body: GroupIn, key: IdempotencyKey = None) -> Response:
    """Make an empty group."""
    return await call.once(key, 201, lambda db: _create(db, body.name, call.user))


def _create(db: Session, name: str, user: StaffUser) -> GroupOut:
    group = groups.create(db, name)
    audit.record(db, user, "group.created", "group", group.id)
    return GroupOut(id=group.id, name=group.name, people=0)


@router.get("/groups/{id}/contacts")
async def members(call: Reads, id: Id, after: After = 0, limit: Limit = 50) -> Page[ContactOut]:
    """List who is in a group."""
    return await call.read(_members, id, after, limit)


def _members(db: Session, group_id: int, after: int, limit: int) -> Page[ContactOut]:
    group = found(db.get(Group, group_id))
    return _page(db, list(groups.members(db, group, after=after, limit=limit + 1)), limit)


@router.post("/groups/{id}/contacts", response_model=Added)
async def put(call: Writes, id: Id, body: MembersIn, key: IdempotencyKey = None) -> Response:
    """Put contacts into a group; who is there, or is nobody, changes nothing."""
    return await call.once(key, 200, lambda db: _put(db, id, body.contacts, call.user))


def _put(db: Session, group_id: int, contacts: list[int], user: StaffUser) -> Added:
    added = groups.put(db, found(db.get(Group, group_id)), set(contacts))
    audit.record(db, user, "group.filled", "group", group_id, {"added": added})
    return Added(added=added)


@router.delete("/groups/{id}/contacts/{contact}", status_code=204)
async def take(call: Writes, id: Id, contact: Id) -> None:
    """Take a contact out of a group."""
    await call.write(_take, id, contact, call.user)


def _take(db: Session, group_id: int, contact_id: int, user: StaffUser) -> None:
    group = found(db.get(Group, group_id))
    if db.get(Grouped, (group.id, contact_id)) is not None:
        groups.take_out(db, group, contact_id)
        audit.record(db, user, "group.left", "group", group_id, {"contact": contact_id})
