"""What the engine hands to the chat: texts ready to be said, and the next thing to ask."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.surveys.engine_run import Run
from bot.surveys.engine_tree import Field, Live, Span
from bot.surveys.form import CHOOSING, Question, Repeat, Text, Type


@dataclass(frozen=True)
class Shown:
    """A text ready to be said, and the files that go with it by kind (image, audio, video, big-image)."""

    text: str = ""
    guidance: str = ""
    media: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """A choice offered now."""

    value: str
    label: Shown


@dataclass(frozen=True)
class Prompt:
    """What to ask: a question, or (when `repeat`) whether to add instance number `number` of a repeat."""

    path: str
    question: Question | None
    repeat: Repeat | None
    label: Shown
    hint: Shown
    notes: tuple[Shown, ...]  # to be said before it
    sections: tuple[str, ...]  # the labels of the groups it is in, outermost first
    choices: tuple[Offer, ...]
    required: bool
    value: str  # a default, or an earlier answer
    number: int  # which instance of the innermost repeat this is about; 0 outside repeats


def is_asked(here: Field | Span) -> bool:
    """Tell whether a chat asks this at all."""
    if isinstance(here, Span):
        return here.node.count is None and not here.node.fixed
    return here.question.asked and not here.readonly()


def is_open(here: Field | Span) -> bool:
    """Tell whether this still has to be asked: an answer that is no longer offered does not count."""
    if isinstance(here, Span):
        return not here.closed and not here.full
    return not here.done or (here.done == "answered" and here.value() == "")


def is_note(here: Field | Span) -> bool:
    """Tell whether this is only said: a note, or a question that cannot be answered (now)."""
    return isinstance(here, Field) and (here.question.type is Type.NOTE or (here.question.asked and here.readonly()))


def say(run: Run, text: Text, live: Live, language: str | None = None) -> Shown:
    """Return a text with its values put in, in the run's language or another."""
    wording = run.form.wording(text, language or run.language)
    if wording is None:
        return Shown()
    return Shown(run.say(wording.parts, live), run.say(wording.guidance, live), dict(wording.media))


def note(run: Run, live: Field) -> Shown:
    """Return a note, with the value of a question that is only shown."""
    shown, value = say(run, live.node.label, live), live.value()
    return Shown(f"{shown.text} {value}".strip(), shown.guidance, shown.media) if value else shown


def offers(run: Run, live: Field) -> tuple[Offer, ...]:
    """Return the choices offered now."""
    return tuple(Offer(choice.value, say(run, choice.label, live)) for choice in live.options())


def notes_before(run: Run, order: int) -> tuple[Shown, ...]:
    """Return the notes between this place and the question before it."""
    notes: list[Shown] = []
    for here in reversed(run.places.all()[:order]):
        if not here.relevant():
            continue
        if isinstance(here, Field) and is_note(here):
            notes.append(note(run, here))
        elif is_asked(here):
            break
    return tuple(reversed(notes))


def prompt(run: Run, here: Field | Span) -> Prompt:
    """Return how to ask a question, or for another instance."""
    question = here.question if isinstance(here, Field) else None
    live = here if isinstance(here, Field) else here.parent
    return Prompt(
        path=here.path,
        question=question,
        repeat=here.node if isinstance(here, Span) else None,
        label=say(run, here.node.label, live),
        hint=say(run, here.node.hint, live),
        notes=notes_before(run, here.order),
        sections=tuple(_sections(run, here)),
        choices=offers(run, here) if isinstance(here, Field) and here.question.type in CHOOSING else (),
        required=isinstance(here, Field) and here.required(),
        value=here.value() if isinstance(here, Field) else "",
        number=_number(here) if isinstance(here, Field) else len(here.instances) + 1,
    )


def _above(here: Field | Span) -> Iterator[Live]:
    above = here.parent
    while isinstance(above, Live):
        yield above
        above = above.parent


def _sections(run: Run, here: Field | Span) -> list[str]:
    labels = [say(run, above.node.label, above).text for above in _above(here)]
    return [label for label in reversed(labels) if label]


def _number(here: Field) -> int:
    return next((above.index for above in _above(here) if isinstance(above.node, Repeat)), 0)
