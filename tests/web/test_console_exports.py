"""How far an export is, at the console and for programs; and what is said when it does not work out."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import background, clock
from bot.contacts import consent
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, Decision, Purpose
from bot.db import Database
from bot.exports.models import Export
from bot.staff.models import AuditEntry, Role
from bot.web.console import live
from tests.exports import towns
from tests.web.api_program import Program, granted
from tests.web.console_browser import Browser, build, make_orders

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        survey = towns.add_survey(db)
        for _ in range(3):
            towns.add_run(db, survey, {"origin": "LS", "city": "Roma"}, began=clock.now())
    return build(database, messages_dir, tmp_path)


def change(database: Database, what: Callable[[Export], object]) -> None:
    with database.begin() as db:
        what(db.scalars(select(Export).order_by(Export.id.desc())).first() or pytest.fail("no export"))


async def test_a_page_says_how_far_an_export_is_and_stops_it(
    app: FastAPI, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.submit(await analyst.open("/exports"), "/exports", formats=["csv", "xlsx"])
    assert "this page says how far it is" in page.text
    assert "Waits for its turn" in page.text

    def begin(export: Export) -> None:
        background.take(export, "a process")
        export.respondents, export.frozen_at, export.progress = 3, clock.now(), {"csv": 3, "xlsx": 1}

    change(database, begin)
    page = await analyst.open("/exports")
    assert "Being written" in page.text
    assert "CSV 3 of 3 people Excel 1 of 3 people" in page.text
    [part] = page.tree.xpath("//*[@data-stream='/console/exports/progress/stream']/@data-live")
    drawn = await analyst.open(part.removeprefix("/console"))
    assert ("1 of 3 people" in drawn.text, "data-final" in drawn.response.text) == (True, False)
    monkeypatch.setattr(live, "LOOK", 0.01)
    monkeypatch.setattr(live, "LASTS", 0.02)
    streamed = (await analyst.open("/exports/progress/stream")).response
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.text.count("1 of 3 people") == 1
    page = await analyst.submit(page, "/exports/1/cancel")
    assert "The export is stopped." in page.text
    assert not page.tree.xpath("//*[@data-stream]")
    again = await analyst.client.post(
        "/console/exports/1/cancel", data={"token": page.form("/exports").fields["token"]}
    )
    assert "there is nothing to stop" in again.text
    assert await make_orders(app) == 0
    with database.read() as db:
        actions = db.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "export")).all()
    assert actions == ["export.asked", "export.cancelled"]


async def test_what_went_wrong_and_what_is_gone_is_said_in_the_readers_language(
    app: FastAPI, database: Database, tmp_path: Path
) -> None:
    analyst = await Browser(app).sign_in(Role.ANALYST)
    await analyst.submit(await analyst.open("/exports"), "/exports")
    (tmp_path / "exports").write_text("a file where a folder belongs")
    assert await make_orders(app) == 0
    assert "The files could not be written (" in (await analyst.open("/exports")).text
    analyst.client.headers["accept-language"] = "fr"
    assert "Les fichiers n’ont pas pu être écrits (" in (await analyst.open("/exports")).text
    change(database, lambda export: setattr(export, "state", background.State.EXPIRED))
    change(database, lambda export: setattr(export, "manifest", "towns-3-manifest.json"))
    assert "Les fichiers ont été supprimés à la fin de leur durée." in (await analyst.open("/exports")).text


async def test_a_program_asks_with_names_and_with_weights_follows_and_stops(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        person = db.scalars(select(Contact)).first()
        assert person is not None
        proof = Proof("sharing", "h", "en", "telegram", "YES", None)
        consent.record(db, person, [Purpose.SHARING], Decision.GRANTED, proof)
    program, trusted = (Program(app, granted(database, role)) for role in (Role.ANALYST, Role.PROTECTION))
    named = {"survey": 1, "formats": ["csv"], "identified": True}
    reasons = {"reason": "Agreement 7", "recipient": "Ministry"}
    assert (await program.post("/exports", named | reasons)).status_code == 403
    assert "Say why names leave" in (await trusted.post("/exports", named)).json()["detail"]
    asked = (await trusted.post("/exports", named | reasons)).json()
    assert (await program.post(f"/exports/{asked['id']}/cancel")).status_code == 403
    target = {"question": "origin", "code": "LS", "total": 100, "source": "Census", "as_of": "2024-06-30"}
    weighted = (await program.post("/exports", {"survey": 1, "formats": ["csv"], "targets": [target]})).json()
    wrong = {"survey": 1, "targets": [target | {"total": 0}]}
    assert (await program.post("/exports", wrong)).status_code == 422
    assert await make_orders(app) == 2
    made = (await trusted.get(f"/exports/{asked['id']}")).json()
    assert (made["state"], made["respondents"], "towns-3-people.csv" in made["files"]) == ("ready", 1, True)
    made = (await program.get(f"/exports/{weighted['id']}")).json()
    assert "towns-3-weighted.csv" in made["files"]
    left = (await program.post("/exports", {"survey": 1})).json()
    assert (await program.post(f"/exports/{left['id']}/cancel")).json()["state"] == "cancelled"
    assert await make_orders(app) == 0
