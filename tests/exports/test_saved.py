"""Exports that are made again and again, at an address that stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.background import State
from bot.db import Database
from bot.exports import making, saved
from bot.exports.models import Export, SavedExport
from bot.exports.options import ExportError, Options
from bot.exports.saved import Rhythm
from bot.staff import service
from bot.staff.models import Role, StaffUser
from bot.surveys.models import Survey
from tests.exports.towns import SHEET, add_run, add_survey
from tests.web.api_program import Program, granted
from tests.web.console_browser import build

NOON = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Maseru
pytestmark = [
    pytest.mark.usefixtures("frozen"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),  # nothing of it depends on the database
]


@pytest.fixture
def program(database: Database, messages_dir: Path, tmp_path: Path) -> Program:
    with database.begin() as db:
        add_run(db, add_survey(db), {"origin": "LS"})
    app = build(database, messages_dir, tmp_path, api_rate=100_000)
    with database.begin() as db:
        survey = db.scalars(select(Survey)).one()
        options = Options(formats=frozenset({"csv", "xlsx"}))
        saved.save(db, "monthly", survey, options, Rhythm.WEEK, 6, 2, analyst(db))
    return Program(app, granted(database, Role.ANALYST))


def analyst(db: object) -> StaffUser:
    user = service.find(db, f"{Role.ANALYST}@example.org")  # type: ignore[arg-type]
    assert user
    return user


async def make(database: Database, tmp_path: Path) -> int:
    return await making.work(database, tmp_path / "exports", "worker")


async def test_the_latest_is_at_an_address_that_outlives_versions_of_the_form(
    program: Program, database: Database, tmp_path: Path
) -> None:
    assert (await program.get("/exports/saved/monthly/latest")).status_code == 404
    await make(database, tmp_path)
    first = (await program.get("/exports/saved/monthly/latest")).json()
    assert set(first["files"]) == {"wide.csv", "wide-child.csv", "codebook.csv", "data.xlsx", "manifest.json"}
    before = await program.get("/exports/saved/monthly/latest/files/wide.csv")
    assert b"towns" not in before.content
    with database.begin() as db:
        add_run(db, add_survey(db, SHEET.replace("| towns | 3 |", "| towns | 4 |")), {"origin": "MU"})
    clock.advance(timedelta(days=7))
    with database.begin() as db:
        assert saved.run_due(db) == 1
        assert saved.run_due(db) == 0
    await make(database, tmp_path)
    after = await program.get("/exports/saved/monthly/latest/files/wide.csv")
    assert after.content != before.content
    assert b"MU" in after.content
    assert (await program.get("/exports/saved/monthly/latest/files/other.csv")).status_code == 404
    assert (await program.post("/exports/saved/monthly/runs")).status_code == 202
    made = await program.post("/exports/saved", {"name": "daily", "survey": 1, "rhythm": "day", "formats": ["csv"]})
    assert (made.status_code, made.json()["paused"]) == (201, False)
    assert (await program.post("/exports/saved/daily/pause")).json()["paused"]
    assert (await program.client.delete("/exports/saved/daily")).status_code == 204
    assert [one["name"] for one in (await program.get("/exports/saved")).json()] == ["monthly"]


async def test_only_the_last_few_keep_their_files(program: Program, database: Database, tmp_path: Path) -> None:
    for _ in range(3):
        await program.post("/exports/saved/monthly/runs")
        await make(database, tmp_path)
    with database.begin() as db:
        assert saved.thin(db, tmp_path / "exports") == 1
        assert saved.thin(db, tmp_path / "exports") == 0
        states = [export.state for export in db.scalars(select(Export).order_by(Export.id))]
    assert states == [State.EXPIRED, State.READY, State.READY]


async def test_what_is_due_stops_with_the_right_of_who_saved_it(program: Program, database: Database) -> None:
    clock.advance(timedelta(days=7))
    with database.begin() as db:
        analyst(db).role = Role.AGENT
        db.execute(Export.__table__.delete())
        saved.run_due(db)
        row = db.scalars(select(SavedExport)).one()
        assert row.paused
        assert "exports.run" in str(row.problem)
        assert db.scalars(select(Export)).all() == []


def test_what_cannot_be_saved_says_why(program: Program, database: Database) -> None:
    with database.begin() as db:
        survey, user = db.scalars(select(Survey)).one(), analyst(db)
        plain = Options()
        for name, options, hour, says in (
            ("Monthly report", plain, 6, "small letters"),
            ("monthly", plain, 6, "Another saved export"),
            ("words", Options(free_text=True), 6, "by hand"),
            ("late", plain, 24, "hour"),
            ("wrong", Options(leave_out=frozenset({"nothing"})), 6, "no question nothing"),
        ):
            with pytest.raises(ExportError, match=says), db.begin_nested():
                saved.save(db, name, survey, options, Rhythm.DAY, hour, 3, user)
        assert len(db.scalars(select(SavedExport)).all()) == 1


@pytest.mark.parametrize(
    ("rhythm", "hour", "expected"),
    [
        (Rhythm.DAY, 13, datetime(2026, 3, 4, 11, tzinfo=UTC)),
        (Rhythm.DAY, 12, datetime(2026, 3, 5, 10, tzinfo=UTC)),
        (Rhythm.WEEK, 6, datetime(2026, 3, 9, 4, tzinfo=UTC)),
        (Rhythm.MONTH, 6, datetime(2026, 4, 1, 4, tzinfo=UTC)),
        (Rhythm.NEVER, 6, None),
    ],
)
def test_the_next_time_is_by_the_clock_at_home(
    rhythm: Rhythm, hour: int, expected: datetime | None, database_url: str
) -> None:
    assert saved.next_time(rhythm, hour, NOON) == expected
