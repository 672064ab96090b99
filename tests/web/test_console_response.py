"""How they came, and who answered: a page of figures that are published, and the totals to weight to."""

from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from bot.db import Database
from bot.exports import targets
from bot.staff.models import Role
from bot.surveys.models import Disposition, Survey
from tests.exports.towns import add_run, add_survey
from tests.web.console_browser import Browser, build

TARGETS = "question,code,total,source,as_of\norigin,LS,60,Census,2021-06-30\norigin,MU,40,Census,2021-06-30\n"
PATH = "/surveys/1/response"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        survey = add_survey(db)
        for disposition, people in ((Disposition.COMPLETED, 32), (Disposition.REFUSED, 14), (Disposition.INVITED, 12)):
            for _ in range(people):
                add_run(db, survey, {"origin": "LS"} if disposition == Disposition.COMPLETED else {}, disposition)
    return build(database, messages_dir, tmp_path)


async def test_figures_are_counted_when_somebody_asks_and_stand_while_few_more_come(
    app: FastAPI, database: Database
) -> None:
    browser = await Browser(app).sign_in(Role.APPROVER)
    page = await browser.open(PATH)
    assert "Nothing was counted yet" in page.text
    page = await browser.submit(page, "/response")
    assert all(text in page.text for text in ("Counted.", "RR2", "55%", "70%", "24%"))  # of 58, of 46, of 58
    with database.begin() as db:
        for _ in range(3):
            add_run(db, db.get_one(Survey, 1), {"origin": "LS"})
    page = await browser.submit(page, "/response")
    assert "55%" in page.text
    assert ">35<" not in page.response.text


async def test_an_analyst_declares_totals_and_is_told_what_is_wrong_with_them(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.ANALYST)
    page = await browser.submit(await browser.open(PATH), "/targets", targets=TARGETS.replace("LS", "XX"))
    assert page.response.status_code == 422
    assert "origin = XX" in page.text
    assert "origin,XX,60" in page.response.text  # what was written is still there
    page = await browser.submit(page, "/targets", targets=TARGETS)
    assert "origin,LS,60,Census" in page.response.text
    with database.begin() as db:
        assert [target[:3] for target in targets.kept(db, "towns")] == [("origin", "LS", 60.0), ("origin", "MU", 40.0)]
    await browser.submit(page, "/targets", targets="")
    with database.read() as db:
        assert targets.kept(db, "towns") == ()


async def test_who_may_not_take_answers_reads_the_totals_only(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        targets.keep(db, db.get_one(Survey, 1), TARGETS)
    page = await (await Browser(app).sign_in(Role.EDITOR)).open(PATH)
    assert "origin,LS,60,Census" in page.text
    assert "/targets" not in page.response.text
