"""Members who may be one person: staff say that they are, for good, or that they are two."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.contacts.models import Address, Contact, Likeness
from bot.conversations import alike, merging
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console import choosing
from bot.web.console.routes import Pages
from bot.web.console.visit import NotFound, Refused, Visit, found

pages = Pages()

PAGE = 20

Pairs = list[tuple[Likeness, Contact, Contact]]


@pages.get("/members/alike", needs=Permission.MEMBERS_ERASE)
async def listing(visit: Visit) -> Response:
    pairs, total, addresses = await visit.database.query(_list)
    origins = choosing.named(visit.context.content, "origin.", visit.reader)
    return visit.page("members/alike.html", pairs=pairs, total=total, addresses=addresses, origins=origins)


def _list(db: Session) -> tuple[Pairs, int, dict[int, list[Address]]]:
    pairs = alike.waiting(db, PAGE)
    ids = {contact.id for _, *both in pairs for contact in both}
    addresses: dict[int, list[Address]] = {}
    for address in db.scalars(select(Address).where(Address.contact_id.in_(ids)).order_by(Address.id)):
        addresses.setdefault(address.contact_id, []).append(address)
    return pairs, alike.count_waiting(db), addresses


@pages.post("/members/alike", needs=Permission.MEMBERS_ERASE)
async def decide(visit: Visit) -> Response:
    form = visit.form
    one, other, do = form.number("one"), form.number("other"), form.text("do")
    if one is None or other is None or do not in ("merge", "apart"):
        raise NotFound
    if do == "apart":
        await visit.database.run(_keep_apart, one, other, visit.user)
        return visit.go("/members/alike", "kept_apart")
    if form.text("sure") != "yes":
        raise Refused("not_sure_merge")
    await visit.database.run(_merge, one, other, form.number("stays"), visit.user)
    return visit.go("/members/alike", "merged")


def _merge(db: Session, one_id: int, other_id: int, stays: int | None, by: StaffUser) -> None:
    one, other = _pair(db, one_id, other_id)
    if stays not in (one.id, other.id):
        raise Refused("nobody_stays")
    into, gone = (one, other) if stays == one.id else (other, one)
    merging.merge(db, gone, into, by)


def _keep_apart(db: Session, one_id: int, other_id: int, by: StaffUser) -> None:
    alike.keep_apart(db, *_pair(db, one_id, other_id), by)


def _pair(db: Session, one_id: int, other_id: int) -> tuple[Contact, Contact]:
    """Return two who wait for a decision, locked: a colleague may have been faster, or one of them have left."""
    people = select(Contact).where(Contact.id.in_((one_id, other_id))).order_by(Contact.id).with_for_update()
    contacts = {contact.id: contact for contact in db.scalars(people)}
    if not alike.is_waiting(db, one_id, other_id):
        raise Refused("pair_decided")
    return found(contacts.get(one_id)), found(contacts.get(other_id))
