"""The answers to a survey as charts: for all who may see figures, and nothing of few people."""

from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from bot import clock
from bot.contacts.models import Contact, State
from bot.db import Database
from bot.staff.models import Role
from bot.surveys import service as surveys
from bot.surveys.models import Answer, Disposition, Run
from tests.web.console_browser import Browser, build

FORM = """
| survey | | | |
| | type | name | label |
| | select_one yn | saves | Do you save? |
| | select_multiple how | ways | In which ways? |
| | text | why | Why? |
| choices | | | |
| | list_name | name | label |
| | yn | yes | Yes |
| | yn | no | No |
| | how | bank | At a bank |
| | how | club | In a club |
| settings | | | |
| | form_id | version | form_title |
| | saving | 1 | Saving |
"""


def answered(database: Database, count: int, saves: str, ways: str) -> None:
    with database.begin() as db:
        for _ in range(count):
            contact = Contact(channel="telegram", state=State.MEMBER, created_at=clock.now())
            db.add(contact)
            db.flush()
            run = Run(survey_id=1, contact_id=contact.id, disposition=Disposition.COMPLETED, language="en")
            run.channel, run.state, run.started_at, run.updated_at = "telegram", {}, clock.now(), clock.now()
            db.add(run)
            db.flush()
            for name, value in (("saves", saves), ("ways", ways)):
                said = {"said": value, "missing": None, "language": "en", "channel": "telegram", "at": clock.now()}
                db.add(Answer(run_id=run.id, path=f"/data/{name}", name=name, value=value, **said))


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        surveys.publish(db, FORM.encode(), "saving.md")
    return build(database, messages_dir, tmp_path)


async def test_answers_show_as_bars_with_their_numbers(app: FastAPI, database: Database) -> None:
    answered(database, 25, "yes", "bank club")
    answered(database, 15, "no", "club")
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.open("/surveys/1")
    assert "Completed 40 100%" in (await analyst.open("/surveys/1/progress")).text
    page = await analyst.open(page.tree.xpath("//a[contains(@href, '/answers')]/@href")[0].removeprefix("/console"))
    assert "Do you save? 40 answered" in page.text
    assert "Yes 25 62%" in page.text or "Yes 25 63%" in page.text
    assert "In which ways? 40 answered; several choices possible" in page.text
    assert "In a club 40 100%" in page.text
    assert "Why?" not in page.text
    assert len(page.tree.xpath("//table//*[local-name()='rect']")) == 4


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_few_people_said_is_hidden_now_and_after_one_more(app: FastAPI, database: Database) -> None:
    answered(database, 25, "yes", "bank")
    answered(database, 3, "no", "club")
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.open("/surveys/1/answers")
    assert "No hidden" in page.text
    answered(database, 1, "no", "bank")
    assert (await editor.open("/surveys/1/answers")).text == page.text
