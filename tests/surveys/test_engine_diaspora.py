"""The questionnaire that ships, walked to its end."""

from functools import cache
from pathlib import Path

import pytest

from bot.surveys.engine import Session
from bot.surveys.form import Form, Type
from bot.surveys.xform import load
from tests.surveys.sheets import again, begin

FILE = Path(__file__).parents[2] / "messages" / "surveys" / "diaspora_mapping.xlsx"
DEFAULTS = {Type.INTEGER: "2001", Type.DECIMAL: "100", Type.TEXT: "words"}


@cache
def questionnaire() -> Form:
    return load(FILE)


def walk(language: str, **answers: str) -> tuple[Session, list[str]]:
    """Answer every question, the first choice unless told otherwise, with a restart after each."""
    session, asked = begin(questionnaire(), language), []
    while prompt := session.next_question():
        assert prompt.question is not None
        assert prompt.label.text
        name = prompt.question.name
        first = prompt.choices[0].value if prompt.choices else DEFAULTS[prompt.question.type]
        assert session.set(prompt.path, answers.get(name, first)).ok, name
        asked.append(name)
        session = again(questionnaire(), session.state)
    return session, asked


def test_it_is_read_without_a_warning_in_two_languages() -> None:
    assert questionnaire().languages == ("English (en)", "Français (fr)")
    assert questionnaire().warnings == ()


@pytest.mark.parametrize("language", ["English (en)", "Français (fr)"])
def test_it_can_be_answered_to_the_end(language: str) -> None:
    session, asked = walk(language, remit_fee="5")

    assert session.violations() == []
    assert len(session.answered()) == len(asked)
    assert session.values()["/data/g_remit/remit_cost_pct"] == "5"


def test_who_does_not_consent_is_asked_nothing_more() -> None:
    session, asked = walk("English (en)", consent="no")

    assert asked == ["consent"]
    assert [note.text.partition(".")[0] for note in session.closing_notes()] == ["Thank you"]


def test_who_sends_nothing_is_not_asked_how() -> None:
    _, asked = walk("English (en)", remit="no", interest="no", skills="none")

    assert not {"remit_freq", "remit_amount", "instruments", "invest_band", "transfer"} & set(asked)


def test_other_asks_which_and_the_employed_are_asked_their_sector() -> None:
    assert "residence_other" in walk("English (en)", residence="other")[1]
    assert "residence_other" not in walk("English (en)")[1]
    assert "sector" in walk("English (en)", employment="self")[1]
    assert "sector" not in walk("English (en)", employment="student")[1]


def test_contradictory_choices_are_refused_in_the_members_language() -> None:
    session = begin(questionnaire(), "Français (fr)")
    for path, value in (("consent", "yes"), ("adult", "yes")):
        session.set(f"/data/g_consent/{path}", value)

    outcome = session.set("/data/g_profile/link", "born pnts")

    assert not outcome.ok
    assert outcome.message.startswith("« Je préfère ne pas répondre »")
