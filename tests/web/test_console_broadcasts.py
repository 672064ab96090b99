"""A broadcast from the first word to the last recipient, through the pages alone."""

import asyncio
import re
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts import consent
from bot.contacts.models import Address, Contact, Decision, Purpose, Reach, State
from bot.content import Content
from bot.db import Database
from bot.events.models import Attendance, Event
from bot.events.service import cancel as cancel_session
from bot.messaging.models import OutboxMessage, Status
from bot.staff.models import AuditEntry, Role
from bot.surveys.models import Disposition
from bot.web.console import counting
from tests.broadcasts.conftest import add_run, add_session, add_survey
from tests.web.console_browser import Browser, Seen, build

TEXTS = {"text_en": "A savings bond opens on Monday.", "text_fr": "Une obligation ouvre lundi."}


def add_member(db: Session, number: int, channel: str = "telegram", *, says: Decision = Decision.GRANTED) -> Contact:
    contact = Contact(state=State.MEMBER, language="en", origin="LS", channel=channel, created_at=clock.now())
    db.add(contact)
    db.flush()
    db.add(
        Address(
            contact_id=contact.id,
            channel=channel,
            sender="ours",
            value=f"+266581234{number:02}" if channel == "whatsapp" else f"70012345{number:02}",
            value_hash=f"{channel}{number}",
            reach=Reach.OPEN,
            last_inbound_at=clock.now(),
        )
    )
    proof = consent.Proof("consent.wording.v1", "0" * 64, "en", channel, "yes <i>please</i>", None)
    consent.record(db, contact, [Purpose.NEWS, Purpose.INVESTMENT, Purpose.SESSIONS], says, proof)
    return contact


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in range(6):
            add_member(db, number, "whatsapp" if number % 2 else "telegram")
        add_member(db, 6, says=Decision.REFUSED)
    return build(database, messages_dir, tmp_path)


async def write(editor: Browser, **fields: object) -> Seen:
    page = await editor.open("/broadcasts/new")
    return await editor.submit(page, "/broadcasts/new", **({"title": "Bond", "purpose": "news"} | TEXTS | fields))


async def approve(app: FastAPI, page: Seen) -> Seen:
    approver = await Browser(app).sign_in(Role.APPROVER)
    path = page.path.removeprefix("/console")
    return await approver.submit(await approver.open(path), f"{path}/approve")


def counts(page: Seen) -> list[int]:
    """Return the numbers of the line that must add up."""
    [line] = re.findall(r"([\d,+ ]+) = ([\d,]+) people", page.text)
    parts, total = line
    numbers = [int(part.replace(",", "")) for part in parts.split("+")]
    assert sum(numbers) == int(total.replace(",", ""))
    return numbers


async def test_a_broadcast_goes_from_compose_to_progress_through_the_pages(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor)
    assert "Bond" in page.text
    assert "Gets it 6" in page.text
    assert "no consent for news 1" in page.text
    assert "Audience 7" in page.text
    assert "You may not: your role is Editor" in page.text
    path = page.path.removeprefix("/console")

    page = await approve(app, page)
    assert "Approved. It can be sent now." in page.text
    page = await editor.submit(await editor.open(path), f"{path}/send", people=6)
    assert "On its way" in page.text
    assert counts(page) == [6, 1]

    with database.begin() as db:
        rows = list(db.scalars(select(OutboxMessage).where(OutboxMessage.status == Status.QUEUED)))
        rows[0].status, rows[1].status, rows[2].status = Status.SENT, Status.READ, Status.UNCERTAIN
    live = await editor.open(f"{path}/progress")
    assert sorted(counts(live)) == [1, 1, 1, 1, 3]
    assert "data-final" not in live.response.text
    assert "script" not in live.response.text


async def test_who_wrote_may_not_approve_even_by_hand(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.ADMINISTRATOR)  # may write and may approve
    page = await write(editor)
    assert "another person must approve it" in page.text
    token, path = page.form("/sign-out").fields["token"], page.path
    with database.read() as db:
        seen = db.scalar(select(Broadcast.content_hash))
    answer = await editor.client.post(f"{path}/approve", data={"token": token, "seen": seen})
    assert answer.status_code == 409
    assert "ask another person" in answer.text


async def test_an_edit_takes_the_approval_away(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor))
    path = page.path.removeprefix("/console")
    form = await editor.open(f"{path}/edit")
    assert "takes the approval away" in form.text
    page = await editor.submit(form, f"{path}/edit", text_en="Another text.")
    assert page.path == f"/console{path}"
    assert not page.tree.xpath("//form[contains(@action, '/send')]")
    assert "Another text." in page.text


async def test_an_edit_keeps_the_paid_rate_until_it_is_unticked(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor)
    path = page.path.removeprefix("/console")
    assert "paid rate" not in (await editor.open(f"{path}/edit")).text
    with database.begin() as db:
        db.execute(update(Broadcast).values(paid=True))
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", title="Bonds")
    assert "The paid rate is not switched on here" in page.text
    with database.read() as db:
        assert db.scalar(select(Broadcast.paid)) is True
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", paid=[])
    assert "The paid rate is not switched on here" not in page.text
    with database.read() as db:
        assert db.scalar(select(Broadcast.paid)) is False


async def test_approving_a_page_that_changed_meanwhile_is_refused(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    approver = await Browser(app).sign_in(Role.APPROVER)
    page = await write(editor)
    path = page.path.removeprefix("/console")
    read = await approver.open(path)
    await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", text_en="Slipped in.")
    answer = await approver.submit(read, f"{path}/approve")
    assert answer.status == 409
    assert "changed while you read it" in answer.text


@pytest.mark.parametrize("typed", ["", "5", "7", "six", "6.0", "-6"])
async def test_a_wrong_number_of_people_sends_nothing(app: FastAPI, database: Database, typed: str) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor))
    path = page.path.removeprefix("/console")
    answer = await editor.submit(await editor.open(path), f"{path}/send", people=typed)
    assert answer.status == 409
    assert "number you typed" in answer.text
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(OutboxMessage)) == 0


async def test_sending_twice_sends_once(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor))
    path = page.path.removeprefix("/console")
    page = await editor.open(path)
    await editor.submit(page, f"{path}/send", people=6)
    assert (await editor.submit(page, f"{path}/send", people=6)).status == 409
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(OutboxMessage)) == 7


async def test_pause_resume_and_cancel_always_add_up(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor))
    path = page.path.removeprefix("/console")
    page = await editor.submit(await editor.open(path), f"{path}/send", people=6)
    page = await editor.submit(page, f"{path}/pause")
    assert "Nobody gets it until somebody resumes it" in page.text
    assert sum(counts(page)) == 7
    page = await editor.submit(page, f"{path}/resume")
    assert counts(page) == [6, 1]
    page = await editor.submit(page, f"{path}/cancel")
    assert sum(counts(page)) == 7
    assert "Cancelled 6" in page.text
    assert "data-final" in (await editor.open(f"{path}/progress")).response.text


async def test_the_page_shows_what_the_checks_found_and_offers_no_approval(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor, text_en="See https://evil.example/ and pay", text_fr="x" * 4097)
    assert "not on the project's list" in page.text
    assert "evil.example" in page.text
    assert "too long" in page.text
    approver = await Browser(app).sign_in(Role.APPROVER)
    page = await approver.open(page.path.removeprefix("/console"))
    assert not page.tree.xpath("//form[contains(@action, '/approve')]")


async def test_the_dry_run_names_each_person_by_number_only(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor)
    people = await editor.open(f"{page.path.removeprefix('/console')}/people")
    assert len(people.tree.xpath("//tbody/tr")) == 7
    assert "no consent for news" in people.text
    assert "70012345" not in people.response.text
    assert "+266" not in people.response.text


async def test_each_recipient_is_shown_with_the_outcome_and_its_reason(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor))
    path = page.path.removeprefix("/console")
    await editor.submit(await editor.open(path), f"{path}/send", people=6)
    assert len((await editor.open(f"{path}/recipients")).tree.xpath("//tbody/tr")) == 7
    left_out = await editor.open(f"{path}/recipients?status=suppressed")
    assert len(left_out.tree.xpath("//tbody/tr")) == 1
    assert "no consent for news" in left_out.text


@pytest.fixture
async def doubtful(app: FastAPI, database: Database) -> Browser:
    """A finished broadcast with three messages of unknown outcome."""
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor))
    path = page.path.removeprefix("/console")
    await editor.submit(await editor.open(path), f"{path}/send", people=6)
    with database.begin() as db:
        ids = list(db.scalars(select(OutboxMessage.id).where(OutboxMessage.status == Status.QUEUED)))
        db.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids[:3])).values(status=Status.UNCERTAIN))
        db.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids[3:])).values(status=Status.SENT))
        db.execute(update(Broadcast).values(status=BroadcastStatus.FINISHED, finished_at=clock.now()))
    return editor


def by_status(database: Database) -> dict[str, int]:
    with database.read() as db:
        return dict(db.execute(select(OutboxMessage.status, func.count()).group_by(OutboxMessage.status)).all())


async def test_one_uncertain_message_is_resent_and_its_broadcast_is_no_longer_finished(
    doubtful: Browser, database: Database
) -> None:
    page = await doubtful.open("/uncertain")
    chosen = page.tree.xpath("//input[@name='message']/@value")[:1]
    page = await doubtful.submit(page, "/uncertain", message=chosen, do="resend")
    assert by_status(database) == {"uncertain": 2, "queued": 1, "sent": 3, "suppressed": 1}
    with database.read() as db:
        assert db.scalar(select(Broadcast.status)) == BroadcastStatus.SENDING
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "outbox.resent")).one()
    assert entry.detail == {"messages": [int(chosen[0])]}


async def test_all_uncertain_messages_are_left_as_not_sent(doubtful: Browser, database: Database) -> None:
    page = await doubtful.open("/uncertain?broadcast=1")
    page = await doubtful.submit(page, "/uncertain", all="1", do="leave")
    assert by_status(database) == {"failed": 3, "sent": 3, "suppressed": 1}
    assert "Every message has an outcome" in page.text


async def test_a_decision_about_no_message_changes_nothing(doubtful: Browser, database: Database) -> None:
    page = await doubtful.submit(await doubtful.open("/uncertain"), "/uncertain", do="resend")
    assert page.status == 409
    assert by_status(database)["uncertain"] == 3


async def test_a_message_that_turned_out_delivered_is_not_resent(doubtful: Browser, database: Database) -> None:
    page = await doubtful.open("/uncertain")
    with database.begin() as db:  # the provider's report comes while staff look at the page
        db.execute(
            update(OutboxMessage).where(OutboxMessage.status == Status.UNCERTAIN).values(status=Status.DELIVERED)
        )
    await doubtful.submit(page, "/uncertain", message=page.tree.xpath("//input[@name='message']/@value"), do="resend")
    assert by_status(database) == {"delivered": 3, "sent": 3, "suppressed": 1}


async def test_an_audience_by_rule_is_counted_and_kept(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    assert "7 people" in (await editor.open("/audience?origins=LS&channels=telegram&channels=whatsapp")).text
    assert "3 people" in (await editor.open("/audience?channels=whatsapp")).text
    page = await write(editor, channels=["whatsapp"], origins=["LS"])
    assert "Audience 3" in page.text
    form = await editor.open(f"{page.path.removeprefix('/console')}/edit")
    assert form.form("/edit").fields["text_en"] == TEXTS["text_en"]
    assert form.tree.xpath("//input[@name='channels' and @checked]/@value") == ["whatsapp"]


async def test_who_answered_a_survey_or_came_to_a_session_is_ticked_counted_and_told(
    app: FastAPI, database: Database
) -> None:
    with database.begin() as db:
        survey, session = add_survey(db, "mapping"), add_session(db)
        for contact in db.scalars(select(Contact).order_by(Contact.id).limit(2)):
            add_run(db, survey, contact, Disposition.COMPLETED)
            db.add(Attendance(event_id=session, contact_id=contact.id, how="staff", recorded_by="1", at=clock.now()))
    editor = await Browser(app).sign_in(Role.EDITOR)
    assert "2 people" in (await editor.open(f"/audience?answered=mapping&attended={session}")).text
    assert "5 people" in (await editor.open("/audience?not_answered=mapping")).text
    assert "0 people" in (await editor.open("/audience?not_answered=mapping&not_answered=unknown")).text
    page = await write(editor, not_answered=["mapping"], not_attended=[str(session)])
    assert "Audience 5" in page.text
    assert "Has not answered the survey Mapping" in page.text
    assert "Was not at the session Saving" in page.text
    form = await editor.open(f"{page.path.removeprefix('/console')}/edit")
    assert form.tree.xpath("//input[@name='not_answered' and @checked]/@value") == ["mapping"]
    page = await editor.submit(form, "/edit", not_attended=[], replies=[f"{session}:silent"])
    assert "Was invited, no answer: Saving" in page.text
    assert "Audience 0" in page.text


async def test_a_session_is_picked_shown_under_both_channels_and_refused_once_it_is_cancelled(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    with database.begin() as db:
        number = add_session(db)
    editor = await Browser(app).sign_in(Role.EDITOR)
    form = await editor.open("/broadcasts/new")
    assert form.tree.xpath("//optgroup[@label='A session']/option/@value") == [f"event:{number}"]
    page = await write(editor, link=f"event:{number}")
    assert "for people who agreed to another purpose" in page.text  # news is not sessions
    path = page.path.removeprefix("/console")
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", purpose="sessions")
    labels = [item.text_content() for item in page.tree.xpath("//figure//span[@class='choice']")]
    assert labels == ["See the session", "See the session", "Voir la formation", "Voir la formation"]
    assert page.tree.xpath(f"//a[@href='/console/sessions/{number}']")[0].text_content().startswith("Saving")

    page = await approve(app, page)
    with database.begin() as db:
        cancel_session(db, Content.load(messages_dir), db.get_one(Event, number))
    page = await editor.open(path)
    assert "The session that the button leads to is over" in page.text
    people = {"people": "6", "token": page.form("/sign-out").fields["token"]}
    answer = await editor.client.post(f"/console{path}/send", data=people)
    assert answer.status_code == 409
    assert "What it leads to is over" in answer.text
    assert by_status(database) == {}
    form = await editor.open(f"{path}/edit")
    assert form.tree.xpath("//option[@selected]/@value")[1:2] == [f"event:{number}"]
    page = await editor.submit(form, f"{path}/edit", link="event:nonsense")
    assert page.status == 422
    assert "Choose from the list where the button leads" in page.text
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", link="")
    assert not page.tree.xpath("//figure//span[@class='choice']")


async def test_a_large_audience_is_counted_beside_the_page_which_then_shows_it(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "AT_ONCE", 3)
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor)
    assert "being counted" in page.text
    assert not page.tree.xpath("//form[contains(@action, '/ask')]")  # nobody approves what is not counted
    [path] = page.tree.xpath("//@data-live")
    part = path.removeprefix("/console")
    async with asyncio.timeout(20):
        while "data-final" not in (await editor.open(part)).response.text:  # noqa: ASYNC110 - as the script does
            await asyncio.sleep(0.02)
    path = page.path.removeprefix("/console")
    page = await editor.open(path)
    assert "Gets it 6" in page.text
    assert "being counted" not in page.text
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", channels=["whatsapp"])
    assert "Audience 3" in page.text  # few enough to be counted at once


async def test_the_bubbles_show_the_lines_that_sending_adds(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor, purpose="investment")
    bubbles = page.tree.xpath("//div[contains(@class, 'bubble')]")
    assert len(bubbles) == 4  # two channels, two languages
    assert "You can lose money" in bubbles[0].text_content()
    assert "STOP" in bubbles[0].text_content()


async def test_a_form_with_errors_comes_back_with_everything_that_was_typed(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await write(editor, title="", scheduled_at="tomorrow", text_en='<script>alert("x")</script>')
    assert page.status == 422
    assert "Give it a title" in page.text
    assert "day and time at which it leaves" in page.text
    assert page.form("/broadcasts/new").fields["text_en"] == '<script>alert("x")</script>'
    assert 'alert("x")</script>' not in page.response.text


async def test_the_same_text_again_is_pointed_out(app: FastAPI) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await approve(app, await write(editor, title="First"))
    path = page.path.removeprefix("/console")
    await editor.submit(await editor.open(path), f"{path}/send", people=6)
    page = await write(editor, title="Second")
    assert "The same text went out" in page.text
    assert "First" in page.text


async def test_a_repeating_broadcast_is_written_followed_and_stopped_and_the_missed_are_written_to_again(
    app: FastAPI, database: Database
) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    new = await editor.open("/broadcasts/new")
    broken = await editor.submit(new, "/broadcasts/new", title="Bond", **TEXTS, repeat="week")
    assert broken.status == 422  # no time to begin at
    page = await write(editor, scheduled_at="2026-03-05T10:00", at_local="yes", repeat="week", actions=["menu:HUMAN"])
    assert "by each person’s own clock, Every week" in page.text
    path = page.path.removeprefix("/console")
    assert (await editor.open(f"{path}/edit")).form("/edit").fields["repeat"] == "week"
    await approve(app, page)
    page = await editor.submit(await editor.open(path), f"{path}/send", people=6)
    page = await editor.submit(page, f"{path}/stop-repeating")
    assert "It goes out no more after this" in page.text
    page = await editor.submit(page, f"{path}/cancel")
    page = await editor.submit(page, f"{path}/again")
    assert "Audience 7" in page.text
    assert "Not reached by" in page.text
    edited = await editor.submit(
        await editor.open(page.path.removeprefix("/console") + "/edit"), "/edit", title="Once more"
    )
    assert "Audience 7" in edited.text


async def test_an_approver_sends_a_draft_back_with_a_reason(app: FastAPI) -> None:
    editor, approver = await Browser(app).sign_in(Role.EDITOR), await Browser(app).sign_in(Role.APPROVER)
    path = (await write(editor)).path.removeprefix("/console")
    assert (await approver.submit(await approver.open(path), f"{path}/refuse", why="")).status == 409
    page = await approver.submit(await approver.open(path), f"{path}/refuse", why="The day is wrong.")
    assert "The day is wrong." in page.text
    assert "1 to change" in (await editor.open("/")).text
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", text_en="On Tuesday.")
    assert "The day is wrong." not in page.text


async def test_a_template_gets_the_values_of_its_own_fields_whichever_others_are_offered(
    app: FastAPI, database: Database
) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    values = {"value.announcement.en.title": "Of another", "value.investment_notice.en.title": "A savings bond"}
    await write(editor, template="investment_notice", **values)
    with database.read() as db:
        assert db.scalars(select(Broadcast)).one().variables == {"en": {"title": "A savings bond"}}
