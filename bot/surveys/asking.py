"""Put a question as a message: what goes before it, its choices, and how it can be answered."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.channels.base import Button, Media
from bot.content import Content
from bot.content.languages import chain
from bot.messaging.outbox import Message
from bot.surveys.form import Form, Question, Type
from bot.surveys.reading import LONG_LIST, MEDIA_HINTS, Listener, bounds
from bot.surveys.spelling import Option

#: WhatsApp cannot edit a message, so several choices cannot be ticked there: they are typed.
TYPED = frozenset({"whatsapp"})
LABEL_LIMIT = 24  #: a longer label has no room on a button: the choices are numbered in the text as well
TICK = "✓ "

SKIP, DONE, MORE, SUBMIT = "*skip", "*done", "*more", "*submit"
_CODE_LIMIT = 32
_LANGUAGE_CODE = re.compile(r"\(([A-Za-z]{2,3})(?:[-_]\w+)?\)\s*$")
_ONE = {Type.SELECT_ONE, Type.BOOLEAN, Type.ACKNOWLEDGE}
_HINTS = {
    Type.INTEGER: "survey.hint_number",
    Type.DECIMAL: "survey.hint_number",
    Type.TEXT: "survey.hint_text",
    Type.DATE: "survey.hint_date",
    Type.TIME: "survey.hint_time",
    Type.DATETIME: "survey.hint_moment",
    Type.GEOPOINT: "survey.hint_geopoint",
    Type.RANGE: "survey.hint_range",
    Type.RANK: "survey.hint_rank",
    **MEDIA_HINTS,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The open question as it stands, in the person's language."""

    question: Question
    label: str
    step: str  #: what its buttons carry, so that they are never taken for another question's
    number: int
    total: int
    hint: str = ""
    options: tuple[Option, ...] = ()
    required: bool = False
    answer: str = ""  #: what was answered before, in words
    ticked: Sequence[str] = ()
    page: int = 0
    before: tuple[str, ...] = field(default=())  #: notes, and what we have to say first
    files: tuple[Media, ...] = ()  #: pictures, sounds and films that go with it and with the notes before it
    pictures: tuple[Media, ...] = ()  #: of the choices, numbered


def ask(asked: Asked, survey_id: int, channel: str, listener: Listener) -> Message:
    """Return the question as a message for `channel`."""
    say = listener.content.catalogue.text
    parts = [
        *asked.before,
        say("survey.progress", listener.language, done=asked.number, total=asked.total),
        "\n".join(filter(None, [asked.label, asked.hint])),
        _numbered(asked, channel),
        _how(asked, channel, listener),
    ]
    text = "\n\n".join(filter(None, parts))
    return with_files(Message(text, _buttons(asked, survey_id, channel, listener)), asked.files, asked.pictures)


def with_files(message: Message, files: Sequence[Media], pictures: Sequence[Media] = ()) -> Message:
    """Let a message carry files: the first picture, else the last file, stands with the words, the others before it."""
    carried = next((file for file in files if file.kind == "image"), files[-1] if files else None)
    return replace(message, media=carried, album=(*(file for file in files if file is not carried), *pictures))


def button(survey_id: int, step: str, label: str, token: str) -> Button:
    """Return a button of one question of one survey: the same for everybody, so that providers keep one."""
    return Button(f"sv:{survey_id}:{step}:{token}", label)


def step_of(path: str) -> str:
    """Return the short name of a place in a run that its buttons carry."""
    return hashlib.sha256(path.encode()).hexdigest()[:8]


def token_of(value: str) -> str:
    """Return what stands for a choice in a button's id, which holds 64 bytes only."""
    if len(value.encode()) <= _CODE_LIMIT and not value.startswith(("*", "#")):
        return value
    return f"#{hashlib.sha256(value.encode()).hexdigest()[:16]}"


def form_language(form: Form, language: str, content: Content) -> str:
    """Return the form's language nearest to a person's: "Français (fr)" for fr, and for mfe."""
    codes = {_code(written, content): written for written in reversed(form.languages)}
    return next((codes[code] for code in chain(language) if code in codes), form.default_language)


def _code(written: str, content: Content) -> str | None:
    found = _LANGUAGE_CODE.search(written)
    return found[1].lower() if found else content.keywords.language(written)


def pages(options: Sequence[Option]) -> int:
    """Return how many messages a list of choices takes."""
    return max(1, -(-len(options) // LONG_LIST))


def _on_page(asked: Asked) -> list[tuple[int, Option]]:
    """Return the choices of the page with their numbers, which count through all pages."""
    start = asked.page * LONG_LIST
    return list(enumerate(asked.options, 1))[start : start + LONG_LIST]


def _is_numbered(asked: Asked, channel: str) -> bool:
    typed = asked.question.type is Type.RANK or (asked.question.type is Type.SELECT_MULTIPLE and channel in TYPED)
    return typed or len(asked.options) > LONG_LIST or any(len(o.label) > LABEL_LIMIT for o in asked.options)


def _numbered(asked: Asked, channel: str) -> str:
    if not _is_numbered(asked, channel):
        return ""
    return "\n".join(f"{number}. {option.label}" for number, option in _on_page(asked))


def _how(asked: Asked, channel: str, listener: Listener) -> str:
    """Say how to answer, that a question may be skipped, and what was answered before."""
    text, language, question = listener.content.catalogue.text, listener.language, asked.question
    lines = []
    if question.type in _ONE:
        lines.append(
            text("survey.hint_choose_one" if _is_numbered(asked, channel) else "survey.hint_tap_one", language)
        )
    elif question.type is Type.SELECT_MULTIPLE:
        lines.append(text("survey.hint_choose_many_once" if channel in TYPED else "survey.hint_tap_many", language))
    elif question.type in _HINTS:
        values = bounds(question.range, listener) if question.range else {}
        lines.append(text(_HINTS[question.type], language, **values))
    if pages(asked.options) > 1:
        lines.append(text("survey.choice_more", language, page=asked.page + 1, pages=pages(asked.options)))
    if not asked.required:
        lines.append(text("survey.hint_optional", language))
    if asked.answer:
        lines.append(text("survey.current_answer", language, answer=asked.answer))
    return "\n".join(lines)


def _buttons(asked: Asked, survey_id: int, channel: str, listener: Listener) -> tuple[Button, ...]:
    """Return the choices as buttons, and, where there is room for them, Skip, More and Done."""
    several = asked.question.type is Type.SELECT_MULTIPLE
    if channel in TYPED:
        if several or pages(asked.options) > 1 or asked.question.type is Type.RANK:
            return ()
        return _choices(asked, survey_id)
    extra = [(DONE, "button.done")] if several or asked.answer else []
    extra += [(MORE, "button.more")] if pages(asked.options) > 1 else []
    extra += [] if asked.required else [(SKIP, "button.skip")]
    text = listener.content.catalogue.text
    controls = [button(survey_id, asked.step, text(key, listener.language), token) for token, key in extra]
    return (*_choices(asked, survey_id), *controls)


def _choices(asked: Asked, survey_id: int) -> tuple[Button, ...]:
    if asked.question.type is Type.RANK:
        return ()
    return tuple(
        button(survey_id, asked.step, f"{TICK if o.value in asked.ticked else ''}{o.label}", token_of(o.value))
        for _, o in _on_page(asked)
    )
