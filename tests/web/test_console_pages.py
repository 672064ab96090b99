"""Home, members, inbox, surveys, sessions, exports, staff and audit, as a person uses them."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, select, update

from bot import clock
from bot.contacts.models import Contact
from bot.conversations.models import Ticket
from bot.db import Database
from bot.events.models import Event, EventStatus
from bot.exports import service as exports
from bot.exports.models import Export
from bot.exports.options import Options
from bot.messaging.models import Handling, InboxMessage, Sender, Worker
from bot.staff.models import AuditEntry, Role, StaffUser
from bot.surveys.models import Disposition, Run, Status, Survey
from bot.web.console import PAGES
from tests.exports import towns
from tests.web.console_browser import PASSWORD, Browser, build, make_orders
from tests.web.test_console_broadcasts import add_member

NUMBER = "+26658123401"
SAID = "my <b>private</b> words"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in (1, 2):
            contact = add_member(db, number, "whatsapp")
            contact.joined_at = clock.now() - timedelta(days=number)
            db.add(
                InboxMessage(
                    channel="whatsapp",
                    sender="ours",
                    external_id=str(number),
                    contact_id=contact.id,
                    kind="text",
                    text=SAID,
                    payload=None,
                    handling=Handling.PARKED if number == 2 else Handling.DONE,
                    attempts=5,
                    error="KeyError",
                    received_at=clock.now(),
                )
            )
    return build(database, messages_dir, tmp_path)


def member(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.min(Contact.id))) or 0


async def test_home_says_what_waits_and_how_things_stand(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        db.add(Worker(name="one", seen_at=clock.now()))
        asked = {"kind": "human", "text": SAID, "opened_at": clock.now(), "waiting_since": clock.now()}
        db.add(Ticket(contact_id=member(database), **asked))
        db.add(Ticket(contact_id=member(database), closed_at=clock.now(), **asked))
        db.add(Sender(key="whatsapp:MG1", next_at=clock.now(), paused_until=clock.now() + timedelta(minutes=5)))
    page = await (await Browser(app).sign_in(Role.AGENT)).open("/")
    assert "1 could not be handled" in page.text
    assert "1 wait for an answer" in page.text
    assert "Running" in page.text
    assert "paused until 12:05" in page.text
    assert "most on one day: 1" in page.text
    assert "Telegram 700 free to send" in page.text
    assert "not translated" not in page.text  # an agent changes no texts
    administrator = await Browser(app).sign_in(Role.ADMINISTRATOR)
    page = await administrator.open("/")
    assert "Translations that members do not see" in page.text
    [drafts] = page.tree.xpath("//a[contains(@href, 'state=draft')]/@href")
    assert "Draft" in (await administrator.open(drafts.removeprefix("/console"))).text
    for path in page.tree.xpath("//ul[@class='todo']//a/@href"):
        assert path.split("?")[0].split("#")[0] in {f"/console{one.path}" for one in PAGES}
    clock.advance(timedelta(minutes=3))
    assert "Not running" in (await (await Browser(app).sign_in(Role.APPROVER)).open("/")).text


async def test_the_menu_offers_only_what_the_role_may_open(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.ANALYST)
    page = await browser.open("/")
    offered = page.tree.xpath("//nav[@id='menu']//a/@href")
    assert offered == [
        "/console/",
        "/console/surveys",
        "/console/sessions",
        "/console/opportunities",
        "/console/costs",
        "/console/reports",
        "/console/exports",
        "/console/account",
    ]
    for path in offered:
        assert (await browser.open(path.removeprefix("/console"))).status == 200


async def test_members_are_found_and_their_numbers_are_masked(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/members")
    assert len(page.tree.xpath("//tbody/tr")) == 2
    assert NUMBER not in page.response.text
    assert "+266•••01" in page.text
    page = await browser.submit(page, "/members", id=member(database))
    assert len(page.tree.xpath("//tbody/tr")) == 1
    assert "Nobody was found" in (await browser.submit(page, "/members", id="0")).text
    assert "Nobody was found" in (await browser.submit(page, "/members", id="x' OR 1=1")).text


async def test_numbers_and_texts_are_shown_for_a_reason_that_is_written_down(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.PROTECTION)
    path = f"/members/{member(database)}"
    page = await browser.open(path)
    assert NUMBER not in page.response.text
    assert "private" not in page.response.text
    assert "Show them" in page.text
    assert (await browser.submit(page, f"{path}/look")).status == 409  # without a reason
    page = await browser.submit(page, f"{path}/look", reason="question")
    assert NUMBER in page.text
    assert SAID in page.text  # escaped: what a browser shows is what was said
    assert "<b>private</b>" not in page.response.text
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "member.identity_viewed")).one()
    assert entry.detail == {"reason": "question"}

    looked = str(page.response.url).partition("/console")[2]
    other_member = looked.replace(f"/members/{member(database)}", f"/members/{member(database) + 1}")
    assert "private" not in (await browser.open(other_member)).response.text
    administrator = await Browser(app).sign_in(Role.ADMINISTRATOR)
    assert "private" not in (await administrator.open(looked)).response.text
    clock.advance(timedelta(minutes=16))
    assert "private" not in (await browser.open(looked)).response.text


async def test_a_parked_message_is_given_new_tries(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/inbox")
    assert "KeyError" in page.text
    assert "private" not in page.response.text
    with database.read() as db:
        parked = db.scalar(select(InboxMessage.id).where(InboxMessage.handling == Handling.PARKED))
    await browser.submit(page, f"/inbox/parked/{parked}/retry")
    with database.read() as db:
        assert db.scalar(select(InboxMessage.attempts).where(InboxMessage.id == parked)) == 0


async def test_a_survey_is_uploaded_published_and_followed(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    form = next((messages_dir / "surveys").glob("*.xlsx")).read_bytes()
    page = await browser.upload(await browser.open("/surveys"), "/upload", "file", "mapping.xlsx", form)
    assert "The form can run" in page.text
    page = await browser.submit(page, "/publish")
    assert "Open" in page.text
    with database.begin() as db:
        survey = db.scalars(select(Survey)).one()
        assert survey.status == Status.OPEN
        run = {
            "language": "en",
            "channel": "whatsapp",
            "state": {},
            "started_at": clock.now(),
            "updated_at": clock.now(),
        }
        db.add(Run(survey_id=survey.id, contact_id=member(database), disposition=Disposition.COMPLETED, **run))
    assert "Completed 1 100%" in (await browser.open(f"/surveys/{survey.id}")).text
    page = await browser.submit(await browser.open(f"/surveys/{survey.id}"), "/close")
    assert "Closed" in page.text


async def test_a_broken_form_is_refused_with_the_place_of_each_error(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await browser.open("/surveys")
    answer = await browser.upload(page, "/upload", "file", "form.xlsx", b"this is no workbook")
    assert answer.status == 422
    assert "cannot run yet" in answer.text
    for name in ("form.pdf", "form", "form.xlsx.exe"):
        assert (await browser.upload(page, "/upload", "file", name, b"x")).status == 409
    assert (await browser.upload(page, "/upload", "file", "big.xlsx", b"0" * 17 * 1024**2)).status == 413


async def test_a_session_is_planned_published_invited_to_and_cancelled(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await browser.submit(
        await browser.open("/sessions/new"),
        "/sessions/new",
        title_en="Saving",
        starts="2026-03-20T18:30",
        zone="Indian/Mauritius",
        capacity="30",
    )
    assert "20 Mar 2026, 18:30" in page.text
    with database.read() as db:
        event = db.scalars(select(Event)).one()
        assert event.starts_at.hour == 14
    page = await browser.submit(page, "/publish")
    page = await browser.submit(page, "/invite", channels=["whatsapp"])
    assert "Invitations 2" in page.text
    assert (await browser.submit(page, "/cancel")).status == 409  # without the tick
    page = await browser.submit(page, "/cancel", sure="yes")
    assert "Cancelled" in page.text
    with database.read() as db:
        assert db.scalar(select(Event.status)) == EventStatus.CANCELLED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("starts", "soon"),
        ("starts", "0001-01-01T00:00"),
        ("zone", "Nowhere/Land"),
        ("minutes", "0"),
        ("capacity", "-1"),
    ],
)
async def test_a_session_that_cannot_be_is_not_saved(app: FastAPI, database: Database, field: str, value: str) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    fields = {"title_en": "Saving", "starts": "2026-03-20T18:30"} | {field: value}
    page = await browser.submit(await browser.open("/sessions/new"), "/sessions/new", **fields)
    assert page.status == 422
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Event)) == 0


async def test_an_export_is_written_and_downloaded_and_both_are_in_the_audit(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    form = next((messages_dir / "surveys").glob("*.xlsx")).read_bytes()
    await editor.upload(await editor.open("/surveys"), "/upload", "file", "mapping.xlsx", form)
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.submit(await analyst.open("/exports"), "/exports")
    assert "Waits for its turn" in page.text
    assert await make_orders(app) == 1
    page = await analyst.open("/exports")
    links = [link for link in page.tree.xpath("//tbody//a/@href") if link.endswith(".csv")]
    answer = await analyst.client.get(links[0])
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (await analyst.client.get(links[0].rpartition("/")[0] + "/..%2F..%2Foutreach.db")).status_code == 404
    with database.read() as db:
        actions = list(db.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("export"))))
    assert actions == ["export.asked", "export.ready", "export.downloaded"]


async def test_an_analyst_chooses_the_kinds_of_file_and_must_choose_one(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        survey = towns.add_survey(db)
        towns.add_run(db, survey, {"origin": "LS"}, began=clock.now())
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.open("/exports")
    fields = dict(page.form("/exports").form_values()) | {"survey": str(survey.id)}
    fields.pop("formats", None)
    answer = await analyst.client.post("/console/exports", data=fields)
    assert "Choose at least one kind of file." in answer.text
    await analyst.client.post("/console/exports", data=fields | {"formats": ["sav", "dta"]})
    await make_orders(app)
    names = [link.rsplit("/", 1)[1] for link in (await analyst.open("/exports")).tree.xpath("//tbody//a/@href")]
    beside = ["towns-3-codebook.csv", "towns-3-sets.sps"]
    files = ["towns-3-child.dta", "towns-3-child.sav", *beside, "towns-3.dta", "towns-3.sav"]
    assert names == [*files, "towns-3-manifest.json"]


async def test_who_was_erased_since_an_export_is_named_by_its_number_only(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        survey = towns.add_survey(db)
        towns.add_run(db, survey, {}, began=clock.now())
        exports.begin(db, survey, Options(), "1")
    await make_orders(app)
    analyst = await Browser(app).sign_in(Role.ANALYST)
    assert "was erased" not in (await analyst.open("/exports")).text
    with database.begin() as db:
        db.execute(delete(Contact).where(Contact.id.in_(select(Run.contact_id))))
        [respondent] = exports.withdrawn(db, db.get_one(Export, 1))
    page = await analyst.open("/exports")
    assert "1 person was erased or took back the consent since: delete the line." in page.text
    [link] = page.tree.xpath("//a[contains(@href, '/withdrawn')]/@href")
    assert (await analyst.client.get(link)).text.splitlines() == ["respondent", respondent]
    assert (await analyst.client.get("/console/exports/999/withdrawn")).status_code == 404


async def test_free_text_is_exported_only_by_who_may_see_identities(app: FastAPI, messages_dir: Path) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    form = next((messages_dir / "surveys").glob("*.xlsx")).read_bytes()
    await editor.upload(await editor.open("/surveys"), "/upload", "file", "mapping.xlsx", form)
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.open("/exports")
    form_fields = dict(page.form("/exports").form_values()) | {"free_text": "1"}
    assert "free_text" not in page.form("/exports").fields
    assert (await analyst.client.post("/console/exports", data=form_fields)).status_code == 403
    protection = await Browser(app).sign_in(Role.PROTECTION)
    await protection.submit(await protection.open("/exports"), "/exports", free_text="1")
    await make_orders(app)
    page = await protection.open("/exports")
    [link, *_] = page.tree.xpath("//tbody//a/@href")
    assert (await analyst.client.get(link)).status_code == 403
    assert (await protection.client.get(link)).status_code == 200


async def test_a_colleague_is_added_with_a_link_that_is_shown_once(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.ADMINISTRATOR)
    page = await browser.open("/staff")
    page = await browser.submit(page, "/staff", name="Neo", email="neo@example.org", role="approver")
    assert page.status == 201
    [link] = [code for code in page.tree.xpath("//code/text()") if "/welcome/" in code]
    assert link not in (await browser.open("/staff")).text
    newcomer = Browser(app)
    welcome = await newcomer.open(link.partition("/console")[2])
    await newcomer.submit(welcome, link.partition("/console")[2], password=PASSWORD)
    again = await browser.submit(await browser.open("/staff"), "/staff", name="Neo", email="NEO@example.org")
    assert again.status == 409
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(StaffUser)) == len(Role) + 1


async def test_the_last_administrator_cannot_be_closed(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.ADMINISTRATOR)
    page = await browser.open("/staff")
    with database.read() as db:
        number = db.scalar(select(StaffUser.id).where(StaffUser.role == Role.ADMINISTRATOR))
    assert "last active administrator" in (await browser.submit(page, f"/staff/{number}/active")).text
    assert "last active administrator" in (await browser.submit(page, f"/staff/{number}/role", role="editor")).text


async def test_closing_an_account_signs_it_out_at_once(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    browser = await Browser(app).sign_in(Role.ADMINISTRATOR)
    with database.read() as db:
        number = db.scalar(select(StaffUser.id).where(StaffUser.role == Role.EDITOR))
    await browser.submit(await browser.open("/staff"), f"/staff/{number}/active")
    assert (await editor.open("/broadcasts")).path == "/console/sign-in"


async def test_the_audit_page_checks_the_chain(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.PROTECTION)
    assert "The chain holds" in (await browser.open("/audit/check")).text
    with database.begin() as db:
        db.execute(update(AuditEntry).where(AuditEntry.id == 2).values(action="nothing.happened"))
    assert "The chain breaks at entry 2" in (await browser.open("/audit/check")).text
