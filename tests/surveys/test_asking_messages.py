"""A question as a message, for a channel with buttons and for one where people type."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.content import Content
from bot.surveys.asking import Asked, ask, form_language, step_of, token_of
from bot.surveys.form import Bind, Question, Type
from bot.surveys.reading import Listener
from bot.surveys.spelling import Option
from bot.surveys.xform import load

SHORT = (Option("a", ("Work",)), Option("b", ("Study",)))
LONG = (*SHORT, Option("c", ("Safety, conflict or persecution",)))


@pytest.fixture(scope="module")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


def asked(kind: Type, options: tuple[Option, ...] = (), **parts: object) -> Asked:
    question = Question("/data/q", "q", Bind(), {}, {}, frozenset(), kind)
    return Asked(question, "Why?", "s", 5, 12, options=options, **parts)  # type: ignore[arg-type]


def message(content: Content, one: Asked, channel: str = "telegram", language: str = "en") -> tuple[str, list[str]]:
    made = ask(one, 7, channel, Listener(content, language, datetime(2026, 3, 4, tzinfo=UTC)))
    return made.text, [button.label for button in made.buttons]


def test_short_choices_are_buttons_only(content: Content) -> None:
    text, labels = message(content, asked(Type.SELECT_ONE, SHORT, required=True))
    assert text == "5 of about 12\n\nWhy?\n\nChoose one answer."
    assert labels == ["Work", "Study"]


def test_long_choices_are_numbered_in_the_text_as_well(content: Content) -> None:
    for channel in ("telegram", "whatsapp"):
        text, labels = message(content, asked(Type.SELECT_ONE, LONG, required=True), channel)
        assert "1. Work\n2. Study\n3. Safety, conflict or persecution" in text
        assert labels == ["Work", "Study", "Safety, conflict or persecution"]


def test_several_choices_are_ticked_or_typed(content: Content) -> None:
    one = asked(Type.SELECT_MULTIPLE, SHORT, ticked=("b",))
    assert message(content, one)[1] == ["Work", "✓ Study", "Done", "Skip"]
    text, labels = message(content, one, "whatsapp")
    assert "1. Work\n2. Study" in text
    assert "Send the numbers of all that apply in one message" in text
    assert labels == []


def test_a_typed_channel_gets_no_more_buttons_than_choices(content: Content) -> None:
    text, labels = message(content, asked(Type.SELECT_ONE, SHORT), "whatsapp")
    assert labels == ["Work", "Study"]
    assert "You may SKIP" in text


def test_what_comes_before_comes_first(content: Content) -> None:
    one = asked(Type.TEXT, hint="In few words.", before=("A note.", "", "Another."), answer="Because")
    text, labels = message(content, one, language="fr")
    assert text.startswith("A note.\n\nAnother.\n\n5 sur environ 12\n\nWhy?\nIn few words.")
    assert "Because" in text
    assert labels == ["Fini", "Passer"]


def test_button_ids_fit_64_bytes_and_name_run_question_and_choice(content: Content) -> None:
    codes = ["a", "*skip", "#x", "ô" * 30, "x" * 200]
    one = asked(Type.SELECT_ONE, tuple(Option(code, (f"Label {code[:3]}",)) for code in codes))
    made = ask(one, 10**12, "telegram", Listener(content, "en", datetime(2026, 3, 4, tzinfo=UTC)))
    ids = [button.id for button in made.buttons]
    assert ids[0] == f"sv:{10**12}:s:a"
    assert len(set(ids)) == len(ids)
    assert all(len(one.encode()) <= 64 - len(step_of("/data")) for one in ids)
    assert not token_of("*skip").startswith("*")


def test_the_forms_language_nearest_to_the_persons_is_taken(content: Content) -> None:
    def languages(*labels: str) -> str:
        row = " | ".join(f"label::{label}" for label in labels)
        cells = " | ".join("Hello" for _ in labels)
        data = f"| survey |\n| | type | name | {row} |\n| | text | a | {cells} |\n"
        data += (
            f"| settings |\n| | form_title | form_id | version | default_language |\n| | T | t | 1 | {labels[0]} |\n"
        )
        form = load(data.encode(), "t.md")
        return ", ".join(form_language(form, code, content) for code in ("en", "fr", "st", "mfe"))

    assert languages("English (en)", "Français (fr)") == "English (en), Français (fr), English (en), Français (fr)"
    assert languages("French", "Sesotho") == "French, French, Sesotho, French"
    assert languages("fr", "en") == "en, fr, en, fr"
