"""Whatever people and staff do, in whatever order: places, turns and reminders stay right."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content
from bot.db import Database
from bot.events import attendance, following, replies, service, upkeep
from bot.events.models import Answer, Event, EventStatus, Presence, Rsvp, Standing
from bot.events.times import instant, problem
from bot.messaging.models import OutboxMessage, Status

from .conftest import member, session, wall

BEGIN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
#: Offsets in hours: before, from (UTC), after. Written by hand, so that they check the library.
CHANGES = {
    "Africa/Maseru": (2, BEGIN, 2),
    "Europe/London": (0, datetime(2026, 3, 29, 1, tzinfo=UTC), 1),
    "America/Toronto": (-5, datetime(2026, 3, 8, 7, tzinfo=UTC), -4),
    "Australia/Sydney": (11, datetime(2026, 4, 4, 16, tzinfo=UTC), 10),
}

walls = st.datetimes(wall("2026-03-01 00:00"), wall("2026-04-12 00:00")).map(
    lambda at: at.replace(second=0, microsecond=0)
)
zones = st.sampled_from(list(CHANGES))
Step = tuple[str, object, object]
answers = st.tuples(
    st.just("rsvp"), st.integers(0, 5), st.sampled_from([Answer.YES, Answer.NO, Answer.NO, Answer.MAYBE])
)
#: Minutes from the start: about each reminder, the start, the end, and what follows.
MOMENTS = (-8 * 24 * 60, -7 * 24 * 60, -24 * 60, -90, -60, -5, 0, 31, 95, 215, 26 * 60)
steps = st.one_of(
    answers,
    answers,
    st.tuples(st.just("move"), walls, zones),
    st.tuples(st.just("resize"), st.none() | st.integers(1, 6), st.none()),
    st.tuples(st.just("pass"), st.integers(1, 6 * 24 * 60), st.none()),
    st.tuples(st.just("begin"), st.sampled_from(MOMENTS), st.none()),
    st.tuples(st.just("here"), st.integers(0, 5), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
)
scripts = st.lists(steps, max_size=12)
#: Who says yes before anything else happens.
crowds = st.lists(st.integers(0, 5), min_size=3, max_size=5, unique=True)


@given(walls, zones)
def test_a_local_time_is_the_same_instant_as_worked_out_by_hand(local: datetime, zone: str) -> None:
    before, change, after = CHANGES[zone]
    naive = change.replace(tzinfo=None)
    if naive + timedelta(hours=before) <= local < naive + timedelta(hours=after):
        assert "choose another hour" in (problem(local, zone) or "")
    else:
        assert problem(local, zone) is None
        assert instant(local, zone) == by_hand(local, zone)


def by_hand(local: datetime, zone: str) -> datetime:
    """Return the first instant at which a wall shows this time."""
    before, change, after = CHANGES[zone]
    early = local.replace(tzinfo=UTC, fold=0) - timedelta(hours=before)
    return early if early < change else local.replace(tzinfo=UTC, fold=0) - timedelta(hours=after)


class World:
    """One session, six people, and what the rules say should be."""

    def __init__(self, db: Session, content: Content, capacity: int | None) -> None:
        self.db, self.content = db, content
        self.people = [member(db, zone) for zone in (*CHANGES, None, "Asia/Dubai")]
        self.event = session(
            db, wall("2026-03-27 18:00"), "Europe/London", capacity=capacity, feedback_form="f", certificate=True
        )
        self.order: list[int] = []  #: ids of those who said yes, the first one first
        self.maybe: set[int] = set()
        self.starts = {0: self.event.starts_at}
        self.told = {0: clock.now()}  #: when people heard of each version

    def rsvp(self, number: int, answer: Answer) -> None:
        person = self.people[number]
        reply = replies.rsvp(self.db, self.content, person, self.event.id, answer)
        assert reply.text
        if self.event.status != EventStatus.OPEN or self.event.starts_at <= clock.now():
            return
        self.maybe.discard(person.id)
        if answer == Answer.YES and person.id not in self.order:
            self.order.append(person.id)
        elif answer != Answer.YES and person.id in self.order:
            self.order.remove(person.id)
        if answer == Answer.MAYBE:
            self.maybe.add(person.id)

    def move(self, local: datetime, zone: str) -> None:
        sequence = self.event.sequence
        service.move(self.db, self.content, self.event, local, zone=zone)
        if self.event.sequence != sequence:
            self.starts[self.event.sequence] = by_hand(local, zone)
            self.told[self.event.sequence] = clock.now()

    def resize(self, capacity: int | None, _: None) -> None:
        service.resize(self.db, self.content, self.event, capacity)

    def cancel(self, *_: object) -> None:
        service.cancel(self.db, self.content, self.event)
        self.starts[self.event.sequence] = self.event.starts_at

    def pass_(self, minutes: int, _: None) -> None:
        clock.advance(timedelta(minutes=minutes))

    def begin(self, minutes: int, _: None) -> None:
        """Come near the start, or the end of the session."""
        clock.move_to(max(clock.now(), self.event.starts_at + timedelta(minutes=minutes)))

    def here(self, number: int, _: None) -> None:
        attendance.check_in(self.db, self.content, self.people[number], self.event, Presence.BUTTON)

    def restart(self, *_: object) -> None:
        """Know nothing but what the database says."""
        ids, event_id = [person.id for person in self.people], self.event.id
        self.db.flush()
        self.db.expunge_all()
        self.people = [self.db.get_one(Contact, contact_id) for contact_id in ids]
        self.event = self.db.get_one(Event, event_id)

    def jobs(self) -> None:
        """Run all that goes by itself, twice: the second time nothing is left to do."""
        for _ in range(2):
            done = [
                upkeep.queue_due_reminders(self.db, self.content, clock.now()),
                upkeep.fill_places(self.db, self.content),
                following.queue_starts(self.db, self.content, clock.now()),
                following.queue_follow_ups(self.db, self.content, clock.now()),
                upkeep.finish(self.db),
            ]
        assert done == [0] * 5

    def check(self) -> None:
        rows = {row.contact_id: row for row in self.db.scalars(select(Rsvp))}
        places = len(self.order) if self.event.capacity is None else self.event.capacity
        standing = {contact_id: rows[contact_id].standing for contact_id in self.order}
        assert list(standing.values()).count(Standing.CONFIRMED) <= places
        if self.event.status == EventStatus.OPEN and self.event.starts_at > clock.now():
            expected = [Standing.CONFIRMED] * places + [Standing.WAITING] * 6
            assert list(standing.values()) == expected[: len(self.order)]
        assert {row.contact_id for row in rows.values() if row.standing != Standing.NONE} == set(standing)
        self._check_reminders(standing)
        self._check_starts()
        self._check_follow_ups()

    def _check_reminders(self, standing: dict[int, Standing]) -> None:
        reminded = set()
        for row in self.db.scalars(select(OutboxMessage).where(OutboxMessage.kind == "reminder")):
            _, _, sequence, offset, contact_id = (row.once or "").split(":")
            start = self.starts[int(sequence)]
            assert row.due_at == start - timedelta(minutes=int(offset))
            assert row.due_at >= self.told[int(sequence)]  # who was just told of a new time needs no reminder of it
            assert row.expires_at is not None
            assert row.due_at <= row.created_at < row.expires_at <= start
            assert (row.contact_id, sequence, offset) not in reminded
            reminded.add((int(contact_id), sequence, offset))
            if row.status == Status.QUEUED:
                assert int(sequence) == self.event.sequence
                assert self.event.status == EventStatus.OPEN or row.expires_at <= clock.now()  # delivery lets it expire
                assert row.contact_id in self.maybe | set(standing)

    def _rows(self, kind: str) -> list[OutboxMessage]:
        return list(self.db.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)))

    def _check_starts(self) -> None:
        """Nobody is called to a session before or long after it begins, nor to a time that is none any more."""
        for row in self._rows("start"):
            _, _, sequence, _ = (row.once or "").split(":")
            start = self.starts[int(sequence)]
            assert row.due_at == start
            assert row.expires_at == start + timedelta(minutes=30)
            assert start <= row.created_at < row.expires_at
            assert row.status != Status.QUEUED or int(sequence) == self.event.sequence

    def _check_follow_ups(self) -> None:
        """Whoever is asked how it was is asked once; nobody is thanked or missed before the time."""
        asked = []
        for row in self._rows("followup"):
            text, _, contact_id = (row.once or "").split(":")
            offset = timedelta(hours=24 if text == "missed" else 2)
            assert row.due_at == self.starts[self.event.sequence] + timedelta(minutes=90) + offset
            assert row.expires_at == row.due_at + timedelta(days=3)
            assert row.due_at <= row.created_at < row.expires_at
            asked += [contact_id] if text in ("thanks", "how_was_it") else []
        assert len(asked) == len(set(asked))


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    yield
    clock.reset()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    capacity=st.sampled_from([1, 2, 3, None]),
    crowd=crowds,
    before=scripts,
    ending=st.just([]) | scripts.map(lambda after: [("cancel", None, None), *after]),
)
def test_places_turns_and_reminders_stay_right_in_any_order_of_events(
    database: Database,
    content: Content,
    capacity: int | None,
    crowd: list[int],
    before: list[Step],
    ending: list[Step],
) -> None:
    clock.freeze(BEGIN)
    with Session(database.engine) as db:
        world = World(db, content, capacity)
        for number in crowd:
            world.rsvp(number, Answer.YES)
        for name, first, second in before + ending:
            try:
                getattr(world, name if name != "pass" else "pass_")(first, second)
            except service.NotPossible:
                continue
            world.jobs()
            world.check()
        db.rollback()
