"""Reports at the console: ordered, looked at, and taken home; who may not, and what is gone, is said."""

from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot.db import Database
from bot.reports import service
from bot.staff.models import AuditEntry, Role
from tests.reports.population import settle
from tests.web.console_browser import Browser, build, make_orders


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        settle(db, messages_dir, 30)
    return build(database, messages_dir, tmp_path)


async def test_a_report_is_drawn_looked_at_and_saved_and_both_are_noted(
    app: FastAPI, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await (await Browser(app).sign_in(Role.AGENT)).open("/reports")).status == 403
    browser = await Browser(app).sign_in(Role.ANALYST)
    page = await browser.open("/reports")
    for wrong in ({"country": "ZA"}, {"form": "towns"}, {"form": "../secrets"}, {"language": "st"}):
        refused = await browser.submit(page, "/reports", **wrong)
        assert "Choose a survey, a country and a language from the lists." in refused.text
    assert not (tmp_path / "reports").exists()
    page = await browser.submit(page, "/reports", country="LS", language="fr")
    assert "The report is being drawn" in page.text
    assert await make_orders(app) == 1
    page = await browser.open("/reports")
    links = page.tree.xpath("//table//a/@href")
    assert links == [f"/console/reports/1/{kind}" for kind in ("html", "pdf", "html?save=1", "zip")]
    report = await browser.open("/reports/1/html")
    assert "Cartographie de la diaspora" in report.text
    policy = report.response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    paper = await browser.open("/reports/1/pdf")
    assert paper.response.content.startswith(b"%PDF-")
    assert paper.response.headers["content-disposition"].startswith("attachment")
    with database.read() as db:
        noted = list(db.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("report."))))
    assert noted == ["report.made", "report.downloaded"]
    (tmp_path / "reports" / "1" / "diaspora_mapping-ls-fr.pdf").unlink()
    for gone in ("/reports/1/pdf", "/reports/1/exe", "/reports/2/pdf"):
        assert (await browser.open(gone)).status == 404

    def odd(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service, "write", odd)
    await browser.submit(await browser.open("/reports"), "/reports")
    assert await make_orders(app) == 0
    text = (await browser.open("/reports")).text
    assert "Did not work out It stopped at something unforeseen (ZeroDivisionError), which the log tells" in text
