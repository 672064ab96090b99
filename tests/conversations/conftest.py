"""A person in front of the router: messages go in as the edge hands them on, answers are read from the outbox."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels.base import Inbound, Media
from bot.contacts.models import Address, Contact
from bot.content import Content
from bot.content.languages import chain
from bot.conversations import safety
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import inbox
from bot.messaging.models import Handling, InboxMessage, OutboxMessage, Status
from bot.messaging.outbox import Message

_ids = itertools.count(1)


@dataclass
class Line:
    """One person's chat with the bot, without any provider."""

    database: Database
    router: Router
    address: str
    channel: str = "telegram"
    answers: list[Message] = field(default_factory=list)  #: to what was done last

    def write(self, text: str, kind: Any = "text", **parts: Any) -> str:
        """Send a text and return the answers, one below the other."""
        return self._send(Inbound(self.channel, "us", str(next(_ids)), self.address, kind, text=text, **parts))

    def press(self, button: str, text: str = "") -> str:
        """Press a button with any id."""
        return self.write(text, "button", button=button)

    def photo(self, caption: str = "") -> str:
        return self.write(caption, "media", media=(Media("image", "file-1"),))

    def place(self) -> str:
        return self.write("", "location", location=(-29.31, 27.48))

    def play(self, *said: str) -> str:
        """Write one text after the other and return the last answer."""
        return [self.write(text) for text in said][-1]

    def join(self, *, language: str = "English") -> None:
        """Register the quickest way."""
        self.play("START", language, "yes", "yes", "1", "skip", "Joburg", "skip")
        assert self.contact().joined_at

    def says(self, key: str) -> str:
        """Return a wording as this person reads it, up to its first gap."""
        languages = chain(self.contact().language or "en")
        found = (self.router.content.catalogue.entry(key, language) for language in languages)
        return next(entry.forms[0] for entry in found if entry and not entry.draft).partition("{")[0]

    def contact(self) -> Contact:
        with self.database.begin() as db:
            return db.scalars(select(Contact).join(Address)).one()

    def _send(self, inbound: Inbound) -> str:
        with self.database.begin() as db:
            before = list(db.scalars(select(OutboxMessage.id)))
        with self.database.begin() as db:
            inbox.receive(db, [safety.redact(inbound)], self.router.handle)
            row = db.scalars(select(InboxMessage).order_by(InboxMessage.id.desc()).limit(1)).one()
            assert (row.handling, row.error) == (Handling.DONE, None)
        with self.database.begin() as db:
            rows = db.scalars(
                select(OutboxMessage).where(OutboxMessage.id.not_in(before)).order_by(OutboxMessage.id)
            ).all()
            self.answers = [Message.from_json(row.body) for row in rows]
            for row in rows:
                row.status = Status.SENT
        return "\n----\n".join(message.text for message in self.answers)


@pytest.fixture(scope="session")
def router(messages_dir: Path) -> Router:
    return Router(Content.load(messages_dir), "@official_bot", "diaspora.example.org")


@pytest.fixture
def line(database: Database, router: Router) -> Line:
    """A person who has not written yet."""
    return Line(database, router, "4711")


@pytest.fixture
def member(line: Line) -> Line:
    """A person who has joined."""
    line.join()
    return line


@pytest.fixture
def media_dir(tmp_path: Path) -> Path:
    """A folder for files that are sent."""
    return tmp_path / "media"
