"""Buttons: ticked, pressed late, pressed twice, pressed in the wrong survey."""

from pathlib import Path

import pytest

from bot.content import Content
from bot.db import Database
from bot.surveys.models import Disposition
from tests.surveys.chat import Chat

FORM = """
| survey | | | | | |
| | type | name | label::English (en) | label::Français (fr) | constraint |
| | select_one size | size | Which size? | Quelle taille ? | |
| | select_multiple crop | crops | Which crops? | Quelles cultures ? | count-selected(.) < 3 |
| | select_one size | again | Which size again? | Encore quelle taille ? | |
| choices | | | | | |
| | list_name | name | label::English (en) | label::Français (fr) | |
| | size | small | Small | Petit | |
| | size | large | Large | Grand | |
| | size | a_code_that_is_much_longer_than_a_button_may_carry_with_it | Huge | Énorme | |
| | crop | maize | Maize | Maïs | |
| | crop | beans | Beans | Haricots | |
| | crop | sorghum | Sorghum | Sorgho | |
| settings | | | | | |
| | form_title | form_id | version | default_language | |
| | Farming | farming | 1 | English (en) | |
"""


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def chat(database: Database, content: Content, frozen: object) -> Chat:
    chat = Chat(database, content)
    chat.begin(chat.publish(FORM.encode(), "farming.md"))
    return chat


def test_a_tap_is_an_answer(chat: Chat) -> None:
    assert chat.labels() == ["Small", "Large", "Huge", "Skip"]
    assert "Which crops?" in chat.tap("Large")
    assert chat.values() == {"size": "large"}
    assert chat.answers()[0].said == "Large"


def test_a_choice_whose_code_is_long_has_a_button_too(chat: Chat) -> None:
    chat.tap("Huge")
    assert chat.values()["size"] == "a_code_that_is_much_longer_than_a_button_may_carry_with_it"


def test_taps_tick_and_untick_in_the_same_message_until_done(chat: Chat) -> None:
    chat.tap("Small")
    chat.tap("Beans")
    assert chat.heard[-1].edits == "message-7"
    assert chat.labels() == ["Maize", "✓ Beans", "Sorghum", "Done", "Skip"]
    chat.tap("Maize")
    chat.tap("✓ Beans")
    assert chat.labels() == ["✓ Maize", "Beans", "Sorghum", "Done", "Skip"]
    chat.tap("Sorghum")
    assert "crops" not in chat.values()
    assert "Which size again?" in chat.tap("Done")
    assert chat.heard[-1].edits is None
    assert chat.values()["crops"] == "maize sorghum"
    assert chat.answers()[-1].said == "Maize, Sorghum"


def test_too_many_ticks_are_told_and_stay_to_be_corrected(chat: Chat) -> None:
    chat.tap("Small")
    for label in ("Maize", "Beans", "Sorghum"):
        chat.tap(label)
    assert "That answer does not fit this question" in chat.tap("Done")
    chat.tap("✓ Beans")
    chat.say("done")
    assert chat.values()["crops"] == "maize sorghum"


def test_done_with_nothing_ticked_skips(chat: Chat) -> None:
    chat.tap("Small")
    assert "Which size again?" in chat.tap("Done")
    assert chat.answers()[-1].missing == "skipped"


def test_numbers_in_one_message_do_as_well_as_ticks(chat: Chat) -> None:
    chat.tap("Small")
    chat.say("1,2")
    assert chat.values()["crops"] == "maize beans"


def test_a_button_of_an_earlier_question_is_explained_and_answers_nothing(chat: Chat) -> None:
    stale = chat.button("Large")
    chat.tap("Small")
    chat.tap("Maize")
    chat.tap("Done")
    told = chat.press(stale)
    assert "question 1: “Which size?”" in told
    assert "CHANGE 1" in told
    assert "Which size again?" in told
    assert chat.values() == {"size": "small", "crops": "maize"}


def test_a_double_tap_changes_and_says_nothing(chat: Chat) -> None:
    small = chat.button("Small")
    chat.press(small)
    assert chat.press(small) == ""
    chat.tap("Maize")
    done = chat.button("Done")
    chat.press(done)
    assert chat.press(done) == ""
    assert len(chat.answers(all_rows=True)) == 2
    assert chat.run().path == "/data/again"


def test_the_same_delivery_twice_changes_nothing(chat: Chat) -> None:
    chat.say("1")
    before = chat.run()
    assert chat.repeat() == ""
    assert chat.run().path == before.path
    assert len(chat.answers(all_rows=True)) == 1


def test_going_back_makes_the_buttons_of_that_question_work_again(chat: Chat) -> None:
    large = chat.button("Large")
    chat.tap("Small")
    chat.say("back")
    assert "Which crops?" in chat.press(large)
    assert chat.values()["size"] == "large"


def test_a_button_that_is_broken_or_a_strangers_is_harmless(chat: Chat, content: Content) -> None:
    theirs = chat.button("Large")
    stranger = Chat(chat.database, content)
    assert "no survey for you" in stranger.press(theirs)
    for broken in ("sv:", "sv:1", "sv:x:y:z", f"sv:{'9' * 40}:a:b", "sv:77:a:b"):
        assert "no survey for you" in chat.press(broken)
    assert "earlier question" in chat.press(f"sv:{chat.run().survey_id}:00000000:large")
    assert chat.values() == {}


def test_the_template_that_reopens_the_window_continues_or_waits(chat: Chat) -> None:
    chat.say("1")
    assert "Which crops?" in chat.answer_button("continue")
    assert "Paused" in chat.answer_button("later")
    assert chat.run().paused


def test_a_tap_wakes_a_paused_survey(chat: Chat) -> None:
    large = chat.button("Large")
    chat.say("pause")
    assert "Which crops?" in chat.press(large)
    assert not chat.run().paused


def test_the_end_is_sent_by_a_button_once(chat: Chat) -> None:
    chat.say("1")
    chat.say("1")
    review = chat.say("skip")
    assert "1. Which size? → Small" in review
    assert "3. Which size again? → skipped" in review
    chat.say("change 2")
    chat.say("2")
    send = chat.button("Send answers")
    assert "2. Which crops? → Beans" in chat.say("hello")
    chat.press(send)
    assert chat.run().disposition == Disposition.COMPLETED
    assert "already answered" in chat.press(send)


@pytest.mark.parametrize("word", ["yes", "done", "OK"])
def test_the_end_is_sent_by_a_word(chat: Chat, word: str) -> None:
    for answer in ("1", "1", "1", word):
        chat.say(answer)
    assert chat.run().disposition == Disposition.COMPLETED


def test_a_word_that_is_also_a_choice_is_the_choice(database: Database, content: Content, frozen: object) -> None:
    form = (
        "| survey |\n| | type | name | label |\n| | select_one w | w | When? |\n"
        "| choices |\n| | list_name | name | label |\n| | w | a | Now |\n| | w | b | Later |\n"
        "| settings |\n| | form_title | form_id | version |\n| | When | when | 1 |\n"
    )
    chat = Chat(database, content)
    chat.begin(chat.publish(form.encode(), "when.md"))
    chat.say("Later")
    assert chat.values() == {"w": "b"}
    assert not chat.run().paused
