"""The proof of consent on a member's page: for a day, for a reason that is noted, for the focal point only."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts import consent
from bot.contacts.models import Address, Contact, Decision, Purpose, State
from bot.content import Content
from bot.conversations import proof, proof_paper
from bot.db import Database
from bot.staff.models import AuditEntry, Role
from tests.web.console_browser import Browser, build

pytestmark = [pytest.mark.usefixtures("frozen"), pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def member(database: Database) -> int:
    """Somebody who agreed to news today and took it back two days later, in words that are markup elsewhere."""
    with database.begin() as db:
        contact = Contact(channel="telegram", state=State.MEMBER, created_at=clock.now(), joined_at=clock.now())
        db.add(contact)
        db.flush()
        db.add(Address(contact_id=contact.id, channel="telegram", sender="s", value="4711", value_hash="h"))
        for word, said in ((Decision.GRANTED, '#panic("x") <b>'), (Decision.WITHDRAWN, "STOP")):
            shown = consent.Proof("consent.wording.v1", "h" * 64, "fr", "telegram", said, 7)
            consent.record(db, contact, [Purpose.NEWS], word, shown)
            clock.advance(timedelta(days=2))
        return contact.id


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path)


async def test_the_focal_point_gets_it_for_a_day_and_it_is_written_down(
    app: FastAPI, database: Database, member: int
) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open(f"/members/{member}")
    made = (await officer.submit(page, "/proof", on="2026-03-04", reason="data_request")).response
    assert made.content.startswith(b"%PDF-")
    assert made.headers["content-disposition"] == f'attachment; filename="consent-{member}-2026-03-04.pdf"'
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == proof.ACTION)).one()
    assert (entry.subject_id, entry.detail["reason"], entry.detail["at"][:10]) == (
        str(member), "data_request", "2026-03-04",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "reason", "why"),
    [("2026-03-04", "", "Choose why you need the proof"), ("2099-01-01", "consent", "Choose a day that has been"),
     ("", "consent", "Choose a day that has been"), ("1 March", "fraud", "Choose a day that has been")],
)  # fmt: skip
async def test_without_a_reason_or_a_day_that_was_there_is_none(
    app: FastAPI, database: Database, member: int, on: str, reason: str, why: str
) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    refused = await officer.submit(await officer.open(f"/members/{member}"), "/proof", on=on, reason=reason)
    assert why in refused.text
    with database.read() as db:
        assert db.scalars(select(AuditEntry).where(AuditEntry.action == proof.ACTION)).all() == []


async def test_nobody_else_is_offered_it_or_gets_it(app: FastAPI, member: int) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.open(f"/members/{member}")
    assert "/proof" not in page.text
    assert (await editor.client.post(f"/console/members/{member}/proof", data={"on": "2026-03-04"})).status_code in (
        400, 403,
    )  # fmt: skip


def test_the_paper_says_what_stood_and_what_was_said(database: Database, member: int, messages_dir: Path) -> None:
    content = Content.load(messages_dir)
    with database.read() as db:
        contact = db.get_one(Contact, member)
        first = proof.document(db, contact, clock.now() - timedelta(days=3))
        last = proof.document(db, contact, clock.now())
    assert (first.granted, last.granted) == (("news",), ())
    pages = proof_paper.pages(content, last, "fr", content.console["fr"].gettext)
    assert pages["title"] == "Preuve de consentement"
    assert [word["head"] for word in pages["words"]] == ["Nouvelles – accepté", "Nouvelles – retiré"]
    assert 'Réponse\u00a0: #panic("x") <b>' in pages["words"][0]["facts"]
    assert any("4711" in fact for fact in pages["facts"])
