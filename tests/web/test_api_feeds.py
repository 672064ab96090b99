"""What a program is told that keeps a copy of the answers: everything at least once, in the order of the commits."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.db import Database
from bot.staff.models import Role
from bot.staff.scopes import Scope
from bot.surveys.answers import supersede
from bot.surveys.models import Run, Survey
from tests.exports.towns import add_answer, add_run, add_survey
from tests.web.api_program import Program, granted
from tests.web.console_browser import build


class Copy:
    """A copy that a program keeps of the answers to a form."""

    def __init__(self, program: Program) -> None:
        self._program, self._after = program, {}
        self.rows: dict[str, Any] = {}
        self.told: list[str] = []

    async def follow(self, limit: int = 2) -> list[str]:
        """Take what has changed; return what happened, and to whom in words of the test."""
        told = []
        while True:
            page = await self._program.get("/feeds/towns/changes", limit=limit, **self._after)
            assert page.status_code == 200, page.text
            for item in page.json()["items"]:
                row = item["answers"] or self.rows[item["respondent"]]
                told.append(f"{item['change']} {row['data_language']}")
                self.rows[item["respondent"]] = item["answers"]
            self._after = {"after": page.json()["next"]}
            if not page.json()["more"]:
                return sorted(told)


@pytest.fixture
def copy(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> Copy:
    with database.begin() as db:
        add_survey(db)
    app = build(database, messages_dir, tmp_path, api_rate=100_000)
    return Copy(Program(app, granted(database, Role.ANALYST, [Scope.FEEDS])))


def add(db: Session, number: int) -> int:
    survey = db.scalars(select(Survey)).one()
    return add_run(db, survey, {"language": str(number), "child 1 age": "5"}).id


def correct(db: Session, run_id: int, number: int) -> None:
    run = db.get_one(Run, run_id)
    supersede(db, run, "/data/language")
    add_answer(db, run, "language", str(number))
    run.updated_at = clock.now()  # as a turn does


async def test_a_copy_follows_whatever_happens(copy: Copy, database: Database) -> None:
    with database.begin() as db:
        runs = [add(db, number) for number in range(5)]
    assert await copy.follow() == [f"new {number}" for number in range(5)]
    assert await copy.follow() == []
    with database.begin() as db:
        db.execute(delete(Contact).where(Contact.id == db.get_one(Run, runs[3]).contact_id))
        correct(db, runs[0], 10)
        add(db, 7)
    assert await copy.follow() == ["changed 10", "new 7", "removed 3"]
    left = [row["data_language"] for row in copy.rows.values() if row]
    assert sorted(left) == [1, 2, 4, 7, 10]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
async def test_a_transaction_that_commits_late_is_not_passed_over(copy: Copy, database: Database) -> None:
    with Session(database.engine) as late:
        late.begin()
        run = late.get_one(Run, add(late, 1))  # its numbers and times are the earlier ones
        with database.begin() as db:
            add(db, 2)
        assert await copy.follow() == ["new 2"]
        assert await copy.follow() == []
        late.commit()
        assert await copy.follow() == ["new 1"]
        late.begin()
        correct(late, run.id, 11)
        with database.begin() as db:
            add(db, 3)
        assert await copy.follow() == ["new 3"]
        late.commit()
        assert await copy.follow() == ["changed 11"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_what_is_asked_wrongly_is_said(copy: Copy) -> None:
    assert (await copy._program.get("/feeds/nothing/changes")).status_code == 404
    assert (await copy._program.get("/feeds/towns/changes", after="x")).status_code == 422
    [listed] = (await copy._program.get("/feeds")).json()
    assert listed["form"] == "towns"
    assert listed["sets"][:2] == ["towns", "towns_child"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_run_that_got_the_number_of_one_that_went_is_another_respondent(copy: Copy, database: Database) -> None:
    with database.begin() as db:
        run_id = add(db, 1)
    await copy.follow()
    with database.begin() as db:
        run = db.get_one(Run, run_id)
        db.execute(delete(Contact).where(Contact.id == run.contact_id))
    with database.begin() as db:
        again = db.get_one(Run, add(db, 2))
        again.started_at = again.started_at.replace(hour=23)
        assert again.id == run_id
    assert await copy.follow() == ["new 2", "removed 1"]
