"""A survey rehearsed: the code that asks and reads in chat, on a database in memory that ends with it.

Nobody is asked and nothing is kept, so a form can be tried before anybody gets it.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Inbound, Media
from bot.contacts.models import Contact, State
from bot.content import Content, Keyword
from bot.content.languages import LANGUAGES
from bot.db import Base, import_models
from bot.messaging.outbox import Message
from bot.surveys import service
from bot.surveys.models import LIVE, Answer, Disposition, Run, Status, Survey, SurveyFile

#: Stands for a file or a place that a person would send.
SENT: Mapping[str, Any] = {"@photo": "image", "@audio": "audio", "@video": "video", "@file": "document"}
_PLACE = "@place "
#: Keywords that a survey understands itself; the others lead out of it.
_OURS = frozenset(
    {Keyword.BACK, Keyword.SKIP, Keyword.CHANGE, Keyword.WHY, Keyword.PAUSE, Keyword.DONE, Keyword.MORE,
     Keyword.YES, Keyword.NO, Keyword.MAYBE, Keyword.SURVEY}
)  # fmt: skip
_SEED = 1  #: chance falls alike each time, so that the same lines always give the same chat


class NotPossible(ValueError):
    """A line asks for what there is not: a button, language, channel or place, or a word that leads out of the survey.

    `kind` says which of these, `there` are those that there are.
    """

    def __init__(self, kind: str, named: str, there: tuple[str, ...] = ()) -> None:
        super().__init__(f"no {kind} {named}")
        self.kind, self.named, self.there = kind, named, there


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said, and by whom."""

    message: Message
    mine: bool = False  #: by the person
    channel: str = ""
    language: str = ""
    edits: bool = False  #: stands in the place of the last message with buttons


@dataclass(frozen=True, slots=True)
class Ended:
    """How far the survey came, with the answers that count; `fault` names what could not be computed."""

    disposition: str
    over: bool
    answers: Mapping[str, str]
    fault: str | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"disposition": self.disposition, "over": self.over, "answers": dict(self.answers)}


def copy(survey: Survey) -> Survey:
    """Return a survey as one that is open to everybody, to be rehearsed elsewhere than where it is kept."""
    columns = ("id", "form_id", "version", "title", "sha256", "filename", "xform", "created_at")
    twin = Survey(**{name: getattr(survey, name) for name in columns}, file=b"", status=Status.OPEN, quotas={})
    twin.media = [SurveyFile(name=file.name, data=file.data) for file in survey.media]
    return twin


class Rehearsal:
    """One person in one survey. Each line is a message of theirs, in a transaction of its own as in real life.

    `[Label]` or `[id]` presses a button; @photo, @audio, @video, @file and `@place -29.3,27.5` send one;
    `@language fr` and `@channel whatsapp` go on in another language or on another channel.
    """

    def __init__(self, content: Content, channels: tuple[str, ...], channel: str) -> None:
        import_models()
        self._engine = create_engine("sqlite://")
        Base.metadata.create_all(self._engine)
        self._content, self._channels, self._channel, self._language = content, channels, channel, ""
        self._numbers = itertools.count(1)
        self._shown: list[Message] = []
        self.chat: list[Said] = []

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    @contextmanager
    def _open(self) -> Iterator[Session]:
        with Session(self._engine, expire_on_commit=False) as db, db.begin():
            yield db

    def begin(self, survey: Survey, language: str) -> list[Message]:
        """Ask the first question of a survey (`copy`)."""
        self._language = language
        with self._open() as db:
            contact = Contact(state=State.MEMBER, language=language, channel=self._channel, created_at=clock.now())
            db.add_all([contact, survey])
            db.flush()
            return self._show(service.begin(db, self._content, contact, self._channel, survey, seed=_SEED))

    def hear(self, line: str) -> list[Message]:
        """Take one line and return what the bot says to it; raise NotPossible."""
        with self._open() as db:
            contact, run = db.scalars(select(Contact)).one(), db.scalars(select(Run)).one_or_none()
            if run is None:
                return []
            if line.startswith("@language "):
                self._language = _one_of("language", line, tuple(LANGUAGES))
                return self._show(service.speak(db, self._content, contact, run, self._language))
            if line.startswith("@channel "):
                self._channel = contact.channel = _one_of("channel", line, self._channels)
                return self._show(service.resume(db, self._content, contact, run, self._channel))
            inbound = self._inbound(line)
            self.chat.append(self._said(Message(inbound.text or line), mine=True))
            return self._show(self._answer(db, contact, run, inbound))

    def _stop(self, db: Session, contact: Contact, run: Run, text: str) -> bool:
        """Leave at STOP; raise NotPossible for another word that the bot, and not the survey, answers."""
        word = self._content.keywords.match(text)
        if word is None or word in _OURS or service.offers(db, self._content, contact, run, text):
            return False
        if word is not Keyword.STOP:
            raise NotPossible("word", text)
        return service.withdraw(db, contact) > 0

    def _answer(self, db: Session, contact: Contact, run: Run, inbound: Inbound) -> list[Message]:
        if inbound.button:
            return service.press(db, self._content, contact, inbound)
        if self._stop(db, contact, run, inbound.text):
            return []
        if run.paused:
            return service.resume(db, self._content, contact, run, self._channel)
        return service.answer(db, self._content, contact, run, inbound)

    def _inbound(self, line: str) -> Inbound:
        head = (self._channel, "us", f"line-{next(self._numbers)}", "me")
        if line in SENT:
            return Inbound(*head, "media", media=(Media(SENT[line], f"a {line[1:]}"),))
        if line.startswith(_PLACE):
            return Inbound(*head, "location", location=_place(line.removeprefix(_PLACE)))
        if line.startswith("[") and line.endswith("]"):
            id, label = self._button(line[1:-1])
            return Inbound(*head, "button", text=label, button=id, replies_to="shown")
        return Inbound(*head, "text", text=line)

    def _button(self, wanted: str) -> tuple[str, str]:
        buttons = [button for message in self._shown for button in message.buttons]
        older = [button for said in reversed(self.chat) for button in said.message.buttons]
        for button in (*buttons, *(one for one in older if one.id == wanted)):  # an old one is named by its id
            if wanted == button.id or wanted.casefold() == button.label.casefold():
                return button.id, button.label
        raise NotPossible("button", wanted, tuple(button.label for button in buttons))

    def _show(self, messages: list[Message]) -> list[Message]:
        self._shown = messages or self._shown
        self.chat += [self._said(message, edits=bool(message.edits)) for message in messages]
        return messages

    def _said(self, message: Message, *, mine: bool = False, edits: bool = False) -> Said:
        return Said(message, mine, self._channel, self._language, edits)

    def ended(self) -> Ended:
        """Return how far the survey came."""
        with self._open() as db:
            run = db.scalars(select(Run)).one_or_none()
            if run is None:  # its expressions fail before the first question
                return Ended(str(Disposition.STARTED), True, {}, "")
            counting = select(Answer).where(Answer.superseded_at.is_(None), Answer.relevant).order_by(Answer.id)
            values = {one.path: one.value or one.private or "" for one in db.scalars(counting)}
            return Ended(str(run.disposition), run.disposition not in LIVE, values, run.fault)


def _one_of(kind: str, line: str, there: tuple[str, ...]) -> str:
    named = line.partition(" ")[2].strip()
    if named not in there:
        raise NotPossible(kind, named, there)
    return named


def _place(text: str) -> tuple[float, float]:
    with suppress(ValueError):
        latitude, longitude = map(float, text.split(","))
        return latitude, longitude
    raise NotPossible("place", text)
