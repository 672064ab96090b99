"""The pages of sessions: planned and edited, moved and resized, held, with their documents and certificates."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.events import replies
from bot.events.models import Answer, Event, EventStatus
from bot.staff.models import AuditEntry, Role
from bot.surveys.models import Status, Survey
from tests.events.conftest import member, waiting
from tests.web.console_browser import Browser, Seen, build

pytestmark = pytest.mark.usefixtures("frozen")

FIELDS = {"title_en": "Saving well", "starts": "2026-03-20T18:30", "zone": "Indian/Mauritius"}


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path)


def _survey(database: Database, form_id: str, status: Status = Status.OPEN) -> None:
    with database.begin() as db:
        db.add(
            Survey(
                form_id=form_id,
                version="1",
                title=f"About {form_id}",
                sha256=form_id,
                filename="form.xlsx",
                file=b"",
                xform="",
                status=status,
                created_at=clock.now(),
            )
        )


async def planned(browser: Browser, **fields: object) -> Seen:
    return await browser.submit(await browser.open("/sessions/new"), "/sessions/new", **(FIELDS | fields))


async def opened(browser: Browser, **fields: object) -> Seen:
    return await browser.submit(await planned(browser, **fields), "/publish")


def only(database: Database) -> Event:
    with database.read() as db:
        return db.scalars(select(Event)).one()


def local(page: Seen) -> str:
    return page.path.removeprefix("/console")


async def test_a_draft_has_all_its_fields_and_can_be_edited(app: FastAPI, database: Database) -> None:
    _survey(database, "feedback.1")
    _survey(database, "draft.1", Status.DRAFT)
    browser = await Browser(app).sign_in(Role.EDITOR)
    first = await planned(browser, title_en="Budgeting")
    form = await browser.open("/sessions/new")
    assert "About draft.1" not in form.text
    page = await planned(
        browser,
        speaker="Palesa Mokoena",
        languages=["en", "st"],
        register_by="2026-03-19T12:00",
        by_invitation="yes",
        certificate="yes",
        requires=local(first).rpartition("/")[2],
        feedback_form="feedback.1",
    )
    for text in ("Palesa Mokoena", "19 Mar 2026, 12:00", "invited people only", "Budgeting", "About feedback.1"):
        assert text in page.text
    page = await browser.submit(await browser.open(f"{local(page)}/edit"), "/edit", by_invitation="", minutes="60")
    assert "all members" in page.text
    assert "60 minutes" in page.text
    with database.read() as db:
        event = db.scalars(select(Event).order_by(Event.id.desc())).first()
        assert event is not None
        assert (event.minutes, event.edited_at, event.languages) == (60, None, ["en", "st"])
        assert (event.certificate, event.feedback_form, event.by_invitation) == (True, "feedback.1", False)
        assert event.register_by is not None
        assert event.register_by.hour == 8  # noon in Mauritius
        assert list(db.scalars(select(AuditEntry.action).where(AuditEntry.action == "session.edited")))


async def test_of_an_open_session_only_that_is_edited_of_which_nobody_is_told(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await opened(browser)
    path = local(page)
    form = await browser.open(f"{path}/edit")
    assert "starts" not in form.form("/edit").fields
    page = await browser.submit(form, "/edit", speaker="Thabo", title_en="Saving better")
    assert "Saving better" in page.text
    event = only(database)
    assert (event.edited_at, event.sequence, event.status) == (clock.now(), 0, EventStatus.OPEN)
    assert f"{event.starts_local}" == "2026-03-20 18:30:00"


async def test_what_cannot_be_comes_back_with_all_that_was_typed(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    typed = {"speaker": "Palesa", "description_fr": "Économiser", "languages": ["fr"], "certificate": "yes"}
    late = {"register_by": "2026-03-20T18:31"}
    skipped = {"starts": "2026-03-29T01:30", "zone": "Europe/London"}
    for wrong, why in ((late, "choose an earlier deadline"), (skipped, "choose another hour")):
        page = await planned(browser, **typed, **wrong)
        assert page.status == 422
        assert why in page.text
        fields = page.form("/new").fields
        assert (fields["speaker"], fields["description_fr"]) == ("Palesa", "Économiser")
        assert (fields["starts"], fields["certificate"]) == ((FIELDS | wrong)["starts"], "yes")
        assert set(fields["languages"]) == {"fr"}
    with database.read() as db:
        assert db.scalars(select(Event)).all() == []


async def test_a_session_cannot_be_required_before_itself(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    first = local(await planned(browser, title_en="First"))
    second = local(await planned(browser, title_en="Second", requires=first.rpartition("/")[2]))
    page = await browser.submit(
        await browser.open(f"{first}/edit"), "/edit", requires=second.rpartition("/")[2], speaker="Neo"
    )
    assert page.status == 422
    assert "cannot require itself" in page.text
    assert page.form("/edit").fields["speaker"] == "Neo"
    form = dict((await browser.open(f"{first}/edit")).form("/edit").form_values()) | {"requires": "999"}
    answer = await browser.client.post(f"/console{first}/edit", data=form)
    assert answer.status_code == 422
    assert "from the lists" in answer.text


async def test_a_session_is_moved_after_a_look_at_who_is_told(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    path = local(await opened(browser, place="Town hall"))
    content = Content.load(messages_dir)
    with database.begin() as db:
        for answer in (Answer.YES, Answer.MAYBE, Answer.NO):
            replies.rsvp(db, content, member(db), only(database).id, answer)
    assert "2 people are told" in (await browser.open(path)).text
    form = await browser.open(f"{path}/move")
    page = await browser.submit(form, "/move", starts="2026-03-21T09:00", zone="Africa/Maseru", place="")
    assert "2 people will be told" in page.text
    assert "21 Mar 2026, 09:00" in page.text
    assert only(database).sequence == 0  # only looked at
    page = await browser.submit(page, "/move", sure="yes")
    assert "Moved." in page.text
    event = only(database)
    assert (event.sequence, event.place, event.starts_at.hour) == (1, None, 7)
    with database.read() as db:
        assert len(waiting(db, "notice")) == 2
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "session.moved")).one()
        assert entry.detail["told"] == 2
    form = await browser.open(f"{path}/move")
    wrong = {"2026-03-01T09:00": "choose a later time", "soon": "the day and time at which it begins"}
    for starts, why in wrong.items():
        page = await browser.submit(form, "/move", starts=starts, place="Library")
        assert page.status == 422
        assert why in page.text
        assert page.form("/move").fields["place"] == "Library"
    page = await browser.submit(await browser.open(path), "/cancel", sure="yes")
    assert (await browser.open(f"{path}/move")).status == 409


async def test_more_places_are_given_after_a_look_at_who_gets_them(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    path = local(await opened(browser, capacity="2"))
    content = Content.load(messages_dir)
    with database.begin() as db:
        for _ in range(5):
            replies.rsvp(db, content, member(db), only(database).id, Answer.YES)
    page = await browser.open(path)
    refused = await browser.submit(page, "/resize", capacity="1")
    assert refused.status == 409
    assert "2 people have a place" in refused.text
    assert (await browser.submit(page, "/resize", capacity="many")).status == 409
    page = await browser.submit(page, "/resize", capacity="4")
    assert "2 people come off the waiting list" in page.text
    assert only(database).capacity == 2
    await browser.submit(page, "/resize", sure="yes")
    assert only(database).capacity == 4
    with database.read() as db:
        assert len(waiting(db, "notice")) == 2
