"""The PDF of MY DATA: what we hold about a person, to be read by that person, in their language."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Consent, Contact, Interest
from bot.contacts.service import zone_of
from bot.content import Content
from bot.content.languages import SOURCE
from bot.conversations import holdings, summary
from bot.conversations.models import Ticket
from bot.events import wording as events
from bot.events.models import Event, Rsvp
from bot.messaging.models import ArchivedInbound, ArchivedOutbound, InboxMessage, OutboxMessage, ReceivedFile
from bot.surveys import telling
from bot.surveys.models import Answer, Run

#: What the sections in words show; of every other table the rows follow as they are.
IN_WORDS = (
    Contact, Interest, Address, Consent, Run, Answer, Rsvp, Ticket,
    InboxMessage, OutboxMessage, ArchivedInbound, ArchivedOutbound, ReceivedFile,
)  # fmt: skip


#: Stands for words that were never kept, or not any more.
_GONE = "–"


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the paper; its first column is narrow."""

    heading: str
    rows: Sequence[Sequence[str]]
    note: str = ""


def make(db: Session, content: Content, template: Path, contact: Contact) -> bytes:
    """Return the PDF. What people wrote goes in as data, never as the template's language."""
    import typst

    values = {"data": json.dumps(pages(db, content, contact), ensure_ascii=False, default=str)}
    return bytes(typst.compile(str(template), sys_inputs=values, ignore_system_fonts=True))


def pages(db: Session, content: Content, contact: Contact) -> dict[str, Any]:
    """Return what stands in the PDF."""
    paper = _Paper(db, content, contact)
    # The summary's last words say what to do next in the chat, which a paper cannot.
    facts = summary.text(db, content, contact).rpartition("\n\n")[0]
    return {
        "language": paper.language,
        "project": paper.say("project.name"),
        "title": paper.say("mydata.pdf_title"),
        "made": paper.say("mydata.pdf_made", date=paper.when(clock.now())),
        "facts": facts.splitlines(),
        "sections": [asdict(section) for section in paper.sections() if section.rows],
    }


class _Paper:
    """The sections about one person."""

    def __init__(self, db: Session, content: Content, contact: Contact) -> None:
        self._db, self._content, self._contact = db, content, contact
        self.language = contact.language or SOURCE

    @cached_property
    def _zone(self) -> ZoneInfo:
        return zone_of(self._contact)

    def say(self, key: str, **values: object) -> str:
        """Return a wording in the person's language."""
        return self._content.catalogue.text(key, self.language, **values)

    def when(self, at: datetime) -> str:
        """Return a time as the person's clock shows it."""
        local = at.astimezone(self._zone)
        return f"{self._content.formats.format_date(local.date(), self.language)}, {local:%H:%M}"

    def sections(self) -> Iterator[Section]:
        """Yield what is held, the rows that nobody put in words last."""
        yield Section(self.say("mydata.pdf_chats"), [*self._chats()])
        yield Section(self.say("mydata.pdf_consents"), [*self._consents()])
        yield Section(self.say("mydata.pdf_answers"), [*self._answers()])
        yield Section(self.say("mydata.pdf_sessions"), [*self._sessions()])
        yield Section(self.say("mydata.pdf_questions"), [*self._questions()])
        yield Section(self.say("mydata.pdf_files"), [*self._files()])
        yield Section(self.say("mydata.pdf_messages"), [*self._messages()])
        yield from self._others()

    def _mine(self, model: Any) -> Any:
        return self._db.scalars(
            select(model).where(model.contact_id == self._contact.id).order_by(*model.__table__.primary_key)
        )

    def _chats(self) -> Iterator[list[str]]:
        for row in self._mine(Address):
            yield [self.say(f"channel.{row.channel}"), row.value.removeprefix(f"{row.channel}:")]

    def _consents(self) -> Iterator[list[str]]:
        for row in self._mine(Consent):
            decision = self.say(f"mydata.pdf_{row.decision}")
            yield [self.when(row.at), f"{self.say(f'purpose.{row.purpose}')} – {decision}", f"“{row.said}”"]

    def _answers(self) -> Iterator[list[str]]:
        for told in telling.all_told(self._db, self._content, self._contact):
            yield [self.when(told.at), f"{told.title} – {told.question}", told.answer]

    def _sessions(self) -> Iterator[list[str]]:
        for row in self._mine(Rsvp):
            title = events.translated(self._db.get_one(Event, row.event_id).title, self.language)
            yield [self.when(row.at), title, self.say(f"button.{row.answer}")]

    def _questions(self) -> Iterator[list[str]]:
        for row in self._mine(Ticket):
            yield [self.when(row.opened_at), row.text]

    def _files(self) -> Iterator[list[str]]:
        for row in self._mine(ReceivedFile):
            yield [self.when(row.received_at), row.filename or row.content_type or row.kind]

    def _messages(self) -> Iterator[list[str]]:
        said = [(row.received_at, "mydata.pdf_you", row.text or _GONE) for row in self._mine(InboxMessage)]
        sent = [(row.sent_at or row.created_at, "mydata.pdf_we", _words(row)) for row in self._mine(OutboxMessage)]
        said += [(row.received_at, "mydata.pdf_you", _GONE) for row in self._mine(ArchivedInbound)]
        sent += [(row.sent_at or row.created_at, "mydata.pdf_we", _GONE) for row in self._mine(ArchivedOutbound)]
        for at, who, words in sorted([*said, *sent], key=lambda item: item[0]):
            yield [f"{self.when(at)}\n{self.say(who)}", words]

    def _others(self) -> Iterator[Section]:
        shown = {model.__tablename__ for model in IN_WORDS}
        held = holdings.collect(self._db, self._contact)
        others = [[name, _listed(row)] for name, rows in held.items() if name not in shown for row in rows]
        yield Section(self.say("mydata.pdf_others"), others, self.say("mydata.pdf_others_note"))


def _words(row: OutboxMessage) -> str:
    """Return what a message of ours said; of one that was only a file, its name."""
    body = row.body or {"text": "", "media": None}
    return str(body["text"] or (body["media"] or [_GONE])[-1])


def _listed(row: dict[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in row.items())
