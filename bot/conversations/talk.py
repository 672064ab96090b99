"""One turn of a conversation: who spoke, what was said, and how to answer."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.channels.base import Button, Inbound
from bot.contacts.models import Address, Contact
from bot.content import Content
from bot.conversations.models import Dialogue
from bot.messaging import outbox
from bot.messaging.outbox import Message


@dataclass(frozen=True, slots=True)
class Talk:
    """What every answer needs."""

    db: Session
    content: Content
    contact: Contact
    address: Address
    inbound: Inbound
    inbox_id: int
    dialogue: Dialogue

    @property
    def language(self) -> str:
        return self.contact.language or "en"

    @property
    def said(self) -> str:
        """Return the text of the message, or the id of the pressed button."""
        return self.inbound.button or self.inbound.text

    def text(self, key: str, /, **values: object) -> str:
        """Return a wording in the contact's language."""
        return self.content.catalogue.text(key, self.language, **values)

    def button(self, id: str, key: str) -> Button:
        """Return a button with a label from the catalogue."""
        return Button(id, self.text(key))

    def say(self, key: str, /, *buttons: Button, **values: object) -> None:
        """Answer with a wording from the catalogue."""
        self.send(Message(self.text(key, **values), buttons))

    def send(self, message: Message) -> None:
        """Answer with content that a room made."""
        outbox.reply(self.db, self.contact, self.address.id, self.address.channel, message)

    def open(self, step: str | None, **data: object) -> None:
        """Leave a question open (or none), handing on `data` to its answer."""
        self.dialogue.step = step
        self.dialogue.data = {**(self.dialogue.data or {}), **data} if step else {}
