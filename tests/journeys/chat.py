"""A journey reads like a chat: what a person writes and taps, and which wording the bot must answer with.

Each line of a script is one message:

    me: Joburg                      the person writes this
    me: [button.agree]              presses the button with this label, given as a catalogue key, a label or an id
    bot: registration.ask_adult     the next message is this wording, in the person's language
    bot: delete.done | other words  ... and has these words in it
    language: fr                    from here on the bot speaks French

When a script ends the bot has nothing more to say: that is checked too.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import crypto
from bot.contacts.models import Address, Contact
from bot.content.languages import LANGUAGES, chain
from bot.demo.people import AnyPhone
from bot.demo.stage import Stage
from bot.emulators.phone import PhoneMessage
from bot.messaging.models import OPEN, InboxMessage, OutboxMessage, Status

PATIENCE = 8.0  #: real seconds
_LINE = re.compile(r"(me|bot|language): ?(.*)")
_KEY = re.compile(r"[a-z_]+\.[A-Za-z0-9_./]+")


@dataclass
class Person:
    """Somebody with a phone, and the words they know."""

    stage: Stage
    phone: AnyPhone
    language: str = "en"
    done: int = 0  #: how many things they have done that the bot must have noted
    heard: list[PhoneMessage] = field(default_factory=list)

    async def play(self, script: str, **values: object) -> None:
        """Act out a script; `{name}` in it stands for the value of that name."""
        for line in filter(None, map(str.strip, script.splitlines())):
            found = _LINE.fullmatch(line)
            assert found, f"what is this line: {line}"
            said = re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), found[2])
            match found[1]:
                case "bot":
                    await self.hear(*said.split(" | "))
                case "me":
                    await self.act(said)
                case "language":
                    self.language = said
        await self.settle()
        extra = [message.text for message in self.phone._inbox]
        assert not extra, f"the bot said more: {extra}\n{self.phone.transcript()}"

    async def act(self, said: str) -> None:
        """Write a text, or press a [button]."""
        if said.startswith("[") and said.endswith("]"):
            await self.tap(said[1:-1])
        else:
            await self.write(said)

    async def write(self, text: str) -> None:
        self.done += 1
        await self.phone.send(text)

    async def tap(self, button: str, on: PhoneMessage | None = None) -> None:
        self.done += 1
        await self.phone.tap(self.words(button) if _KEY.fullmatch(button) else button, on)

    async def hear(self, key: str, *parts: str) -> PhoneMessage:
        """Take the next message, and see that it is this wording in the person's language."""
        try:
            message = await self.phone.next_message(PATIENCE)
            while message.media and not message.text:  # on WhatsApp a document comes before its words
                message = await self.phone.next_message(PATIENCE)
        except TimeoutError:
            raise AssertionError(f"the bot did not say {key}\n{self.phone.transcript()}") from None
        self.heard.append(message)
        pattern = re.sub(r"\\\{[a-z_]+\\\}", "(.*)", re.escape(self.words(key)))
        wanted = pattern if _KEY.fullmatch(key) else f".*{re.escape(key)}.*"
        assert re.match(wanted, message.text, re.DOTALL), f"not {key}: {message.text}\n{self.phone.transcript()}"
        for part in parts:
            words = self.words(part) if _KEY.fullmatch(part) else part
            assert words in message.text, f"no {words!r} in: {message.text}"
        return message

    def words(self, key: str) -> str:
        """Return the wording of a key as the person reads it."""
        catalogue = self.stage.app.content.catalogue
        found = (catalogue.entry(key, language) for language in chain(self.language))
        return next((entry.forms[0] for entry in found if entry and not entry.draft), key)

    async def settle(self) -> None:
        """Wait until all that was done is handled, and all answers have left."""
        async with asyncio.timeout(PATIENCE):
            while not await self.query(self._is_settled):  # noqa: ASYNC110 - a database calls nobody
                await asyncio.sleep(0.01)

    def _is_settled(self, db: Session) -> bool:
        contact = self.contact(db)
        if contact is None:
            return False
        noted = select(func.count()).select_from(InboxMessage).where(InboxMessage.contact_id == contact.id)
        waiting = select(OutboxMessage.id).where(
            OutboxMessage.contact_id == contact.id, OutboxMessage.status.in_(OPEN), OutboxMessage.purpose.is_(None)
        )
        return (db.scalar(noted) or 0) >= self.done and db.scalar(waiting.limit(1)) is None

    async def query(self, function: Any, *args: Any) -> Any:
        return await self.stage.app.database.query(function, *args)

    async def run(self, function: Any, *args: Any) -> Any:
        return await self.stage.app.database.run(function, *args)

    def contact(self, db: Session) -> Contact | None:
        """Return the person's row, if there is one."""
        return db.scalars(
            select(Contact).join(Address).where(Address.value_hash == crypto.index(self.phone.address))
        ).one_or_none()

    async def details(self) -> Contact:
        """Return the person's row."""
        found = await self.query(self.contact)
        assert found
        return found  # type: ignore[no-any-return]

    async def reaches(self, status: Status) -> None:
        """Wait until all of the bot's messages to the person stand there."""
        async with asyncio.timeout(PATIENCE):
            while await self.query(self._statuses) != {status}:  # noqa: ASYNC110 - a database calls nobody
                await asyncio.sleep(0.01)

    def _statuses(self, db: Session) -> set[str]:
        contact = self.contact(db)
        assert contact
        return set(db.scalars(select(OutboxMessage.status).where(OutboxMessage.contact_id == contact.id)))

    async def join(self, origin: str = "LS", home: str = "Joburg") -> None:
        """Register the quickest way."""
        await self.play(
            """
            me: START
            bot: registration.choose_language
            me: [{language}]
            bot: registration.welcome
            bot: registration.ask_consent
            me: [button.agree]
            bot: registration.ask_adult
            me: [button.yes]
            bot: registration.ask_origin
            me: [origin.{origin}]
            bot: registration.ask_link
            me: [button.skip]
            bot: registration.ask_residence
            me: {home}
            bot: registration.ask_interests
            me: [button.skip]
            bot: registration.done
            """,
            language=LANGUAGES[self.language].name,
            origin=origin,
            home=home,
        )
