"""One turn of a run: the run brought to life for one message, and how its questions stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from sqlalchemy.orm import Session as Db

from bot import clock
from bot.channels.base import Media
from bot.contacts.models import Contact
from bot.contacts.service import zone_of
from bot.content import Content
from bot.content.languages import SOURCE
from bot.surveys import awake, files
from bot.surveys.answers import bare
from bot.surveys.asking import Asked, form_language, step_of
from bot.surveys.engine import Prompt, Session, Shown
from bot.surveys.form import Bind, Form, Question, Type
from bot.surveys.models import LIVE, Run, Survey
from bot.surveys.publishing import form_of
from bot.surveys.reading import LONG_LIST, Listener
from bot.surveys.showing import in_words
from bot.surveys.spelling import Option

REVIEW = "*review"  #: stands for a path when all is answered and not yet sent
YES, NO = "true", "false"


@dataclass(slots=True)
class Turn:
    """What is needed to handle one message of one person in one run."""

    db: Db
    content: Content
    contact: Contact
    run: Run
    survey: Survey
    channel: str
    form: Form
    session: Session

    @classmethod
    def begin(cls, db: Db, content: Content, contact: Contact, run: Run, channel: str) -> Self:
        """Bring the run to life where it stopped."""
        form = form_of(run.survey)
        session = awake.wake(run.id, form, run.state, clock.now(), zone_of(contact))
        turn = cls(db, content, contact, run, run.survey, channel, form, session)
        turn.tune()
        return turn

    def save(self) -> None:
        """Store what must be known at the next message."""
        run = self.run
        run.state, run.fault = self.session.state.to_json(), None
        run.language, run.channel, run.updated_at = self.language, self.channel, clock.now()
        if run.disposition in LIVE:
            awake.rest(run.id, run.state, self.session)

    @property
    def language(self) -> str:
        """Return the language of the person."""
        return self.contact.language or SOURCE

    @property
    def listener(self) -> Listener:
        """Return with whose ears we listen."""
        return Listener(self.content, self.language, clock.now().astimezone(zone_of(self.contact)))

    def tune(self) -> None:
        """Ask in the form's language nearest to the person's."""
        nearest = form_language(self.form, self.language, self.content)
        if self.session.language != nearest:
            self.session.language = nearest

    def say(self, key: str, /, **values: object) -> str:
        """Return our own wording of `key`."""
        return self.content.catalogue.text(key, self.language, **values)

    def prompt(self) -> Prompt | None:
        """Return the open question; None when every question has its answer."""
        if self.run.path and self.run.path != REVIEW:
            try:
                return self.session.prompt(self.run.path)
            except KeyError:  # made moot, if only by the passing of time
                self.move(None)
        return self.session.next_question()

    def move(self, path: str | None) -> None:
        """Make the question at `path` the open one."""
        run = self.run
        run.path, run.page, run.failures, run.draft = path, 0, 0, None
        run.shown_at = clock.now() if path else None

    def asked(self, prompt: Prompt, *before: str) -> Asked:
        """Return how the question stands."""
        question = question_of(prompt)
        options = self.options(prompt)
        done = self.session.answered()
        return Asked(
            question=question,
            label=self._label(prompt),
            step=self.step(prompt),
            number=done.index(prompt.path) + 1 if prompt.path in done else len(done) + 1,
            total=self.total(done, prompt.path),
            hint=prompt.hint.text,
            options=options,
            required=prompt.required or prompt.repeat is not None,
            answer=in_words(question, prompt.value, options, self.listener) if self.run.draft is None else "",
            ticked=self.ticked(prompt),
            page=self.run.page,
            before=(*before, *(note.text for note in prompt.notes)),
            files=self.files([*prompt.notes, prompt.label]),
            pictures=self._pictures(prompt),
        )

    def step(self, prompt: Prompt) -> str:
        """Return what the buttons of this question carry; "add another?" is another question each time."""
        return self.step_at(prompt.path if prompt.repeat is None else f"{prompt.path}+{prompt.number}")

    def step_at(self, path: str) -> str:
        """Return what stands for a place in this run: the same form on another occasion has other places."""
        return step_of(f"{self.run.occasion} {path}" if self.run.occasion else path)

    def files(self, texts: Iterable[Shown]) -> tuple[Media, ...]:
        """Return the files that go with these texts."""
        return files.shown(self.survey, self.form, [text.media for text in texts])

    def _pictures(self, prompt: Prompt) -> tuple[Media, ...]:
        """Return the pictures of the choices on the page, each under its number and label."""
        start = self.run.page * LONG_LIST
        on_page = list(enumerate(prompt.choices, start=1))[start : start + LONG_LIST]
        captions = ((f"{number}. {_shown(offer.label, offer.value)}", offer.label.media) for number, offer in on_page)
        return files.pictures(self.survey, self.form, captions)

    def total(self, done: Sequence[str], path: str) -> int:
        """Return about how many questions there are: the ones done, and all behind the furthest that was reached."""
        order = _order(self.form)
        reached = {*done, path}
        return len(reached) + len(order) - 1 - max(order.get(bare(one), -1) for one in reached)

    def _label(self, prompt: Prompt) -> str:
        if prompt.repeat is not None:
            return self.say("survey.add_another", group=prompt.label.text or prompt.repeat.name)
        if prompt.number and prompt.sections:
            heading = self.say("survey.repeat_title", group=prompt.sections[-1], number=prompt.number)
            return f"{heading}\n{prompt.label.text}"
        return prompt.label.text or question_of(prompt).name

    def ticked(self, prompt: Prompt) -> list[str]:
        """Return the choices ticked so far of a question that takes several."""
        return prompt.value.split() if self.run.draft is None else list(self.run.draft)

    def options(self, prompt: Prompt) -> tuple[Option, ...]:
        """Return the choices on offer; yes and no where the form itself has none."""
        question = question_of(prompt)
        if question.type is Type.BOOLEAN:
            return (Option(YES, (self.say("button.yes"),)), Option(NO, (self.say("button.no"),)))
        if question.type is Type.ACKNOWLEDGE:
            return (Option("OK", (self.say("button.continue"),)),)
        spellings = _spellings(question)
        return tuple(
            Option(offer.value, (_shown(offer.label, offer.value), *spellings.get(offer.value, ())))
            for offer in prompt.choices
        )


def question_of(prompt: Prompt) -> Question:
    """Return the question; "add another?" is one, with yes or no."""
    if prompt.question is not None:
        return prompt.question
    name = prompt.path.rpartition("/")[2]
    return Question(prompt.path, name, Bind(), {}, {}, frozenset(), Type.BOOLEAN)


@lru_cache(maxsize=64)
def _order(form: Form) -> dict[str, int]:
    """Return where each question that is asked stands in the form."""
    return {question.path: number for number, question in enumerate(one for one in form.questions() if one.asked)}


def _shown(label: Shown, value: str) -> str:
    return label.text.strip() or value


@lru_cache(maxsize=1024)
def _spellings(question: Question) -> dict[str, tuple[str, ...]]:
    """Return the labels in every language by code: a person may answer in another one than is shown."""
    return {
        choice.value: tuple(dict.fromkeys(str(wording) for wording in choice.label.values() if wording.parts))
        for choice in question.choices
    }
