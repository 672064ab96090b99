from dataclasses import replace
from pathlib import Path

import pytest

from bot.content.files import ContentError
from bot.content.languages import LANGUAGES
from bot.content.templates import Button, Category, ContentType, Template, Variable, load_templates

SAME = dict.fromkeys(("en", "fr"), "fallback")
PLAIN = Template(
    name="plain",
    purpose="news",
    content_type=ContentType.TEXT,
    category=Category.UTILITY,
    texts={
        "en": "Please note: {title}, on {when}. Thank you.",
        "fr": "Veuillez noter : {title}, le {when}. Merci bien.",
    },
    variables=(Variable("title", SAME, "x"), Variable("when", SAME, "x")),
)
BUTTONS = tuple(Button(str(number), dict.fromkeys(("en", "fr"), f"Button {number}")) for number in range(11))


def test_the_shipped_templates_are_acceptable_to_whatsapp(messages: Path) -> None:
    templates = load_templates(messages)
    assert {"session_reminder", "session_invitation", "announcement", "survey_continue", "survey_invitation"} <= set(
        templates
    )
    assert {name: list(template.violations()) for name, template in templates.items()} == {
        name: [] for name in templates
    }


def test_every_shipped_template_says_who_writes_and_how_to_leave_in_every_language(messages: Path) -> None:
    for template in load_templates(messages).values():
        for language in LANGUAGES:
            text = template.render(language, {})
            assert "IOM" in text or "OIM" in text
            assert "STOP" in text or template.purpose == "consent"


@pytest.mark.parametrize(("language", "word"), [("en", "note"), ("st", "note"), ("ny", "note"), ("mfe", "noter")])
def test_languages_without_a_template_use_english_or_french(language: str, word: str) -> None:
    assert word in PLAIN.render(language, {})


def test_an_empty_value_becomes_the_fallback_and_a_long_one_stays_on_one_line() -> None:
    text = PLAIN.render("en", {"title": "  ", "when": "Monday\n\tat    9"})
    assert text == "Please note: fallback, on Monday at 9. Thank you."


def test_a_value_is_never_read_as_a_template() -> None:
    assert PLAIN.render("en", {"title": "{when}", "when": "today"}) == "Please note: {when}, on today. Thank you."


def test_whatsapp_gets_numbers_in_the_order_of_the_variables_in_every_language() -> None:
    assert PLAIN.body_for_whatsapp("en") == "Please note: {{1}}, on {{2}}. Thank you."
    assert PLAIN.body_for_whatsapp("mfe") == "Veuillez noter : {{1}}, le {{2}}. Merci bien."
    assert PLAIN.variables_for_whatsapp("en", {"when": "today"}) == {"1": "fallback", "2": "today"}
    assert PLAIN.samples_for_whatsapp() == {"1": "x", "2": "x"}


def test_buttons_come_with_their_ids_in_the_language_of_the_text(messages: Path) -> None:
    invitation = load_templates(messages)["session_invitation"]
    assert invitation.button_titles("mfe") == {"yes": "Oui", "maybe": "Peut-être", "no": "Non"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{title} is on {when}, thank you all very much.", "begin or end"),
        ("Thank you all very much: {title} on {when}", "begin or end"),
        ("Thank you all very much: {title}, {when}.", "side by side"),
        ("Dear {title} on {when}.", "at least 5 fixed words"),
        ("Please note that this is {title}.", "each variable once"),
        ("Please note: {title}, on {when}. Thank you, {name}.", "each variable once"),
        ("Please note: {title}, on {when}. " + "x" * 1024, "1057 characters"),
    ],
)
def test_a_text_whatsapp_would_refuse_is_named(text: str, problem: str) -> None:
    violations = list(replace(PLAIN, texts={**PLAIN.texts, "en": text}).violations())
    assert any(problem in violation for violation in violations), violations


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (replace(PLAIN, texts={"en": PLAIN.texts["en"]}), "fr: text is missing"),
        (replace(PLAIN, buttons=BUTTONS[:1]), "twilio/text has none"),
        (replace(PLAIN, content_type=ContentType.QUICK_REPLY), "needs 1 to 10 buttons"),
        (replace(PLAIN, content_type=ContentType.QUICK_REPLY, buttons=BUTTONS), "needs 1 to 10 buttons"),
        (replace(PLAIN, buttons=(Button("a", {"en": "x" * 21, "fr": "x"}),)), "en: button a needs a title"),
        (replace(PLAIN, variables=(Variable("title", {"en": ""}, "x"), PLAIN.variables[1])), "fallback and a sample"),
    ],
)
def test_a_template_whatsapp_would_refuse_is_named(template: Template, problem: str) -> None:
    violations = list(template.violations())
    assert any(problem in violation for violation in violations), violations


def test_a_good_template_has_no_violations() -> None:
    assert list(PLAIN.violations()) == []


@pytest.mark.parametrize(
    "content", ["purpose: news", "text: x", "- a", "purpose: [", "{purpose: a, content_type: a, category: b, text: {}}"]
)
def test_a_file_that_is_no_template_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "odd.yaml").write_text(content, "utf-8")
    with pytest.raises(ContentError, match=r"odd\.yaml"):
        load_templates(tmp_path)
