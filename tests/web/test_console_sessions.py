"""The pages of sessions: planned and edited, moved and resized, held, with their documents and certificates."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts import service as contacts
from bot.contacts.models import Contact
from bot.content import Content
from bot.db import Database
from bot.events import attendance, certificates, materials, replies
from bot.events.models import Answer, Attendance, Event, EventStatus, Presence
from bot.staff.models import AuditEntry, Role
from bot.surveys.models import Status, Survey
from tests.events.conftest import member, waiting
from tests.exports.test_session_figures import answered
from tests.web.console_browser import Browser, Seen, build

pytestmark = pytest.mark.usefixtures("frozen")

FIELDS = {"title_en": "Saving well", "starts": "2026-03-20T18:30", "zone": "Indian/Mauritius"}


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path, publish_least=5)


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
    astray = {"link": "https://evil.example/j"}
    cures = ((late, "choose an earlier deadline"), (skipped, "choose another hour"), (astray, "evil.example is none"))
    for wrong, why in cures:
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


def _people(database: Database, messages_dir: Path, count: int, **facts: str) -> list[int]:
    content = Content.load(messages_dir)
    with database.begin() as db:
        people = [member(db) for _ in range(count)]
        for person in people:
            person.origin, person.residence = facts.get("origin"), facts.get("residence")
            replies.rsvp(db, content, person, only(database).id, Answer.YES)
        return [person.id for person in people]


async def test_who_is_there_is_noted_by_ticks_from_half_an_hour_before(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    path = local(await opened(browser))
    first, second, third = _people(database, messages_dir, 3)
    event = only(database)
    with database.begin() as db:
        found = contacts.find_or_create(db, "whatsapp", "", "whatsapp:+26658123456")[1]
        found.contact_id = third
    clock.move_to(event.starts_at - timedelta(minutes=31))
    browser = await Browser(app).sign_in(Role.EDITOR)
    assert (event.code or "") not in (await browser.open(path)).text
    clock.advance(timedelta(minutes=1))
    assert (event.code or "") in (await browser.open(path)).text
    page = await browser.open(f"{path}/attendance")
    assert "5812" not in page.text
    late = await browser.submit(page, "/present", there=[str(first), str(second)])
    assert "2 came" in late.text
    with database.begin() as db:  # checks in while the page is open
        attendance.check_in(db, Content.load(messages_dir), db.get_one(Contact, third), event, Presence.BUTTON)
    page = await browser.submit(late, "/present", there=[str(first)])
    with database.read() as db:
        how = {row.contact_id: row.how for row in db.scalars(select(Attendance))}
        assert how == {first: Presence.STAFF, third: Presence.BUTTON}
        entry = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        assert entry.detail == {"there": [], "not_there": [second]}
    for wanted, there in (("3456", True), (f"#{third}", True), ("8123456", False), ("99", False)):
        page = Seen(await browser.client.get(f"/console{path}/attendance", params={"q": wanted}))
        assert (f"#{third} " in page.text) is there
    analyst = await Browser(app).sign_in(Role.ANALYST)
    page = await analyst.open(f"{path}/attendance")
    assert "* came" in page.text
    assert f"#{first}" not in page.text


async def test_figures_by_group_never_show_how_few(app: FastAPI, database: Database, messages_dir: Path) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    path = local(await opened(browser))
    sothos = _people(database, messages_dir, 12, origin="LS", residence="ZA")
    _people(database, messages_dir, 7, origin="MW", residence="ZA")
    _people(database, messages_dir, 2, origin="MU", residence="ZA")
    event = only(database)
    clock.move_to(event.ends_at)
    with database.begin() as db:
        attendance.mark(db, event, sothos[:6], "1")
    browser = await Browser(app).sign_in(Role.EDITOR)
    answer = await browser.client.get(f"/console{path}/attendance.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (rows[0]["group"], rows[0]["yes"], rows[0]["came"], rows[0]["missed"]) == ("all", "21", "6", "15")
    origins = {row["code"]: row for row in rows if row["group"] == "origin"}
    assert {code: row["yes"] for code, row in origins.items()} == {"LS": "12", "MW": "*", "MU": "*"}
    assert origins["MU"]["label"] == "Mauritius"
    residences = [row for row in rows if row["group"] == "residence"]
    assert [(row["code"], row["yes"]) for row in residences] == [("ZA", "21")]
    page = await browser.open(f"{path}/attendance")
    assert "15 missed" in page.text
    assert "Hidden: few people" in page.text


async def test_a_pdf_goes_with_a_session_and_is_offered_in_the_chat(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    path = local(await opened(browser))
    content = Content.load(messages_dir)
    with database.begin() as db:
        before = replies.upcoming(db, content, member(db))
    assert not [button for button in before.buttons if button.id.endswith(":documents")]
    page = await browser.open(path)
    refused = await browser.upload(page, "/documents", "file", "slides.pdf", b"<html>")
    assert refused.status == 409
    assert "whatever its name says" in refused.text
    page = await browser.upload(page, "/documents", "file", "..\\up/slides.pdf", b"%PDF-1.7 slides")
    assert page.tree.xpath("//a[@download]/@download") == ["slides.pdf"]
    [link] = page.tree.xpath("//a[@download]/@href")
    assert (await browser.client.get(link)).content == b"%PDF-1.7 slides"
    with database.begin() as db:
        shown = replies.upcoming(db, content, member(db))
        assert [button.label for button in shown.buttons][-1] == "Documents"
        assert [message.text for message in materials.messages(db, only(database))] == ["slides.pdf"]
    other = local(await planned(browser))
    stray = dict(page.form("/documents/remove").form_values())
    assert (await browser.client.post(f"/console{other}/documents/remove", data=stray)).status_code == 404
    page = await browser.submit(page, "/documents/remove")
    assert "Removed." in page.text
    assert not page.tree.xpath("//a[@download]")


async def test_anybody_checks_a_certificate_and_never_learns_the_name(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    path = local(await opened(await Browser(app).sign_in(Role.EDITOR)))
    [person] = _people(database, messages_dir, 1)
    with database.begin() as db:
        row = certificates.issue(db, only(database), db.get_one(Contact, person), "Palesa ’Mamello Mokoena")
        code = row.code
    assert path
    stranger = Browser(app)
    page = await stranger.open("/certificate")
    assert page.path == "/console/certificate"  # nobody is asked to sign in
    assert "Content-Security-Policy" in page.response.headers
    page = await stranger.submit(page, "/certificate", code=certificates.spaced(code).lower())
    assert "genuine certificate. Saving well Friday 20 March 2026" in page.text
    assert "Mokoena" not in page.response.text
    page = await stranger.submit(page, "/certificate", name="palesa 'mamello  MOKOENA")
    assert "The name is the one on it." in page.text
    page = await stranger.submit(page, "/certificate", name="Neo Mokoena")
    assert "The name is not the one on it." in page.text
    page = await stranger.open(f"/certificate?code={code}")  # as the square on the paper leads to it
    assert "genuine certificate" in page.text
    french = await stranger.open(f"/certificate?language=fr&code={code}")
    assert "vendredi 20 mars 2026" in french.text
    page = await stranger.submit(french, "/certificate", name="Neo Mokoena")
    assert "vendredi 20 mars 2026" in page.text  # the language stays
    for language in ("st", "ny", "mfe"):
        assert "2026" in (await stranger.open(f"/certificate?language={language}&code={code}")).text
    page = await stranger.open("/certificate?language=xx")
    page = await stranger.submit(page, "/certificate", code="22222 22222", name="")
    assert page.status == 404
    assert "Compare it with the certificate, letter by letter." in page.text
    assert "Saving well" not in page.text


async def test_a_series_is_named_once_and_its_sessions_lead_to_each_other(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    first = await opened(browser, title_en="Budgets", series_en="Money basics", series_fr="L’argent au quotidien")
    form = await browser.open("/sessions/new")
    [chosen] = form.tree.xpath("//select[@name='series']/option[contains(., 'Money basics')]/@value")
    second = await planned(browser, title_en="Savings", series=chosen, starts="2026-03-27T18:30")
    assert "Money basics" in second.text
    assert f"/console{local(first)}" in second.tree.xpath("//ol//a/@href")
    refused = await planned(browser, series_en="x" * 201)
    assert refused.status == 422
    assert "The name of a series has at most 200 characters." in refused.text


async def test_a_month_shows_what_begins_on_which_day_of_the_office(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    await opened(browser, title_en="Late in Toronto", starts="2026-03-31T20:00", zone="America/Toronto")
    march = await browser.open("/sessions/calendar?month=2026-03")
    assert march.tree.xpath("//h1")[0].text_content() == "March 2026"
    [day] = march.tree.xpath("//td[.//a[contains(., 'Late in Toronto')]]")
    assert day.xpath(".//time/@datetime") == ["2026-04-01"]  # two in the night in Maseru
    assert "02:00 Late in Toronto" in " ".join(day.text_content().split())
    after = await browser.open(march.tree.xpath("//a[@rel='next']/@href")[0].replace("?", "/sessions/calendar?"))
    assert after.tree.xpath("//h1")[0].text_content() == "April 2026"
    assert "Late in Toronto" in after.text
    assert "No session begins in this month." in (await browser.open("/sessions/calendar?month=2027-01")).text
    for wrong in ("2026-13", "0001-01", "9999-12", "march", ""):
        page = await browser.open(f"/sessions/calendar?month={wrong}")
        assert page.tree.xpath("//h1")[0].text_content() == "March 2026"
        assert page.tree.xpath("//td[@aria-current='date']//time/@datetime") == ["2026-03-04"]


async def test_reminders_are_ticked_and_who_it_is_for_is_kept_for_the_invitation(
    app: FastAPI, database: Database
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    form = await browser.open("/sessions/new")
    assert form.form("/new").fields["follow_up"] == "2"
    page = await browser.submit(form, "/new", **FIELDS, reminders=["4320", "60"], follow_up="24")
    with database.begin() as db:
        event = db.scalars(select(Event)).one()
        assert (event.reminders, event.follow_up) == ([4320, 60], 24 * 60)
        event.reminders = [4320, 90]  # one that the form does not offer
    page = await browser.submit(await browser.open(f"{local(page)}/edit"), "/edit", reminders=["1440"], follow_up="")
    with database.read() as db:
        event = db.scalars(select(Event)).one()
        assert (event.reminders, event.follow_up) == ([1440, 90], 120)
    wrong = await browser.submit(await browser.open(f"{local(page)}/edit"), "/edit", follow_up="100")
    assert "a number up to 72" in wrong.text

    page = await browser.submit(page, "/audience", origins=["LS"], languages=["en"])
    page = await browser.submit(page, "/publish")
    ticked = page.form("/invite").xpath(".//input[@checked]/@value")
    assert sorted(ticked) == ["LS", "en"]
    stray = dict(page.form("/invite").form_values())
    page = await browser.submit(page, "/cancel", sure="yes")
    refused = await browser.client.post(f"/console{local(page)}/audience", data=stray)
    assert refused.status_code == 409


@pytest.mark.parametrize(("count", "shown"), [(4, "Too few people"), (6, "6 took both and were there 4 points before")])
async def test_the_page_tells_what_tests_before_and_after_show(
    app: FastAPI, database: Database, messages_dir: Path, count: int, shown: str
) -> None:
    _survey(database, "before")
    _survey(database, "after")
    browser = await Browser(app).sign_in(Role.EDITOR)
    path = local(await opened(browser, pretest_form="before", posttest_form="after"))
    people = _people(database, messages_dir, count)
    clock.move_to(only(database).starts_at)
    with database.begin() as db:
        forms = {survey.form_id: survey for survey in db.scalars(select(Survey))}
        attendance.mark(db, db.scalars(select(Event)).one(), people, "1")
        for person in people:
            answered(db, forms["before"], db.get_one(Contact, person), "score", "4")
            answered(db, forms["after"], db.get_one(Contact, person), "score", "5.5")
    page = await (await Browser(app).sign_in(Role.ANALYST)).open(f"{path}/attendance")
    assert shown in page.text
    assert ("5.5 points after, on average 6 had more points after 0 had as many" in page.text) == (count == 6)
