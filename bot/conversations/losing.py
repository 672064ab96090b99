"""A file that a member sent and that will not come: whoever waits for it says so."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts.models import Address, Contact, Reach, State
from bot.content import Content
from bot.messaging import outbox
from bot.messaging.models import ReceivedFile
from bot.surveys import service as surveys


def lose(db: Session, content: Content, file: ReceivedFile) -> None:
    """Tell the member where it answers something, in the chat it came from; staff see the rest beside the message."""
    contact = db.get(Contact, file.contact_id, with_for_update=True)
    if contact is None or contact.state != State.MEMBER:
        return
    here = select(Address).where(
        Address.contact_id == contact.id, Address.channel == file.channel, Address.reach == Reach.OPEN
    )
    address = db.scalars(here.order_by(Address.last_inbound_at.desc().nulls_last()).limit(1)).one_or_none()
    if address is None:
        return
    for message in surveys.lose(db, content, contact, file):
        outbox.reply(db, contact, address, message)
