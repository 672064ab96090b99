"""The pages of investment cards: written, refused, approved by a second person, announced, handed over, closed."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, State
from bot.db import Database
from bot.opportunities import leads, service
from bot.opportunities.models import Lead, Opportunity
from bot.staff.models import AuditEntry, Role
from tests.opportunities import cards
from tests.web.console_browser import Browser, build

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path)


def _fields(what: service.Draft) -> dict[str, object]:
    texts = {f"{name}_{code}": text for code, one in what.texts.items() for name, text in one.items()}
    days = {"review_on": str(what.review_on), "valid_until": str(what.valid_until)}
    names = ("country", "sector", "issuer", "licence", "instrument", "currency", "size", "authority")
    rest = {name: getattr(what, name) for name in (*names, "authority_contact")}
    return {**texts, **days, **rest, "minimum": "50,00", "languages": list(what.languages)}


async def test_a_card_from_the_first_word_to_its_end(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.submit(
        await editor.open("/opportunities/new"), "/new", **_fields(cards.saying(summary="A ｓａｆｅ place."))
    )
    assert "Summary (English) promises what nobody can: take the word out: safe" in page.text
    approver = await Browser(app).sign_in(Role.APPROVER)
    path = page.path.removeprefix("/console")
    assert "when nothing is left to put right" in (await approver.open(path)).text
    page = await editor.submit(await editor.open(f"{path}/edit"), "/edit", **_fields(cards.draft()))
    assert "promises what nobody can" not in page.text
    assert page.text.count("You can lose money, even all of it.") >= 4  # in English, and where English stands in
    assert "1 to check and approve" in (await approver.open("/")).text
    assert "to check and approve" not in (await editor.open("/")).text
    page = await approver.submit(await approver.open(path), "/approve")
    assert "to check and approve" not in (await approver.open("/")).text
    assert "Published" in page.text
    page = await editor.submit(await editor.open(path), "/announce", to="all")
    assert page.path.startswith("/console/broadcasts/")
    assert "The bank can fail" in page.text
    announced = page.path.removeprefix("/console")
    page = await editor.submit(await editor.open(path), "/close", sure="yes")
    assert "Closed" in page.text
    assert "Cancelled" in (await editor.open(announced)).text


async def test_a_list_is_made_only_with_permission_and_reason_and_kept_nowhere(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    from bot.content import Content

    with database.begin() as db:
        card = cards.published(db, Content.load(messages_dir))
        contact = Contact(channel="telegram", state=State.MEMBER, created_at=clock.now())
        db.add(contact)
        db.flush()
        leads.share(db, contact, card, "=Palesa, +266 5812 3456", Proof("w", "h", "en", "telegram", "yes", None))
    editor = await Browser(app).sign_in(Role.EDITOR)
    assert (await editor.open("/handover")).status == 403
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open("/handover")
    refused = await officer.submit(page, "/handover", reason=" ", format="csv")
    assert refused.status == 409
    made = await officer.submit(page, "/handover", reason="agreement 7", format="csv")
    assert "attachment" in made.response.headers["content-disposition"]
    text = made.response.content.decode("utf-8-sig")
    assert "new," in text
    assert "'=Palesa, +266 5812 3456" in text
    page = await officer.open("/handover")
    assert "agreement 7" in page.text
    assert "5812" not in page.text
    made = await officer.submit(page, "/handover", reason="again", format="xlsx")
    assert made.response.content.startswith(b"PK")
    with database.read() as db:
        actions = list(db.scalars(select(AuditEntry.action)))
        assert actions.count("leads.handed_over") == 2
        lead = db.scalars(select(Lead)).one()
    page = await editor.open(f"/opportunities/{card.id}")
    assert lead.reference in page.text
    assert "5812" not in page.text
    page = await editor.submit(page, "/outcome", outcome="invested")
    assert page.status == 200
    with database.read() as db:
        assert db.scalars(select(Lead)).one().outcome == "invested"


async def test_cards_that_are_due_wait_on_the_first_page_of_who_may_change_them(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    from bot.content import Content

    editor = await Browser(app).sign_in(Role.EDITOR)
    with database.begin() as db:
        card = cards.published(db, Content.load(messages_dir))
    due = re.compile(r"(?<![\d,])1 to review")  # wordings that wait for review are counted there, too
    assert not due.search((await editor.open("/")).text)
    with database.begin() as db:
        db.get_one(Opportunity, card.id).review_on = service.today()
    assert due.search((await editor.open("/")).text)
    analyst = await Browser(app).sign_in(Role.ANALYST)
    assert not due.search((await analyst.open("/")).text)


async def test_figures_on_costs_come_by_hand_and_as_csv(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.open("/costs")
    assert "There are no figures yet" in page.text
    day = str(service.today() - timedelta(days=200))
    lines = f"from;to;provider;fee_usd;margin_percent;source;as_of\nZA;LS;Post;8,50;2;Survey of banks;{day}\n"
    page = await editor.upload(page, "/upload", "file", "costs.csv", lines.encode())
    assert "12.50" in page.text
    assert "marked as old" in page.text
    wrong = lines.replace("8,50", "")
    refused = await editor.upload(page, "/upload", "file", "costs.csv", wrong.encode())
    assert refused.status == 409
    assert "Line 2: fee_usd must be a number" in refused.text
    page = await editor.submit(await editor.open("/costs"), "/remove")
    assert "There are no figures yet" in page.text


async def test_a_forged_or_broken_form_changes_nothing(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    bad = _fields(cards.draft()) | {"minimum": "a lot", "valid_until": "soon"}
    page = await editor.submit(await editor.open("/opportunities/new"), "/new", **bad)
    assert page.status == 422
    assert "Smallest amount" in page.text
    with database.read() as db:
        assert db.scalars(select(Opportunity)).all() == []
    assert (await editor.open("/opportunities/999")).status == 404


@pytest.mark.parametrize("field", ["country", "sector", "instrument", "currency", "size"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite holds any length
async def test_a_code_that_nobody_offered_is_refused_however_long(app: FastAPI, field: str) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.open("/opportunities/new")
    data = dict(page.form("/new").form_values()) | {field: "x" * 33}
    assert (await editor.client.post("/console/opportunities/new", data=data)).status_code == 422
