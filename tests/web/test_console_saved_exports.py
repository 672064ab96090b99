"""An analyst saves an export at the console, finds its addresses, has it made, lets it rest and forgets it."""

from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot.db import Database
from bot.exports.models import Export, SavedExport
from bot.staff.models import AuditEntry, Role
from tests.exports import towns
from tests.web.console_browser import Browser, build, make_orders

ASKED = {"name": "monthly", "formats": ["csv"], "rhythm": "day", "hour": "6", "keep": "2"}


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        towns.add_run(db, towns.add_survey(db), {"origin": "LS", "city": "Roma"}, began=frozen)
    return build(database, messages_dir, tmp_path)


async def test_an_export_is_saved_made_paused_and_forgotten(app: FastAPI, database: Database, tmp_path: Path) -> None:
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.submit(await analyst.open("/exports/saved"), "/exports/saved", **ASKED)
    assert "It is saved, and made for the first time." in page.text
    assert "not ready yet" in page.text
    await make_orders(app)
    page = await analyst.open("/exports/saved")
    assert "/api/exports/saved/monthly/latest/files/wide.csv" in page.text
    page = await analyst.submit(page, "/exports/saved/1/pause")
    assert "Paused" in page.text
    page = await analyst.submit(page, "/exports/saved/1/resume")
    assert "Paused" not in page.text
    await analyst.submit(page, "/exports/saved/1/run")
    await analyst.submit(await analyst.open("/exports/saved"), "/exports/saved/1/delete")
    with database.begin() as db:
        assert db.scalars(select(SavedExport)).all() == []
        assert len(db.scalars(select(Export)).all()) == 2
        done = {entry.action for entry in db.scalars(select(AuditEntry))}
    assert {"export.saved", "export.run", "export.paused", "export.resumed", "export.forgotten"} <= done


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "A month"}, "A name stands in an address"),
        ({"hour": "24"}, "Write an hour from 0 to 23"),
        ({"hour": ""}, "Write an hour from 0 to 23"),
        ({"keep": "99999"}, "Write an hour from 0 to 23"),
    ],
)
async def test_what_cannot_be_saved_is_said_and_what_was_written_stays(
    app: FastAPI, wrong: dict[str, str], says: str
) -> None:
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.submit(await analyst.open("/exports/saved"), "/exports/saved", **{**ASKED, **wrong})
    assert says in page.text
    assert page.tree.xpath("//input[@name='keep']/@value") == [{**ASKED, **wrong}["keep"]]
