"""What can be done with people: find them, note how they can be reached and what interests them."""

from collections.abc import Collection, Iterable
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.contacts.models import Address, Contact, Interest, Reach, State

#: The zone of the project's office: what we go by for a person whose own we do not know.
HOME_ZONE = "Africa/Maseru"


#: Everybody at these addresses, locked; others may queue messages to them meanwhile.
_FIND = (
    select(Contact, Address)
    .join(Address, Address.contact_id == Contact.id)
    .where(Address.channel == bindparam("channel"), Address.sender == bindparam("sender"))
    .where(Address.value_hash.in_(bindparam("hashes", expanding=True)))
    .order_by(Contact.id)
    .with_for_update(key_share=True)
)


def find_or_create_all(
    db: Session, channel: str, sender: str, addresses: Collection[str]
) -> dict[str, tuple[Contact, Address]]:
    """Return contact and address of each, all locked against a second message of the same person."""
    hashes = {crypto.index(address): address for address in addresses}
    rows = db.execute(_FIND, {"channel": channel, "sender": sender, "hashes": list(hashes)})
    found = {hashes[address.value_hash]: (contact, address) for contact, address in rows}
    new = sorted(set(addresses) - set(found))
    return found | {address: find_or_create(db, channel, sender, address) for address in new}


def find_or_create(db: Session, channel: str, sender: str, address: str) -> tuple[Contact, Address]:
    """Return the contact and address; both are locked against a second message of the same person."""
    found = _find(db, channel, sender, address)
    if found is None:
        try:
            with db.begin_nested():
                return _create(db, channel, sender, address)
        except IntegrityError:  # the person's first two messages came at once, and the other one won
            found = _find(db, channel, sender, address)
    assert found  # noqa: S101 - what stood in the way of the insert is there
    return found


def _find(db: Session, channel: str, sender: str, address: str) -> tuple[Contact, Address] | None:
    row = db.execute(_FIND, {"channel": channel, "sender": sender, "hashes": [crypto.index(address)]}).one_or_none()
    return None if row is None else (row[0], row[1])


def _create(db: Session, channel: str, sender: str, address: str) -> tuple[Contact, Address]:
    contact = Contact(channel=channel, sender=sender, state=State.NEW, created_at=clock.now())
    db.add(contact)
    db.flush()
    return contact, _add_address(db, contact, channel, sender, address)


def _add_address(db: Session, contact: Contact, channel: str, sender: str, value: str) -> Address:
    row = Address(
        contact_id=contact.id,
        channel=channel,
        sender=sender,
        value=value,
        value_hash=crypto.index(value),
        reach=Reach.OPEN,
    )
    db.add(row)
    db.flush()
    return row


def set_reach(db: Session, address_id: int, reach: Reach) -> None:
    """Note whether an address can be written to; one that its person closed stays closed."""
    still = Address.id == address_id, Address.reach != Reach.CLOSED
    db.execute(update(Address).where(*still).values(reach=reach))


def set_interests(db: Session, contact: Contact, codes: Iterable[str]) -> None:
    """Replace the declared interests."""
    db.execute(delete(Interest).where(Interest.contact_id == contact.id))
    db.add_all(Interest(contact_id=contact.id, code=code) for code in dict.fromkeys(codes))
    db.flush()


def interests(db: Session, contact: Contact) -> list[str]:
    """Return the codes of the declared interests."""
    return list(db.scalars(select(Interest.code).where(Interest.contact_id == contact.id).order_by(Interest.code)))


def zone_of(contact: Contact) -> ZoneInfo:
    """Return the contact's own time zone, or the project's."""
    return ZoneInfo(contact.zone or HOME_ZONE)
