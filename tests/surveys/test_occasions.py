"""The same form on several occasions, such as before and after a session; when each question was put and answered."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.exports import service as exports
from bot.exports.options import Options
from bot.surveys.models import Disposition, Run, Survey
from tests.surveys.chat import Chat

TEST = b"""| survey |
| | type | name | label |
| | select_one yn | fee | Is a fee of 12 for 100 high? |
| | integer | save | How much of 100 do you save? |
| choices |
| | list_name | name | label |
| | yn | yes | Yes |
| | yn | no | No |
| settings |
| | form_title | form_id | version |
| | Test | test | 1 |
"""


@pytest.fixture
def chat(database: Database, messages_dir: Path, frozen: datetime) -> Chat:
    return Chat(database, Content.load(messages_dir))


def test_a_test_is_taken_once_before_and_once_after_and_neither_shares_answers(chat: Chat, tmp_path: Path) -> None:
    survey = chat.publish(TEST, "t.md")
    assert "Is a fee" in chat.begin(survey, "pretest:7")
    early = chat.button("No")
    chat.press(early)
    chat.say("5")
    assert "are saved" in chat.say("yes")
    assert "already" in chat.begin(survey, "pretest:7")

    assert "Is a fee" in chat.begin(survey, "posttest:7")
    assert "earlier question" in chat.press(early), "a button of the first test is none of the second"
    chat.tap("Yes")
    chat.say("20")
    chat.say("yes")
    with chat.database.begin() as db:
        runs = {run.occasion: run for run in db.scalars(select(Run))}
        assert {run.disposition for run in runs.values()} == {Disposition.COMPLETED}
    kept = {(row.run_id, row.name): row.value for row in chat.answers()}
    assert [kept[runs[one].id, "fee"] for one in ("pretest:7", "posttest:7")] == ["no", "yes"]
    assert [kept[runs[one].id, "save"] for one in ("pretest:7", "posttest:7")] == ["5", "20"]
    assert "Is a fee" in chat.offer(), "the form itself was not answered yet"

    with chat.database.begin() as db:
        result = exports.run(db, db.get_one(Survey, survey), Options(), tmp_path, "me")
        assert result.respondents == 3
    rows = next(tmp_path.glob("*-wide.csv")).read_text("utf-8-sig").splitlines()
    at = rows[0].split(",").index("occasion")
    assert sorted(row.split(",")[at] for row in rows[1:]) == ["", "posttest:7", "pretest:7"]


def test_it_is_kept_when_each_question_was_put_first_answered_and_changed(chat: Chat, frozen: datetime) -> None:
    def after(minutes: int) -> datetime:
        return frozen + timedelta(minutes=minutes)

    survey = chat.publish(TEST, "t.md")
    chat.begin(survey)
    for said in ("perhaps", "yes", "lots", "5", "change 2", "6"):
        clock.advance(timedelta(minutes=1))
        chat.say(said)
    rows = [(row.name, row.value, row.shown_at, row.at) for row in chat.answers(all_rows=True)]
    assert rows == [
        ("fee", "yes", after(0), after(2)),  # put once, though it was not understood at first
        ("save", "5", after(2), after(4)),
        ("save", "6", after(5), after(6)),
    ]
