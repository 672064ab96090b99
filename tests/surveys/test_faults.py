"""A form whose expressions fail on somebody's answers: the person is told, the run waits, nothing is lost."""

from pathlib import Path

import pytest
import structlog

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.surveys import service
from bot.surveys.models import Disposition, Survey
from bot.surveys.nudging import NUDGES
from tests.surveys.chat import Chat

#: A pattern that the member writes is none until it is written wrongly.
FORM = """| survey |
| | type | name | label | relevant | calculation |
| | text | first | First? | | |
| | text | pattern | Which pattern? | | |
| | calculate | fits | | | %s |
| | text | last | Last %s? | %s | |
| settings |
| | form_title | form_id | version |
| | Faulty | faulty | 1 |
"""
FAILS = "regex('x', ${pattern})"


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def chat(database: Database, content: Content, frozen: object) -> Chat:
    return Chat(database, content)


def begin(chat: Chat, *places: str) -> None:
    chat.begin(chat.publish((FORM % places).encode(), "f.md"))
    chat.say("kept")


def test_an_answer_that_breaks_a_calculation_is_not_taken_and_the_run_waits(chat: Chat) -> None:
    begin(chat, FAILS, "", "")
    with structlog.testing.capture_logs() as logs:
        told = chat.say("secret(")

    assert "not your fault" in told
    assert chat.values() == {"first": "kept"}
    run = chat.run()
    assert (run.fault, run.paused, run.disposition) == ("fits", True, Disposition.PARTIAL)
    assert [one["event"] for one in logs] == ["survey_fault"]
    assert "secret" not in str(logs)


def test_a_parked_run_leaves_the_chat_free_and_can_be_tried_again(chat: Chat) -> None:
    begin(chat, FAILS, "", "")
    chat.say("(")
    with chat.database.begin() as db:
        assert service.open_run(db, chat._contact(db)) is None

    assert "Which pattern?" in chat.offer()
    assert "Last" in chat.say("x")
    assert chat.run().fault is None


def test_an_answer_is_kept_when_only_the_next_question_cannot_be_shown(chat: Chat) -> None:
    begin(chat, "1", "", FAILS)
    assert "not your fault" in chat.say("(")
    assert chat.run().fault == "last"


def test_nobody_is_reminded_of_a_run_that_waits_for_staff(chat: Chat) -> None:
    begin(chat, FAILS, "", "")
    chat.say("(")
    clock.advance(NUDGES[0])
    with chat.database.begin() as db:
        assert service.queue_due_nudges(db, chat.content, clock.now()) == 0


def test_a_run_that_fails_while_people_sleep_does_not_stop_the_reminders_of_others(chat: Chat) -> None:
    begin(chat, "regex('x', if(today() > date('2026-03-04'), '(', 'x'))", "", "")
    other = Chat(chat.database, chat.content)
    with chat.database.begin() as db:
        survey = db.get_one(Survey, chat.run().survey_id)
        service.begin(db, chat.content, other._contact(db), "telegram", survey)
    sound = other.publish(b"| survey |\n| | type | name | label |\n| | text | a | A? |\n", "sound.md")
    third = Chat(chat.database, chat.content)
    third.begin(sound)
    clock.advance(NUDGES[0])
    with chat.database.begin() as db:
        assert service.queue_due_nudges(db, chat.content, clock.now()) == 1
    assert chat.run().fault == "fits"


def test_a_form_that_cannot_even_begin_says_so(chat: Chat) -> None:
    pattern = "regex('x', if(today() > date('2026-03-04'), '(', 'x'))"
    survey_id = chat.publish((FORM % (pattern, "", "")).encode(), "f.md")
    clock.advance(NUDGES[0])
    assert "not your fault" in chat.begin(survey_id)
