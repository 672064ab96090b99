"""Surveys in the console: whom they ask, when, how many, and where people stop."""

import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts import consent
from bot.contacts.models import Contact, Decision, Purpose
from bot.content import Content
from bot.db import Database
from bot.messaging.models import OutboxMessage
from bot.staff.models import AuditEntry, Role
from bot.surveys import inviting, publishing, service
from bot.surveys.models import Disposition, Run, Status, Survey
from bot.surveys.xform import load
from tests.web.console_browser import Browser, Seen, build
from tests.web.test_console_broadcasts import add_member

FORM = (
    b"| survey |\n| | type | name | label |\n| | text | a | What do you need? |\n| | text | b | And why? |\n"
    b"| settings |\n| | form_title | form_id | version |\n| | Needs | needs | 1 |\n"
)


XFORM = load(FORM.replace(b"needs", b"pictures"), "needs.md").xform


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in (1, 2, 3):
            contact = add_member(db, number, "whatsapp")
            contact.origin = "LS" if number < 3 else "MW"
            proof = consent.Proof("consent.wording.v1", "0" * 64, "en", "whatsapp", "yes", None)
            consent.record(db, contact, [Purpose.SURVEYS], Decision.GRANTED, proof)
        publishing.publish(db, FORM, "needs.md")
    return build(database, messages_dir, tmp_path)


async def opened(app: FastAPI, role: Role = Role.EDITOR) -> tuple[Browser, str]:
    return await Browser(app).sign_in(role), "/surveys/1"


async def test_people_are_invited_by_what_they_have_in_common(app: FastAPI, database: Database) -> None:
    browser, path = await opened(app)
    page = await browser.submit(await browser.open(path), "/invite", origins="LS")
    assert "invitations are on their way" in page.text
    assert "2 invited" in page.text
    page = await browser.submit(page, "/invite", origins="LS")
    assert "Nobody was invited" in page.text

    with database.read() as db:
        assert {row.kind for row in db.scalars(select(OutboxMessage))} == {"survey_invite"}
        assert [run.disposition for run in db.scalars(select(Run))] == [Disposition.INVITED] * 2
        facts = db.scalars(select(AuditEntry.detail).where(AuditEntry.action == "survey.invited")).first()
        assert facts
        assert (facts["chosen"], facts["invited"]) == (2, 2)


async def test_days_and_quotas_are_set_and_shown(app: FastAPI, database: Database) -> None:
    browser, path = await opened(app)
    days = {"opens_at": "2026-03-05T08:00", "closes_at": "2026-04-01T18:00"}
    page = await browser.submit(await browser.open(path), "/terms", quotas="residence=ZA, origin=LS: 50", **days)
    assert "residence=ZA, origin=LS: 50" in page.text
    assert "0 of 50" in page.text
    with database.read() as db:
        survey = db.scalars(select(Survey)).one()
        assert survey.opens_at == datetime.fromisoformat("2026-03-05T06:00+00:00")  # as typed in Maseru
        assert survey.quotas == {"residence=ZA,origin=LS": 50}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quotas": "residence: 50"}, "one cell on each line"),
        ({"quotas": "shoe=42: 50"}, "one cell on each line"),
        ({"opens_at": "2026-04-01T18:00", "closes_at": "2026-03-01T18:00"}, "open before it closes"),
        ({"opens_at": "soon"}, "both days in full"),
    ],
)
async def test_terms_that_cannot_be_read_change_nothing(
    app: FastAPI, database: Database, fields: dict[str, str], said: str
) -> None:
    browser, path = await opened(app)
    page = await browser.submit(await browser.open(path), "/terms", **fields)
    assert said in page.text
    with database.read() as db:
        survey = db.scalars(select(Survey)).one()
        assert (survey.opens_at, survey.closes_at, survey.quotas) == (None, None, {})


async def test_the_page_says_where_people_stop_and_what_stops_them(app: FastAPI, database: Database) -> None:
    now = clock.now()
    with database.begin() as db:
        for number, path in enumerate(["/data/a", "/data/b", "/data/b"]):
            contact = db.scalars(select(Contact).order_by(Contact.id).offset(number)).first()
            assert contact
            db.add(
                Run(
                    survey_id=1, contact_id=contact.id, disposition=Disposition.PARTIAL, language="en",
                    channel="whatsapp", state={}, path=path, fault="b" if number == 2 else None,
                    started_at=now - timedelta(hours=1), updated_at=now,
                )
            )  # fmt: skip
    browser, path = await opened(app, Role.ANALYST)
    page = await browser.open(path)
    assert "What do you need? a 0 1" in page.text
    assert "And why? b 0 2" in page.text
    assert "b : 1 person waits" in page.text
    assert "Invite these people" not in page.text


async def test_staff_remind_who_is_silent_and_close_what_is_over(app: FastAPI, database: Database) -> None:
    content = Content.load(Path("messages"))
    with database.begin() as db:
        first, *_ = db.scalars(select(Contact).order_by(Contact.id))
        service.begin(db, content, first, "whatsapp", db.get_one(Survey, 1))
        inviting.invite(db, db.get_one(Survey, 1), select(Contact.id))
    browser, path = await opened(app)
    assert "silent half-way" not in (await browser.open(path)).text
    clock.advance(timedelta(hours=25))
    browser, path = await opened(app)
    page = await browser.open(path)
    assert "1 person has been silent half-way" in page.text
    page = await browser.submit(page, "/nudge")
    assert "The reminders are on their way" in page.text
    assert "silent half-way" not in page.text
    page = await browser.submit(page, "/close")
    with database.read() as db:
        rows = db.execute(select(OutboxMessage.kind, OutboxMessage.status, OutboxMessage.reason)).all()
        assert (
            sorted(rows)
            == [("nudge", "cancelled", "survey_closed")] + [("survey_invite", "cancelled", "survey_closed")] * 2
        )


async def test_a_draft_invites_nobody(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        draft = publishing.upload(db, FORM.replace(b"needs", b"later"), "later.md").id
    browser, path = await opened(app)
    page = await browser.open(path)
    with database.begin() as db:
        db.get_one(Survey, 1).status = Status.CLOSED
    assert "Publish the survey first" in (await browser.submit(page, "/invite")).text
    assert "Invite these people" not in (await browser.open(f"/surveys/{draft}")).text


async def test_a_form_comes_with_its_files_in_a_zip(app: FastAPI, database: Database) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("pictures.xml", XFORM)
        archive.writestr("media/map.png", b"png")
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await browser.upload(await browser.open("/surveys"), "/upload", "file", "all.zip", data.getvalue())
    assert "The form can run" in page.text
    with database.read() as db:
        survey = db.scalars(select(Survey).where(Survey.form_id == "pictures")).one()
        assert [file.name for file in survey.media] == ["map.png"]
        assert survey.filename == "pictures.xml"


CHOOSING = """
| survey |
| | type | name | label::English (en) | label::French (fr) | media::image |
| | select_one yn | sends | Do you send money home? | Envoyez-vous de l’argent ? | map.png |
| | select_multiple ways | how | How? | Comment ? | |
| | text | wish | What do you wish for? | Que souhaitez-vous ? | |
| choices |
| | list_name | name | label::English (en) | label::French (fr) |
| | yn | yes | Yes | Oui |
| | yn | no | No | Non |
| | ways | bank | By bank | Par banque |
| | ways | cash | In cash | En espèces |
| settings |
| | form_title | form_id | version | default_language |
| | Small | small | 1 | English (en) |
"""


async def test_a_draft_is_tried_on_each_channel_and_in_another_language_and_nothing_is_kept(
    app: FastAPI, database: Database
) -> None:
    with database.begin() as db:
        id = publishing.upload(db, CHOOSING.encode(), "small.md", {"map.png": b"\x89PNG\r\n\x1a\n"}).id
    browser = await Browser(app).sign_in(Role.ANALYST)
    path = f"/surveys/{id}"
    page = await browser.open(f"{path}/try?channel=telegram&language=en")
    assert "Do you send money home?" in page.text
    picture = page.tree.xpath("//figure//img/@src")[0]
    assert (await browser.client.get(picture)).headers["content-type"] == "image/png"
    first, other = button(page, "Yes"), button(page, "No")
    page = await step(browser, page, line=first)
    page = await step(browser, page, line=button(page, "By bank"))
    assert "✓ By bank" in page.text
    assert page.text.count("How?") == 1, "ticks change the message that is there"
    page = await step(browser, page, line="@channel whatsapp")
    page = await step(browser, page, line="@language fr")
    assert "1. Par banque" in page.text
    page = await step(browser, page, line=other)
    assert "CHANGER 1" in page.text, "an old button is known for what it is"
    page = await step(browser, page, text="2")
    page = await step(browser, page, text="HELP")
    assert "HELP is answered by the bot" in page.text
    page = await step(browser, page, text="<script>paix</script>")
    page = await step(browser, page, line=button(page, "Envoyer"))
    assert "Completed" in page.text
    assert "/data/wish <script>paix</script>" in page.text
    assert "/data/how cash" in page.text
    page = await step(browser, page, undo="1")
    assert "Half-way" in page.text
    with database.read() as db:
        assert db.scalar(select(Run.id)) is None
        assert db.scalar(select(OutboxMessage.id)) is None
        assert db.get_one(Survey, id).status == Status.DRAFT


def button(page: Seen, label: str) -> str:
    return str(page.tree.xpath(f"//figure//button[normalize-space()='{label}']/@value")[-1])


async def step(browser: Browser, page: Seen, **fields: str) -> Seen:
    """Send the last form of the chat with one more line."""
    form = page.tree.xpath("//form[.//textarea[@id='text']]")[-1]
    pairs = [(name, value) for name, value in form.form_values() if name not in fields]
    data: dict[str, list[str]] = {}
    for name, value in [*pairs, *fields.items()]:
        data.setdefault(name, []).append(value)
    target = httpx.URL(str(page.response.url)).join(form.get("action").partition("#")[0])
    answer = Seen(await browser.client.post(target, data=data))
    assert answer.status == 200, answer.text
    return answer


async def test_a_rehearsal_takes_no_more_lines_than_it_can_play(app: FastAPI) -> None:
    browser, path = await opened(app)
    page = await browser.open(f"{path}/try?channel=smoke&language=xx")
    data = {"token": page.tree.xpath("//input[@name='token']/@value")[0], "said": ["hm"] * 251, "line": "more"}
    answer = Seen(await browser.client.post(f"/console{path}/try", data=data))
    assert "too long to be tried" in answer.text
