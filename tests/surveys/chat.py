"""A person in a survey: every message goes through the service in a transaction of its own, as in real life."""

import itertools
from dataclasses import dataclass, field

from sqlalchemy import select

from bot import clock
from bot.channels.base import Inbound, Media
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.db import Database
from bot.messaging.outbox import Message
from bot.surveys import service
from bot.surveys.models import Answer, Run, Survey


@dataclass
class Chat:
    """One member on one channel."""

    database: Database
    content: Content
    channel: str = "telegram"
    language: str = "en"
    heard: list[Message] = field(default_factory=list)  #: what came back last
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        with self.database.begin() as db:
            contact = Contact(state=State.MEMBER, language=self.language, channel=self.channel, created_at=clock.now())
            db.add(contact)
            db.flush()
            self.contact_id = contact.id

    def publish(self, data: bytes, filename: str) -> int:
        with self.database.begin() as db:
            return service.publish(db, data, filename).id

    def say_in(self, language: str) -> None:
        """Set the member's language before anything is asked."""
        with self.database.begin() as db:
            self._contact(db).language = language

    def change_language(self, language: str) -> str:
        with self.database.begin() as db:
            run = service.open_run(db, self._contact(db))
            assert run
            return self._hear(service.speak(db, self.content, self._contact(db), run, language))

    def begin(self, survey_id: int, occasion: str = "") -> str:
        with self.database.begin() as db:
            survey, contact = db.get_one(Survey, survey_id), self._contact(db)
            found = service.begin(db, self.content, contact, self.channel, survey, occasion=occasion)
        return self._hear(found)

    def offer(self) -> str:
        with self.database.begin() as db:
            return self._hear(service.offer(db, self.content, self._contact(db), self.channel))

    def say(self, text: str) -> str:
        return self.send(text=text)

    def send(self, **parts: object) -> str:
        kind = next((kind for kind in ("button", "location", "media") if parts.get(kind)), "text")
        inbound = Inbound(self.channel, "us", f"in-{next(self.ids)}", "me", kind, **parts)  # type: ignore[arg-type]
        self.last = inbound
        return self.receive(inbound)

    def repeat(self) -> str:
        """Let the provider deliver the last message again."""
        return self.receive(self.last)

    def answer_button(self, button: str) -> str:
        """Press a template's button, which names no run."""
        inbound = Inbound(self.channel, "us", f"in-{next(self.ids)}", "me", "button", button=button)
        with self.database.begin() as db:
            run = service.open_run(db, self._contact(db))
            assert run
            return self._hear(service.answer(db, self.content, self._contact(db), run, inbound))

    def receive(self, inbound: Inbound) -> str:
        with self.database.begin() as db:
            contact = self._contact(db)
            if inbound.button:
                return self._hear(service.press(db, self.content, contact, inbound))
            run = service.open_run(db, contact)
            assert run, "no run is open"
            return self._hear(service.answer(db, self.content, contact, run, inbound))

    def tap(self, label: str) -> str:
        return self.press(self.button(label))

    def press(self, button: str) -> str:
        return self.send(button=button, replies_to="message-7")

    def button(self, label: str) -> str:
        return next(button.id for button in self.heard[-1].buttons if button.label == label)

    def labels(self) -> list[str]:
        return [button.label for button in self.heard[-1].buttons]

    def photo(self) -> str:
        return self.send(media=(Media("image", "file-1"),))

    def _contact(self, db) -> Contact:  # type: ignore[no-untyped-def]
        return db.get_one(Contact, self.contact_id)

    def _hear(self, messages: list[Message]) -> str:
        for message in messages:
            assert message.text.strip()
            assert len(message.text) <= 4096
            assert "{" not in message.text
            assert all(len(button.id.encode()) <= 64 and button.label for button in message.buttons)
        self.heard = messages or self.heard
        return "\n----\n".join(message.text for message in messages)

    def run(self) -> Run:
        with self.database.begin() as db:
            run = db.scalars(select(Run).where(Run.contact_id == self.contact_id).order_by(Run.id.desc())).first()
            assert run
            return run

    def answers(self, *, all_rows: bool = False) -> list[Answer]:
        with self.database.begin() as db:
            query = select(Answer).join(Run).where(Run.contact_id == self.contact_id).order_by(Answer.id)
            return list(db.scalars(query if all_rows else query.where(Answer.superseded_at.is_(None))))

    def values(self) -> dict[str, str | None]:
        return {row.name: row.value or row.private for row in self.answers() if row.relevant}
