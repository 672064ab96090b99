"""Sessions from beginning to end, as members and staff live them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.events import following, replies, series, service, times, upkeep
from bot.events.models import Answer, EventStatus
from bot.messaging.models import OutboxMessage, Priority, Status

from .conftest import deliver, member, session, waiting, wall

SATURDAY = wall("2026-03-28 11:00")  # the clocks of London go forward in the night that follows


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Every journey begins on Wednesday 4 March 2026, noon in Maseru."""


def test_three_seats_five_answers_one_cancels_and_the_next_is_promoted(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=3, link="https://meet.example/abc")
        people = [member(db) for _ in range(5)]
        replied = [replies.rsvp(db, content, person, event.id, Answer.YES).text for person in people]
        assert ["your place is kept" in text for text in replied] == [True, True, True, False, False]
        assert ["https://meet.example/abc" in text for text in replied] == [True, True, True, False, False]
        assert "number 1 on the waiting list" in replied[3]
        assert "number 2 on the waiting list" in replied[4]

        replied_no = replies.rsvp(db, content, people[1], event.id, Answer.NO).text
        assert replied_no.startswith("Thank you for telling us")
        [(told, _, news)] = deliver(db, "notice")
        assert told == people[3].id
        assert news.text.startswith(
            "Good news: a place is free for you at “Saving well”, Saturday 28 March 2026, 11:00"
        )
        assert "https://meet.example/abc" in news.text
        assert [button.id for button in news.buttons] == [f"rsvp:{event.id}:yes", f"rsvp:{event.id}:no"]
        assert news.template == "session_promoted"
        assert "number 1 " in replies.rsvp(db, content, people[4], event.id, Answer.YES).text
        assert service.figures(db, event) == {"confirmed": 3, "waiting": 1, "maybe": 0, "no": 1}


def test_a_session_moved_across_a_clock_change_is_right_for_everyone(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, wall("2026-03-28 20:00"), "Europe/London", place="Library")
        zones = ["Africa/Maseru", "Europe/London", "America/Toronto", "Australia/Sydney"]
        people = {zone: member(db, zone) for zone in zones}
        for person in people.values():
            replies.rsvp(db, content, person, event.id, Answer.YES)
        assert event.starts_at == datetime(2026, 3, 28, 20, 0, tzinfo=UTC)

        assert service.move(db, content, event, wall("2026-04-05 20:00")) == 4
        assert event.starts_at == datetime(2026, 4, 5, 19, 0, tzinfo=UTC)  # British summer time by then
        texts = {contact_id: message.text for contact_id, _, message in deliver(db, "notice")}
        for zone, expected in {
            "Africa/Maseru": "Sunday 5 April 2026, 21:00 (Maseru time, UTC+2)",
            "Europe/London": "Sunday 5 April 2026, 20:00 (London time, UTC+1)",
            "America/Toronto": "Sunday 5 April 2026, 15:00 (Toronto time, UTC-4)",
            "Australia/Sydney": "Monday 6 April 2026, 05:00 (Sydney time, UTC+10)",  # went back that very night
        }.items():
            assert f"When: {expected}" in texts[people[zone].id]

        clock.move_to(datetime(2026, 4, 4, 18, 59, 59, tzinfo=UTC))
        upkeep.queue_due_reminders(db, content, clock.now())
        assert [once for _, once, _ in deliver(db, "reminder")] == [
            f"reminder:{event.id}:1:10080:{person.id}" for person in people.values()
        ]
        clock.advance(timedelta(seconds=1))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 4
        reminders = {contact_id: message for contact_id, _, message in deliver(db, "reminder")}
        assert "Monday 6 April 2026, 05:00" in reminders[people["Australia/Sydney"].id].text
        assert (
            reminders[people["America/Toronto"].id].variables["when"]
            == "Sunday 5 April 2026, 15:00 (Toronto time, UTC-4)"
        )


def test_everyone_with_a_stake_is_told_once_that_a_session_is_cancelled(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        said = [(member(db), answer) for answer in (Answer.YES, Answer.YES, Answer.MAYBE, Answer.NO)]
        silent = member(db)
        service.invite(db, content, event, [silent.id])
        deliver(db, "invitation")
        held = member(db)
        service.invite(db, content, event, [held.id])
        for person, answer in said:
            replies.rsvp(db, content, person, event.id, answer)
        clock.move_to(event.starts_at - timedelta(hours=24))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 2

        assert service.cancel(db, content, event) == 4  # who was invited and said nothing too, once the news is out
        assert (event.status, event.sequence) == (EventStatus.CANCELLED, 1)
        assert waiting(db, "reminder") == []
        assert waiting(db, "invitation") == []
        told = deliver(db, "notice")
        assert [contact_id for contact_id, _, _ in told] == [*(person.id for person, _ in said[:3]), silent.id]
        sorry = (
            "We are sorry, the session “Saving well” of "
            "Saturday 28 March 2026, 11:00 (Maseru time, UTC+2) is cancelled."
        )
        (_, _, first), *others = told  # who had a place has it in the calendar too
        assert first.text == f"{sorry}\nOpen this file to take the session out of your calendar."
        assert {message.text for _, _, message in others} == {sorry}
        clock.advance(timedelta(hours=23))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 0
        with pytest.raises(service.NotPossible, match="create a new one"):
            service.cancel(db, content, event)
        assert "is cancelled" in replies.rsvp(db, content, silent, event.id, Answer.YES).text


def test_two_runs_of_a_session_are_listed_and_answered_apart(database: Database, content: Content) -> None:
    with database.begin() as db:
        morning, evening = session(db, SATURDAY), session(db, SATURDAY.replace(hour=18))
        person = member(db, "Australia/Sydney")
        listed = replies.upcoming(db, content, person)
        assert "1. Saving well – Saturday 28 March 2026, 20:00 (Sydney time, UTC+11)" in listed.text
        assert "2. Saving well – Sunday 29 March 2026, 03:00 (Sydney time, UTC+11)" in listed.text
        assert [button.id for button in listed.buttons] == [f"rsvp:{morning.id}:show", f"rsvp:{evening.id}:show"]
        shown = replies.press(db, content, person, listed.buttons[0].id)
        assert shown.text.endswith("Will you come?")
        replies.press(db, content, person, shown.buttons[0].id)
        assert replies.upcoming(db, content, person).text.count("Your answer: Yes") == 1
        assert service.figures(db, morning)["confirmed"] == 1
        assert service.figures(db, evening)["confirmed"] == 0


def test_an_invitation_speaks_the_language_and_local_time_of_each(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, link="https://meet.example/abc", register_by=datetime(2026, 3, 27, tzinfo=UTC))
        sydney, london = member(db, "Australia/Sydney"), member(db, "Europe/London", "mfe", "whatsapp")
        answered = member(db)
        replies.rsvp(db, content, answered, event.id, Answer.MAYBE)
        assert service.invite(db, content, event, [sydney.id, london.id, answered.id]) == 2
        rows = db.scalars(select(OutboxMessage).where(OutboxMessage.kind == "invitation").order_by(OutboxMessage.id))
        assert [(row.channel, row.purpose, row.priority, row.ref, row.expires_at) for row in rows] == [
            (channel, "sessions", Priority.BROADCAST, event.id, event.register_by)
            for channel in ("telegram", "whatsapp")
        ]
        (_, _, first), (_, _, second) = deliver(db, "invitation")
        assert "When: Saturday 28 March 2026, 20:00 (Sydney time, UTC+11)" in first.text
        assert "https://" not in first.text
        assert [button.id for button in first.buttons] == [f"rsvp:{event.id}:{answer}" for answer in Answer]
        assert first.template == second.template == "session_invitation"
        assert second.variables["title"] == "Bien épargner"  # WhatsApp has no Kreol: the template speaks French
        assert service.invite(db, content, event, [sydney.id, london.id]) == 0


def test_invitations_that_have_not_left_follow_a_move_and_sent_ones_get_the_news(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY)
        sent, held = member(db), member(db)
        service.invite(db, content, event, [sent.id])
        deliver(db, "invitation")
        service.invite(db, content, event, [sent.id, held.id])
        assert service.move(db, content, event, SATURDAY.replace(hour=15)) == 1
        [(told, _, news)] = deliver(db, "notice")
        assert (told, news.media) == (sent.id, None)
        assert "28 March 2026, 15:00" in news.text
        assert "Your answer" not in news.text
        [(contact_id, _, message)] = waiting(db, "invitation")
        assert contact_id == held.id
        assert "28 March 2026, 15:00" in message.text
        assert service.invite(db, content, event, [sent.id, held.id]) == 0


def test_a_template_speaks_english_where_whatsapp_has_no_sesotho(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, title={"st": "Ho boloka chelete", "en": "Saving well"})
        service.invite(db, content, event, [member(db, language="st").id])
        [(_, _, message)] = deliver(db, "invitation")
        assert "Ho boloka chelete" in message.text
        assert message.variables == {
            "title": "Saving well",
            "when": "Saturday 28 March 2026, 11:00 (Maseru time, UTC+2)",
        }


def test_who_says_no_hears_no_more_of_a_free_place_or_a_move(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        first, second = member(db), member(db)
        for person in (first, second):
            replies.rsvp(db, content, person, event.id, Answer.YES)
        replies.rsvp(db, content, first, event.id, Answer.NO)
        assert len(waiting(db, "notice")) == 1
        replies.rsvp(db, content, second, event.id, Answer.NO)
        assert waiting(db, "notice") == []
        replies.rsvp(db, content, first, event.id, Answer.YES)
        assert service.move(db, content, event, SATURDAY.replace(hour=15)) == 1
        replies.rsvp(db, content, first, event.id, Answer.NO)
        assert waiting(db, "notice") == []


def test_an_answer_cancels_what_it_makes_void(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY)
        person = member(db)
        service.invite(db, content, event, [person.id])
        replies.rsvp(db, content, person, event.id, Answer.YES)
        assert waiting(db, "invitation") == []
        clock.move_to(event.starts_at - timedelta(hours=1))
        upkeep.queue_due_reminders(db, content, clock.now())
        assert len(waiting(db, "reminder")) == 1
        replies.rsvp(db, content, person, event.id, Answer.NO)
        assert waiting(db, "reminder") == []
        assert db.scalars(select(OutboxMessage.status)).all() == [Status.CANCELLED] * 2


def test_who_leaves_gives_up_the_place_and_the_next_one_gets_it(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        first, second = (member(db) for _ in range(2))
        for contact in (first, second):
            replies.rsvp(db, content, contact, event.id, Answer.YES)
        assert replies.withdraw(db, content, first) == 1
        assert service.figures(db, event) == {"confirmed": 1, "waiting": 0, "maybe": 0, "no": 1}
        assert [told for told, _, _ in deliver(db, "notice")] == [second.id]
        assert replies.withdraw(db, content, first) == 0


def test_a_session_put_off_at_its_start_tells_everybody_and_calls_them_again(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY)
        person, silent = member(db), member(db)
        service.invite(db, content, event, [silent.id])
        deliver(db, "invitation")
        replies.rsvp(db, content, person, event.id, Answer.YES)
        clock.move_to(event.starts_at + timedelta(minutes=5))
        assert following.queue_starts(db, content, clock.now()) == 1
        later = SATURDAY + timedelta(days=1)
        assert service.concerned(db, event) == 1  # registration is closed: a cancellation is no news to the silent
        told = service.concerned(db, event, times.instant(later, event.zone))
        assert told == service.move(db, content, event, later) == 2
        assert waiting(db, "start") == []
        clock.move_to(event.starts_at)
        assert following.queue_starts(db, content, clock.now()) == 1


def test_a_member_reads_which_part_of_a_series_a_session_is(database: Database, content: Content) -> None:
    with database.begin() as db:
        together = series.named(db, {"en": "Money basics", "fr": "L’argent au quotidien"})
        assert series.named(db, together.title).id == together.id
        days = (SATURDAY + timedelta(days=7), SATURDAY, SATURDAY + timedelta(days=14))
        second, first, called_off = (session(db, day, series_id=together.id) for day in days)
        again = session(db, SATURDAY + timedelta(days=21), run_of=first.id)
        service.create(
            db, title={"en": "Draft"}, starts_local=SATURDAY, zone="Europe/London", minutes=9, created_by="1",
            series_id=together.id,
        )  # fmt: skip
        service.cancel(db, content, called_off)
        person, french = member(db), member(db, language="fr")
        wanted = ((first, "Part 1 of 2"), (second, "Part 2 of 2"), (again, "Part 1 of 2"))
        for event, text in wanted:
            assert f"{text} of the series “Money basics”" in replies.show(db, content, person, event.id).text
        shown = re.sub(r"\s", " ", replies.show(db, content, french, first.id).text)
        assert "Partie 1 sur 2 de la série « L’argent au quotidien »" in shown
        alone = session(db, SATURDAY)
        assert "series" not in replies.show(db, content, person, alone.id).text
