"""The survey engine: pure, without a database or a clock; one `Session` for each message.

    state = start(form, now=now, tz=tz, language="Français (fr)", seed=7)      # State, plain JSON by to_json()
    session = Session(form, state, now=now, tz=tz)
    prompt = session.next_question()                                           # Prompt, or None when all is done
    outcome = session.set(prompt.path, "yes")                                  # Outcome: ok, or a problem and message
    store(session.state.to_json())

A prompt with a `repeat` asks whether to add an instance: answer it with `add` or `close`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from bot.surveys.engine_prompts import (
    Offer,
    Prompt,
    Shown,
    is_asked,
    is_open,
    notes_before,
    offers,
    prompt,
    say,
)
from bot.surveys.engine_run import Run
from bot.surveys.engine_state import State
from bot.surveys.engine_tree import Field, Live, Span
from bot.surveys.engine_values import stored
from bot.surveys.form import CHOOSING, Form, Type

__all__ = ["Facts", "Offer", "Outcome", "Problem", "Prompt", "Session", "Shown", "State", "start"]


class Problem(StrEnum):
    """Why an answer is not taken."""

    TYPE = "type"  # it is no value of the question's type
    CHOICE = "choice"  # it is not offered (now)
    CONSTRAINT = "constraint"
    REQUIRED = "required"
    READONLY = "readonly"  # it is shown or computed, never asked


@dataclass(frozen=True)
class Outcome:
    """What became of an answer; `message` is the form's own, where it has one."""

    problem: Problem | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the answer was taken."""
        return self.problem is None


@dataclass(frozen=True)
class Facts:
    """The state of one node, as ODK would have it."""

    relevant: bool
    required: bool
    readonly: bool
    value: str
    constraint_ok: bool
    required_ok: bool


def start(form: Form, *, now: datetime, tz: tzinfo, language: str | None = None, seed: int = 0) -> State:
    """Begin a run: defaults, dynamic defaults and everything calculated. `seed` fixes what is random in it."""
    known = language if language is not None and language in form.languages else form.default_language
    state = State(known, seed, now.astimezone(UTC).isoformat())
    return Run(form, state, now, tz, fresh=True).state


class Session:
    """A run brought to life for one message. A path that the run has not raises KeyError."""

    def __init__(self, form: Form, state: State, *, now: datetime, tz: tzinfo) -> None:
        self.form = form
        self._run = Run(form, state, now, tz, fresh=False)

    @property
    def state(self) -> State:
        """Return what must be stored."""
        return self._run.state

    @property
    def torn(self) -> bool:
        """Tell whether an EvaluationError cut a change short: then the state is not to be stored."""
        return self._run.torn

    @property
    def language(self) -> str:
        """Return the language in use."""
        return self._run.language

    @language.setter
    def language(self, language: str) -> None:
        if language in self.form.languages:
            self._run.language = language
            self._run.changed()

    def wake(self, now: datetime, tz: tzinfo) -> None:
        """Go on at another moment, as if brought to life then."""
        self._run.wake(now, tz)

    # asking

    def next_question(self) -> Prompt | None:
        """Return the first thing to ask that has no answer; None when there is none.

        Then `violations` tells what later answers undid: skipped questions that are needed now, broken constraints.
        """
        places = self._run.places
        for here in places.all()[places.done_until :]:
            if here.relevant() and is_asked(here) and is_open(here):
                places.done_until = here.order
                return prompt(self._run, here)
        places.done_until = len(places.all())
        return None

    def prompt(self, path: str) -> Prompt:
        """Return what is asked at `path` as it would be asked now, whether answered or not."""
        here = self._run.places.at(path)
        if here is None or not here.relevant() or not is_asked(here):
            raise KeyError(path)
        return prompt(self._run, here)

    def closing_notes(self) -> tuple[Shown, ...]:
        """Return the notes after the last question, to be said at the end."""
        return notes_before(self._run, len(self._run.places.all()))

    def previous(self, path: str | None = None) -> str | None:
        """Return the path of the last question done before `path` (or before the next question)."""
        if path is None:
            following = self.next_question()
            path = following.path if following else None
        here = self._run.places.at(path) if path else None
        before = self._run.places.all()[: here.order if here else None]
        return next((one.path for one in reversed(before) if _is_done(one) and is_asked(one)), None)

    def answered(self) -> list[str]:
        """Return the paths of the questions that were answered or skipped and still take part, in order."""
        return [here.path for here in self._run.places.all() if _is_done(here)]

    # answering

    def set(self, path: str, value: str) -> Outcome:
        """Answer a question with a value as XForms writes it; an answer that is not taken changes nothing."""
        field = self._field(path)
        if not is_asked(field):
            return Outcome(Problem.READONLY)
        kept = stored(field.question, value)
        if kept == "":
            return Outcome(Problem.TYPE) if value.strip() else self.skip(path)
        if field.question.type in CHOOSING:
            if not _is_offered(field, kept):
                return Outcome(Problem.CHOICE)
            kept = _in_order(field, kept)
        before = field.base
        field.write(kept)
        if not field.constraint_ok():
            outcome = self._constraint(field)
            field.write(before)
            self._run.settle()
            return outcome
        field.mark("answered")
        self._run.settle()
        return Outcome()

    def skip(self, path: str) -> Outcome:
        """Leave an optional question empty."""
        field = self._field(path)
        if field.required():
            return self._required(field)
        field.mark("skipped")
        field.write("")
        self._run.settle()
        return Outcome()

    def clear(self, path: str) -> None:
        """Take an answer back: the question is asked again, also a required one."""
        field = self._field(path)
        field.mark("")
        field.write("")
        self._run.settle()

    def reopen(self, path: str) -> None:
        """Let a question (or "add another?" of a repeat) be asked again; its value stays until another is given."""
        here = self._run.find(path)
        if isinstance(here, Span):
            here.closed = False
            self._run.places.reach(here.order)
        else:
            self._field(path).mark("")

    def add(self, path: str) -> str:
        """Add an instance to the repeat at `path` (without its own index); return the instance's path.

        A repeat that is full is never asked for, and takes none.
        """
        span = self._span(path)
        if span.full:
            raise KeyError(path)
        (made,) = self._run.grow(span)
        self._run.changed()
        return made.path

    def close(self, path: str) -> None:
        """Take note that the repeat at `path` gets no more instances."""
        self._span(path).closed = True

    def remove(self, path: str) -> None:
        """Remove the instance of a repeat at `path` (with its index), with all its answers."""
        live = self._run.find(path)
        span = live.span if isinstance(live, Live) else None
        if span is None or not isinstance(live, Live):
            raise KeyError(path)
        self._run.drop(span, live)
        self._run.changed()

    def finish(self) -> list[tuple[str, Outcome]]:
        """Stamp the end where the form asks for it; return what still keeps the run from being complete."""
        self._run.finish()
        return self.violations()

    # looking

    def facts(self, path: str) -> Facts:
        """Return the state of the question at `path`."""
        field = self._field(path)
        return Facts(
            relevant=field.relevant(),
            required=field.required(),
            readonly=field.readonly(),
            value=field.value(),
            constraint_ok=field.constraint_ok(),
            required_ok=field.required_ok(),
        )

    def choices(self, path: str) -> tuple[Offer, ...]:
        """Return the choices offered now."""
        return offers(self._run, self._field(path))

    def label(self, path: str, language: str | None = None) -> Shown:
        """Return the label of a question, in the run's language or another."""
        field = self._field(path)
        return say(self._run, field.node.label, field, language)

    def values(self) -> dict[str, str]:
        """Return the values that count, by path: of relevant questions and calculations, for export."""
        return {field.path: field.value() for field in self._run.fields() if field.value()}

    def orphans(self) -> dict[str, str]:
        """Return the answers that are kept but do not count, because they are no longer relevant or offered."""
        return {
            field.path: field.base for field in self._run.fields() if field.done == "answered" and not field.value()
        }

    def violations(self) -> list[tuple[str, Outcome]]:
        """Return each question that is missing or breaks its constraint, with the form's message."""
        found = []
        for here in self._run.places.all():
            if isinstance(here, Field) and here.relevant() and is_asked(here):
                if not here.constraint_ok():
                    found.append((here.path, self._constraint(here)))
                elif not here.required_ok():
                    found.append((here.path, self._required(here)))
        return found

    def _constraint(self, field: Field) -> Outcome:
        return Outcome(Problem.CONSTRAINT, say(self._run, field.node.bind.constraint_message, field).text)

    def _required(self, field: Field) -> Outcome:
        return Outcome(Problem.REQUIRED, say(self._run, field.node.bind.required_message, field).text)

    def _field(self, path: str) -> Field:
        found = self._run.find(path)
        if not isinstance(found, Field):
            raise KeyError(path)
        return found

    def _span(self, path: str) -> Span:
        found = self._run.find(path)
        if not isinstance(found, Span):
            raise KeyError(path)
        return found


def _is_done(here: Field | Span) -> bool:
    return isinstance(here, Field) and here.done != "" and here.relevant()


def _is_offered(field: Field, value: str) -> bool:
    """Tell whether every code chosen is offered; a rank has to name them all."""
    offered = {choice.value for choice in field.options()}
    chosen = {value} if field.question.type is Type.SELECT_ONE else set(value.split())
    return chosen == offered if field.question.type is Type.RANK else chosen <= offered


def _in_order(field: Field, value: str) -> str:
    """Write the codes of a select_multiple in the order of its choices, as every ODK client does."""
    if field.question.type is not Type.SELECT_MULTIPLE:
        return value
    chosen = set(value.split())
    return " ".join(choice.value for choice in field.options() if choice.value in chosen)
