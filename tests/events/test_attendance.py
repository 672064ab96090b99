"""From the start to the certificate: check-in, thanks, a word to who was missed."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.events import attendance, certificates, following, replies, service
from bot.events.models import Answer, Attendance, Presence
from bot.messaging.models import OutboxMessage

from .conftest import deliver, member, session, wall

SATURDAY = wall("2026-03-28 11:00")


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Stop the clock at noon in Maseru on 4 March."""


def test_people_check_in_by_code_or_button_in_its_time_only(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY)
        first, second = member(db), member(db)
        for person in (first, second):
            replies.rsvp(db, content, person, event.id, Answer.YES)
        code = event.code or ""
        assert attendance.by_code(db, content, first, code) is None  # just a word, weeks before
        early = replies.press(db, content, first, f"rsvp:{event.id}:here").text
        assert "opens at Saturday 28 March 2026, 10:30" in early

        clock.move_to(event.starts_at)
        assert following.queue_starts(db, content, clock.now()) == 2
        assert following.queue_starts(db, content, clock.now()) == 0
        (_, _, start), _ = deliver(db, "start")
        assert [button.id for button in start.buttons] == [f"rsvp:{event.id}:here"]
        said = attendance.by_code(db, content, first, f" {code[:4].lower()} {code[4:]} ")
        assert said
        assert said.text == "Thank you. We noted that you are at “Saving well”."
        replies.press(db, content, second, start.buttons[0].id)
        replies.press(db, content, second, start.buttons[0].id)
        how = {row.contact_id: row.how for row in db.scalars(select(Attendance))}
        assert how == {first.id: Presence.CODE, second.id: Presence.BUTTON}

        clock.move_to(event.ends_at + attendance.LATE + timedelta(seconds=1))
        assert attendance.by_code(db, content, member(db), code) is None
        assert "is over" in replies.press(db, content, member(db), f"rsvp:{event.id}:here").text


def test_who_was_there_is_thanked_and_who_was_missed_hears_a_day_later_once(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, feedback_form="feedback.1", certificate=True)
        there, missed, away = member(db), member(db), member(db)
        for person in (there, missed):
            replies.rsvp(db, content, person, event.id, Answer.YES)
        replies.rsvp(db, content, away, event.id, Answer.NO)
        clock.move_to(event.ends_at)
        assert attendance.mark(db, event, [there.id, 999], "1") == 1
        clock.move_to(event.ends_at + timedelta(hours=2, seconds=-1))
        assert following.queue_follow_ups(db, content, clock.now()) == 0
        clock.advance(timedelta(seconds=1))
        assert following.queue_follow_ups(db, content, clock.now()) == 1
        [(told, _, thanks)] = deliver(db, "followup")
        assert told == there.id
        choices = [button.id.rpartition(":")[2] for button in thanks.buttons]
        assert choices == ["feedback", "certificate"]
        clock.move_to(event.ends_at + timedelta(hours=24))
        assert following.queue_follow_ups(db, content, clock.now()) == 1
        [(told, _, _)] = deliver(db, "followup")
        assert told == missed.id
        clock.advance(timedelta(days=5))
        assert following.queue_follow_ups(db, content, clock.now()) == 0
        for row in db.scalars(select(OutboxMessage).where(OutboxMessage.kind == "followup")):
            assert row.due_at
            assert row.expires_at
            assert row.due_at <= row.created_at < row.expires_at


def test_nobody_is_told_that_they_were_missed_where_presence_was_not_noted(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, feedback_form="feedback.1")
        person = member(db)
        replies.rsvp(db, content, person, event.id, Answer.YES)
        clock.move_to(event.ends_at + timedelta(hours=25))
        assert following.queue_follow_ups(db, content, clock.now()) == 1
        [(_, _, asked)] = deliver(db, "followup")
        assert asked.text.startswith("“Saving well” is over.")


def test_who_was_asked_before_presence_was_noted_only_hears_of_the_certificate(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, feedback_form="feedback.1", certificate=True)
        asked = member(db)
        replies.rsvp(db, content, asked, event.id, Answer.YES)
        clock.move_to(event.ends_at + timedelta(hours=2))
        assert following.queue_follow_ups(db, content, clock.now()) == 1
        deliver(db, "followup")
        attendance.mark(db, event, [asked.id], "1")
        assert following.queue_follow_ups(db, content, clock.now()) == 1
        [(_, _, message)] = deliver(db, "followup")
        assert [button.id.rpartition(":")[2] for button in message.buttons] == ["certificate"]


def test_a_session_that_builds_on_another_leads_there_first(database: Database, content: Content) -> None:
    with database.begin() as db:
        first = session(db, SATURDAY, title={"en": "Saving well"})
        second = session(db, wall("2026-04-11 11:00"), title={"en": "Investing"}, requires_id=first.id)
        person = member(db)
        refused = replies.rsvp(db, content, person, second.id, Answer.YES)
        assert refused.text.startswith("“Investing” builds on “Saving well”. Please come to that one first")
        assert [button.id for button in refused.buttons] == [f"rsvp:{first.id}:show"]
        assert service.figures(db, second)["confirmed"] == 0
        clock.move_to(first.starts_at)
        attendance.check_in(db, content, person, first, Presence.BUTTON)
        assert "your place is kept" in replies.rsvp(db, content, person, second.id, Answer.YES).text
        stranger = replies.rsvp(db, content, member(db), second.id, Answer.YES)
        assert "no new date yet" in stranger.text


def test_a_session_by_invitation_is_seen_by_who_was_invited_only(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, by_invitation=True)
        invited, other = member(db), member(db)
        service.invite(db, content, event, [invited.id])
        assert "no session planned" in replies.upcoming(db, content, other).text
        assert "no session planned" in replies.rsvp(db, content, other, event.id, Answer.YES).text
        assert "Saving well" in replies.upcoming(db, content, invited).text
        assert "your place is kept" in replies.rsvp(db, content, invited, event.id, Answer.YES).text


@pytest.mark.parametrize("language", ["en", "fr", "st", "ny", "mfe"])
def test_a_certificate_is_a_pdf_in_the_persons_name_and_can_be_checked(
    database: Database, content: Content, messages_dir: Path, language: str
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, certificate=True)
        person = member(db, language=language)
        clock.move_to(event.starts_at)
        attendance.check_in(db, content, person, event, Presence.BUTTON)
        assert not certificates.is_due(db, event, person)
        clock.move_to(event.ends_at)
        assert certificates.is_due(db, event, person)
        row = certificates.issue(db, event, person, "’Mamosa Nthabiseng-Ñ")
        again = certificates.issue(db, event, person, "Mamosa N.")
        assert (again.id, again.code) == (row.id, row.code)
        name = certificates.file(row).reference.removeprefix(certificates.PREFIX)
        pdf = certificates.make(
            db, content, messages_dir / "certificate.typ", "https://bot.example.org/certificate", name
        )
        assert pdf
        assert pdf.startswith(b"%PDF-")
        found = certificates.find(db, certificates.spaced(row.code).lower())
        assert found
        assert found[0].id == row.id
        assert certificates.is_name_of(row, " mamosa n. ")
        assert certificates.find(db, "NOTACODE00") is None


@pytest.mark.parametrize("name", ["", "A", "http://x.example", "Me\nYou", "x" * 90, "<b>Me</b>", "12345"])
def test_what_is_no_name_is_not_printed(name: str) -> None:
    assert certificates.clean_name(name) is None


@pytest.mark.parametrize("name", ["’Mamosa Nthabiseng", "'Me Palesa", "Zo\u0065\u0308 D’Arcy-Li", "Ng"])
def test_a_name_may_begin_with_an_apostrophe_and_hold_accents(name: str) -> None:
    assert certificates.clean_name(name)


@pytest.mark.parametrize("words", [1, 40])
def test_the_longest_name_and_title_stay_on_one_page(messages_dir: Path, words: int) -> None:
    import typst

    texts = {
        "name": ("Mohlakoana " * words)[:80],
        "session": ("Saving wisely " * words)[:200],
        "heading": "Certificate",
    }
    page = typst.compile(
        str(messages_dir / "certificate.typ"), sys_inputs=texts | {"language": "en"}, format="png", ppi=20
    )
    assert isinstance(page, bytes)  # several pages would be a list
