"""Places under pressure: many at once, people who vanish, sessions that change size."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from bot import clock
from bot.contacts.models import State
from bot.content import Content
from bot.db import Database
from bot.events import replies, service, upkeep
from bot.events.models import Answer, Standing

from .conftest import deliver, member, session, wall

SATURDAY = wall("2026-03-28 11:00")


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Stop the clock at noon in Maseru."""


def test_twelve_who_press_yes_at_the_same_moment_share_three_seats(database: Database, content: Content) -> None:
    with database.begin() as db:
        event_id = session(db, SATURDAY, capacity=3).id
        people = [member(db) for _ in range(12)]

    def press(number: int) -> str:
        with database.begin() as db:
            return replies.rsvp(db, content, people[number], event_id, Answer.YES).text

    with ThreadPoolExecutor(12) as pool:
        texts = list(pool.map(press, range(12)))
    assert sum("your place is kept" in text for text in texts) == 3
    assert sorted(int(text.split("number ")[1].split()[0]) for text in texts if "number " in text) == list(range(1, 10))


def test_pressing_yes_again_keeps_the_place_in_the_queue(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        people = [member(db) for _ in range(3)]
        for person in people:
            replies.rsvp(db, content, person, event.id, Answer.YES)
        assert "number 1 " in replies.rsvp(db, content, people[1], event.id, Answer.YES).text
        replies.rsvp(db, content, people[1], event.id, Answer.MAYBE)
        assert "number 2 " in replies.rsvp(db, content, people[1], event.id, Answer.YES).text


def test_who_comes_off_the_waiting_list_twice_is_told_twice(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        one, other = member(db), member(db)
        replies.rsvp(db, content, one, event.id, Answer.YES)
        for _ in range(2):
            replies.rsvp(db, content, other, event.id, Answer.YES)
            replies.rsvp(db, content, one, event.id, Answer.NO)
            assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [other.id]
            replies.rsvp(db, content, one, event.id, Answer.YES)
            replies.rsvp(db, content, other, event.id, Answer.NO)
            assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [one.id]


def test_a_place_freed_by_erasing_a_person_is_given_away_by_the_job(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        erased, next_one = member(db), member(db)
        for person in (erased, next_one):
            replies.rsvp(db, content, person, event.id, Answer.YES)
        db.delete(erased)
        db.flush()
        assert upkeep.fill_places(db, content) == 1
        assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [next_one.id]
        assert upkeep.fill_places(db, content) == 0


def test_a_place_is_not_given_to_somebody_who_said_stop(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        first, stopped, third = people = [member(db) for _ in range(3)]
        for person in people:
            replies.rsvp(db, content, person, event.id, Answer.YES)
        stopped.state = State.STOPPED
        replies.rsvp(db, content, first, event.id, Answer.NO)
        assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [third.id]
        stopped.state = State.MEMBER
        replies.rsvp(db, content, third, event.id, Answer.NO)
        assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [stopped.id]


def test_a_larger_room_lets_the_next_ones_in_and_a_smaller_one_takes_no_place_away(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        people = [member(db) for _ in range(4)]
        for person in people:
            replies.rsvp(db, content, person, event.id, Answer.YES)
        assert service.resize(db, content, event, 3) == 2
        assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [people[1].id, people[2].id]
        with pytest.raises(service.NotPossible, match="at least 3"):
            service.resize(db, content, event, 2)
        assert service.resize(db, content, event, None) == 1
        assert service.figures(db, event) == {"confirmed": 4, "waiting": 0, "maybe": 0, "no": 0}


def test_after_the_deadline_one_may_step_back_but_not_forward(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1, register_by=datetime(2026, 3, 20, 12, tzinfo=UTC))
        confirmed, waiting, maybe, late = (member(db) for _ in range(4))
        replies.rsvp(db, content, confirmed, event.id, Answer.YES)
        replies.rsvp(db, content, waiting, event.id, Answer.YES)
        replies.rsvp(db, content, maybe, event.id, Answer.MAYBE)
        clock.move_to(datetime(2026, 3, 20, 12, tzinfo=UTC))
        for person in (late, maybe):
            assert replies.rsvp(db, content, person, event.id, Answer.YES).text == (
                "Registration for “Saving well” is closed."
            )
        assert "your place is kept" in replies.rsvp(db, content, confirmed, event.id, Answer.YES).text
        replies.rsvp(db, content, confirmed, event.id, Answer.NO)
        assert [contact_id for contact_id, _, _ in deliver(db, "notice")] == [waiting.id]
        assert service.figures(db, event) == {
            Standing.CONFIRMED: 1,
            Standing.WAITING: 0,
            Answer.MAYBE: 1,
            Answer.NO: 1,
        }


def test_nothing_changes_once_a_session_has_begun(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, capacity=1)
        first, second = member(db), member(db)
        for person in (first, second):
            replies.rsvp(db, content, person, event.id, Answer.YES)
        clock.move_to(event.starts_at)
        assert replies.rsvp(db, content, first, event.id, Answer.NO).text == "This session is already over."
        db.delete(first)
        db.flush()
        assert upkeep.fill_places(db, content) == 0
        assert upkeep.finish(db) == 0
        clock.advance(timedelta(minutes=90))
        assert upkeep.finish(db) == 1
        assert service.figures(db, event)["waiting"] == 1
        assert replies.rsvp(db, content, second, event.id, Answer.NO).text == "This session is already over."


@pytest.mark.parametrize("button", ["rsvp:999:yes", "rsvp:999:show", "rsvp:x:yes", "rsvp:", "rsvp:1:perhaps"])
def test_a_button_that_leads_nowhere_gets_the_list(database: Database, content: Content, button: str) -> None:
    with database.begin() as db:
        assert replies.press(db, content, member(db), button).text.startswith("There is no session planned")
