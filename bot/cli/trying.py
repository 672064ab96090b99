"""A survey in the terminal: the code that asks and reads in chat, on a database that is thrown away."""

import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, crypto, migrations, settings
from bot.channels.base import Inbound, Media
from bot.cli.output import Trouble
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.db import Database
from bot.messaging.outbox import Message
from bot.surveys import service
from bot.surveys.models import LIVE, Answer, Run

CHANNELS = ("telegram", "whatsapp")
_MEDIA: dict[str, Any] = {"@photo": "image", "@audio": "audio", "@video": "video", "@file": "document"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How far the survey came."""

    disposition: str
    over: bool
    answers: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"disposition": self.disposition, "over": self.over, "answers": dict(self.answers)}


def converse(form: Path, lists: Mapping[str, bytes], language: str, channel: str, *, speak: bool) -> Ended:
    """Ask a form until it is over or nobody answers any more; `speak` False prints nothing."""
    content = Content.load(settings.load().messages)
    crypto.use(crypto.Keyring([os.urandom(32)]))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'try.db'}")
        try:
            migrations.upgrade(database.engine)
            chat = Chat(database, content, channel, speak=speak)
            chat.begin(form, lists, language)
            for line in lines(speak=speak):
                chat.hear(line)
                if chat.ended().over:
                    break
            return chat.ended()
        finally:
            database.close()


def lines(*, speak: bool) -> Iterator[str]:
    """Yield what is typed, or what a script holds; an empty line says nothing."""
    while True:
        try:
            said = input("> " if speak else "").strip()
        except EOFError:
            return
        if speak and not sys.stdin.isatty():
            typer.echo(said)  # a transcript shows both sides
        if said:
            yield said


class Chat:
    """One person in one survey."""

    def __init__(self, database: Database, content: Content, channel: str, *, speak: bool) -> None:
        self._database, self._content, self._channel, self._speak = database, content, channel, speak
        self._numbers = itertools.count(1)
        self._heard: list[Message] = []

    def begin(self, form: Path, lists: Mapping[str, bytes], language: str) -> None:
        """Publish the form and ask the first question."""
        with self._database.begin() as db:
            contact = Contact(state=State.MEMBER, language=language, channel=self._channel, created_at=clock.now())
            db.add(contact)
            survey = service.publish(db, form.read_bytes(), form.name, lists)
            self._show(service.begin(db, self._content, contact, self._channel, survey))

    def hear(self, line: str) -> None:
        """Take one message, in a transaction of its own as in real life."""
        with self._database.begin() as db:
            contact = db.scalars(select(Contact)).one()
            self._show(self._answer(db, contact, self._run(db), line))

    def _run(self, db: Session) -> Run:
        return db.scalars(select(Run)).one()

    def _answer(self, db: Session, contact: Contact, run: Run, line: str) -> list[Message]:
        if line.startswith("@language "):
            return service.speak(db, self._content, contact, run, _language(line))
        inbound = self._inbound(line)
        if inbound.button:
            return service.press(db, self._content, contact, inbound)
        if run.paused:
            return service.resume(db, self._content, contact, run, self._channel)
        return service.answer(db, self._content, contact, run, inbound)

    def _inbound(self, line: str) -> Inbound:
        id = f"line-{next(self._numbers)}"
        if line in _MEDIA:
            return Inbound(self._channel, "us", id, "me", "media", media=(Media(_MEDIA[line], f"a {line[1:]}"),))
        if line.startswith("[") and line.endswith("]"):
            return Inbound(self._channel, "us", id, "me", "button", text=line[1:-1], button=self._button(line[1:-1]))
        return Inbound(self._channel, "us", id, "me", "text", text=line)

    def _button(self, label: str) -> str:
        buttons = [button for message in self._heard for button in message.buttons]
        for button in buttons:
            if button.label.casefold() == label.casefold():
                return button.id
        raise Trouble(
            f"There is no button [{label}]: {' '.join(f'[{one.label}]' for one in buttons) or 'none is shown'}"
        )

    def _show(self, messages: list[Message]) -> None:
        self._heard = messages or self._heard
        for message in messages if self._speak else ():
            typer.echo(f"\n{message.text}")
            if message.buttons:
                typer.echo(" ".join(f"[{button.label}]" for button in message.buttons))

    def ended(self) -> Ended:
        """Return how far the survey came, with the answers that count."""
        with self._database.read() as db:
            run = self._run(db)
            counting = select(Answer).where(Answer.superseded_at.is_(None), Answer.relevant).order_by(Answer.id)
            values = {one.path: one.value or one.private or "" for one in db.scalars(counting)}
            return Ended(str(run.disposition), run.disposition not in LIVE, values)


def _language(line: str) -> str:
    code = line.removeprefix("@language ").strip()
    if code not in LANGUAGES:
        raise Trouble(f"There is no language {code}: use {', '.join(LANGUAGES)}")
    return code
