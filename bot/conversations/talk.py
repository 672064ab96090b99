"""One turn of a conversation: who spoke, what was said, and how to answer."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.channels.base import Button, Inbound
from bot.contacts.models import Address, Contact
from bot.content import Content, Keyword
from bot.content.languages import LANGUAGES, SOURCE
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
        return self.contact.language or SOURCE

    @property
    def said(self) -> str:
        """Return the text of the message, or the id of the pressed button."""
        return self.inbound.button or self.inbound.text

    @property
    def keyword(self) -> Keyword | None:
        """Return what the text means when it is nothing but a keyword."""
        return self.content.keywords.match(self.inbound.text) if self.inbound.kind == "text" else None

    @property
    def says_stop(self) -> bool:
        """Say whether this means STOP, wherever it is written: under a picture, or into a message sent before."""
        return self.inbound.button is None and self.content.keywords.match(self.inbound.text) == Keyword.STOP

    def text(self, key: str, /, **values: object) -> str:
        """Return a wording in the contact's language."""
        return self.content.catalogue.text(key, self.language, **values)

    def with_notice(self, key: str, /, **values: object) -> str:
        """Return a wording; where it stands for an unreviewed one, say why it comes in another language."""
        text, language = self.text(key, **values), LANGUAGES[self.language].name
        is_draft = self.content.catalogue.draft(key, self.language) is not None
        return f"{text}\n\n{self.text('language.partly', language=language)}" if is_draft else text

    def button(self, id: str, key: str) -> Button:
        """Return a button with a label from the catalogue."""
        return Button(id, self.text(key))

    def say(self, key: str, /, *buttons: Button, **values: object) -> None:
        """Answer with a wording from the catalogue."""
        self.send(Message(self.text(key, **values), buttons))

    def send(self, message: Message) -> None:
        """Answer with content that a room made."""
        outbox.reply(self.db, self.contact, self.address, message)

    def open(self, step: str, **data: object) -> None:
        """Leave the next question open, handing on `data`, and what the questions before handed on, to its answer."""
        self.dialogue.step, self.dialogue.data = step, {**self.dialogue.data, **data}

    def ask_aside(self, step: str, **data: object) -> None:
        """Open a question out of turn: the one that is open waits behind it, unless it was out of turn too."""
        current = self.dialogue
        behind = current.data.get("behind", current.step and [current.step, current.data])
        current.step, current.data = step, {**data, "behind": behind}

    def close(self) -> bool:
        """Close the open question; return whether one that waited behind it is open again."""
        step, data = self.dialogue.data.get("behind") or (None, {})
        self.dialogue.step, self.dialogue.data = step, data
        return step is not None

    def close_all(self) -> None:
        """Close the open question and whatever waits behind it."""
        self.dialogue.step, self.dialogue.data = None, {}
