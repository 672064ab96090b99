"""Groups of members that staff make by hand, and notes about members."""

import re

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.contacts import groups
from bot.contacts.models import Contact, Group
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

PAGE = 50
NAME_LIMIT, NOTE_LIMIT = 64, 2000
#: Most members that are put into a group at once.
MOST = 5000


@pages.get("/members/groups", needs=Permission.MEMBERS_EDIT)
async def listing(visit: Visit) -> Response:
    return visit.page("members/groups.html", rows=await visit.database.query(groups.every))


@pages.post("/members/groups", needs=Permission.MEMBERS_EDIT)
async def create(visit: Visit) -> Response:
    name = visit.form.text("name")
    if not 0 < len(name) <= NAME_LIMIT:
        raise Refused("group_name")
    try:
        group = await visit.database.run(_create, name, visit.user)
    except groups.NameTaken:
        raise Refused("group_taken") from None
    return visit.go(f"/members/groups/{group.id}", "changed")


def _create(db: Session, name: str, user: StaffUser) -> Group:
    group = groups.create(db, name)
    audit.record(db, user, "group.created", "group", group.id)
    return group


@pages.get("/members/groups/{id:row}", needs=Permission.MEMBERS_EDIT)
async def one(visit: Visit) -> Response:
    group, rows = await visit.database.query(_group, visit.id, visit.query.number("after") or 0)
    return visit.page("members/group.html", group=group, rows=rows, page_size=PAGE)


def _group(db: Session, group_id: int, after: int) -> tuple[Group, object]:
    group = found(db.get(Group, group_id))
    return group, groups.members(db, group, after=after, limit=PAGE)


@pages.post("/members/groups/{id:row}/put", needs=Permission.MEMBERS_EDIT)
async def put(visit: Visit) -> Response:
    """Put members into the group by their numbers, as they stand in a list or an export of the console."""
    numbers = [int(number) for number in re.findall(r"(?<![0-9])[0-9]{1,15}(?![0-9])", visit.form.text("numbers"))]
    if not 0 < len(numbers) <= MOST:
        raise Refused("group_numbers")
    await visit.database.run(_put, visit.id, numbers, visit.user)
    return visit.go(f"/members/groups/{visit.id}", "changed")


def _put(db: Session, group_id: int, numbers: list[int], user: StaffUser) -> None:
    added = groups.put(db, found(db.get(Group, group_id)), numbers)
    audit.record(db, user, "group.filled", "group", group_id, {"added": added})


@pages.post("/members/groups/{id:row}/take", needs=Permission.MEMBERS_EDIT)
async def take(visit: Visit) -> Response:
    member = visit.form.number("member")
    await visit.database.run(_take, visit.id, member or 0, visit.user)
    return visit.go(f"/members/groups/{visit.id}", "changed")


def _take(db: Session, group_id: int, member: int, user: StaffUser) -> None:
    groups.take_out(db, found(db.get(Group, group_id)), member)
    audit.record(db, user, "group.left", "group", group_id, {"contact": member})


@pages.post("/members/groups/{id:row}/remove", needs=Permission.MEMBERS_EDIT)
async def remove(visit: Visit) -> Response:
    await visit.database.run(_remove, visit.id, visit.user)
    return visit.go("/members/groups", "changed")


def _remove(db: Session, group_id: int, user: StaffUser) -> None:
    db.delete(found(db.get(Group, group_id)))
    audit.record(db, user, "group.removed", "group", group_id)


@pages.post("/members/{id:row}/note", needs=Permission.MEMBERS_EDIT)
async def note(visit: Visit) -> Response:
    text = visit.form.text("text")
    if not 0 < len(text) <= NOTE_LIMIT:
        raise Refused("note_length")
    await visit.database.run(_note, visit.id, text, visit.user)
    return visit.go(f"/members/{visit.id}", "noted")


def _note(db: Session, contact_id: int, text: str, user: StaffUser) -> None:
    row = groups.note(db, found(db.get(Contact, contact_id)).id, text, user.id)
    audit.record(db, user, "member.noted", "contact", contact_id, {"note": row.id})
