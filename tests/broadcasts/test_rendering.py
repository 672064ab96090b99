"""What recipients read, and what the checks let through."""

from dataclasses import replace
from typing import Any

import pytest

from bot.broadcasts import checks, rendering
from bot.broadcasts.checks import Problem
from bot.broadcasts.models import KIND
from bot.broadcasts.policy import Policy
from bot.broadcasts.service import Draft
from bot.contacts.models import Purpose
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.db import Database
from tests.broadcasts.conftest import TEXTS, Office

PLAIN = Draft(title="Savings", purpose=Purpose.NEWS, texts=TEXTS)
MENU = {"id": "menu:menu", "labels": {"en": "Menu", "fr": "Le menu"}}


@pytest.mark.parametrize(
    ("language", "begins"), [("en", "A new"), ("st", "A new"), ("fr", "Un nouveau"), ("mfe", "Un nouveau"), ("xx", "A")]
)
def test_a_language_without_a_text_reads_the_nearest(content: Content, language: str, begins: str) -> None:
    assert rendering.message(content, PLAIN, language).text.startswith(begins)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_ends_with_how_to_leave(content: Content, language: str) -> None:
    footer = content.catalogue.text("broadcast.footer_stop", language)
    assert "STOP" in footer
    assert rendering.message(content, PLAIN, language).text.endswith(f"\n\n{footer}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_risk_line_goes_with_investments_in_every_language_and_with_nothing_else(
    content: Content, language: str
) -> None:
    risk = content.catalogue.text("opportunity.risk_line", language)
    investment = replace(PLAIN, purpose=Purpose.INVESTMENT)
    assert risk in rendering.message(content, investment, language).text
    assert risk not in rendering.message(content, PLAIN, language).text


def test_buttons_and_variables_come_in_the_nearest_language(content: Content) -> None:
    wording = replace(
        PLAIN,
        buttons=(MENU,),
        template="announcement",
        variables={"en": {"title": "Savings", "summary": "New"}, "fr": {"title": "Épargne", "summary": ""}},
    )
    creole = rendering.message(content, wording, "mfe")
    assert [button.label for button in creole.buttons] == ["Le menu"]
    assert creole.variables == {"title": "Épargne", "summary": "New"}
    assert rendering.message(content, wording, "st").variables["title"] == "Savings"


def test_delivery_renders_a_row_by_the_id_of_its_broadcast(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.draft(db)
        rendered = rendering.renderer(office.content)(db, broadcast.id, "fr")
    assert rendered == rendering.message(office.content, PLAIN, "fr")
    assert KIND == "broadcast"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"purpose": "sharing"}, Problem("purpose_unknown", None, "sharing")),
        ({"texts": {"fr": "Bonjour"}}, Problem("text_missing", "en")),
        ({"texts": TEXTS | {"fr": "  "}}, Problem("text_empty", "fr")),
        ({"texts": TEXTS | {"de": "Hallo"}}, Problem("language_unknown", "de")),
        ({"buttons": (MENU,) * 4}, Problem("buttons_too_many", None, "3")),
        ({"buttons": ({"id": "é" * 33, "labels": {"en": "x"}},)}, Problem("button_id", None, "é" * 33)),
        ({"buttons": ({"id": "menu:a", "labels": {"fr": "x"}},)}, Problem("button_label_missing", "en", "menu:a")),
        ({"buttons": ({"id": "a", "labels": {"en": "x" * 21}},)}, Problem("button_label_too_long", "en", "a")),
        ({"template": "nothing"}, Problem("template_unknown", None, "nothing")),
        ({"template": "session_reminder"}, Problem("template_purpose", None, "sessions")),
        ({"template": "announcement", "variables": {"fr": {"nom": "x"}}}, Problem("variable_unknown", "fr", "nom")),
    ],
)
def test_a_problem_is_named(content: Content, policy: Policy, change: dict[str, Any], problem: Problem) -> None:
    assert checks.problems(content, replace(PLAIN, **change), policy) == [problem]


def test_a_plain_broadcast_has_no_problem(content: Content, policy: Policy) -> None:
    wording = replace(PLAIN, buttons=(MENU,), template="announcement", variables={"en": {"title": "Savings"}})
    assert checks.problems(content, wording, policy) == []


@pytest.mark.parametrize(("buttons", "limit"), [((), 1600), ((MENU,), 1024)])
def test_the_whole_message_counts_for_whatsapps_limit(
    content: Content, policy: Policy, buttons: tuple[Any, ...], limit: int
) -> None:
    footer = checks.measure(rendering.message(content, replace(PLAIN, texts={"en": "x"}), "en").text) - 1
    fits = replace(PLAIN, texts={"en": "x" * (limit - footer)}, buttons=buttons)
    assert checks.problems(content, fits, policy) == []
    over = replace(fits, texts={"en": fits.texts["en"][:-1] + "😀"})
    assert checks.problems(content, over, policy) == [Problem("text_too_long", "en", f"whatsapp {limit + 1}/{limit}")]
    telegram = Policy({"telegram": policy.channels["telegram"]})
    assert checks.problems(content, over, telegram) == []
    long = replace(PLAIN, texts={"en": "x" * 4096})
    assert [problem.code for problem in checks.problems(content, long, telegram)] == ["text_too_long"]


@pytest.mark.parametrize(
    "text",
    [
        "See https://www.iom.int/news?x=1.",
        "See iom.int, or UNDP.org/africa",
        "Write to info@iom.int",
        "M 1.500 a month, i.e. 18.000 a year. At 10.30 a.m., e.g. on 3.4.2026",
    ],
)
def test_links_to_our_own_domains_and_words_with_dots_pass(content: Content, policy: Policy, text: str) -> None:
    assert checks.problems(content, replace(PLAIN, texts={"en": text}), policy) == []


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://evil.example/iom.int", "evil.example"),
        ("http://iom.int@evil.example/", "evil.example"),
        ("https://iom.int.evil.com", "iom.int.evil.com"),
        ("notiom.int", "notiom.int"),
        ("bit.ly/abc", "bit.ly"),
        ("t.me/fraud", "t.me"),
        ("www.evil.com", "www.evil.com"),
        ("http://[broken", "?"),
        ("https://іom.int", "іom.int"),
    ],
)
def test_any_other_link_is_named(content: Content, policy: Policy, text: str, host: str) -> None:
    expected = [Problem("link_not_allowed", "en", host)]
    assert checks.problems(content, replace(PLAIN, texts={"en": text}), policy) == expected
    in_variable = replace(PLAIN, template="announcement", variables={"en": {"title": text}})
    assert checks.problems(content, in_variable, policy) == expected


def test_the_template_that_announces_investments_says_the_risks_too(content: Content, policy: Policy) -> None:
    wording = replace(PLAIN, purpose=Purpose.INVESTMENT, template="investment_notice")
    assert checks.problems(content, wording, policy) == []
    for language in ("en", "fr"):
        risk = content.catalogue.text("opportunity.risk_line", language)
        assert risk in content.templates["investment_notice"].render(language, {})
