import random
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Misconfigured, Outbound, OutcomeUnknown, Refused
from bot.channels.memory import MemoryChannel
from bot.contacts.models import Address, Contact, Purpose
from bot.messaging import breaker, claims, outbox, pacing, workers
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.messaging.outbox import Message

from .conftest import Office


@pytest.mark.parametrize("places", [1, 8])
async def test_two_broadcasts_share_the_sender_and_the_later_one_does_not_wait_for_the_end_of_the_first(
    office: Office, places: int
) -> None:
    random.seed(1)
    for number in range(60):
        ref = 1 if number < 40 else 2
        office.queue(office.member(), f"of {ref}", ref=ref)
    office.max_in_flight = places
    await office.deliver(seconds=10)
    texts = [message.text for message in office.channel.sent]
    assert Counter(texts) == {"of 1": 40, "of 2": 20}
    assert 8 <= texts[:24].count("of 2") <= 16


async def test_a_message_that_waits_for_another_try_does_not_hold_up_an_answer_to_the_same_person(
    office: Office,
) -> None:
    member = office.member()
    waiting = office.queue(member, "news")
    with office.database.begin() as db:
        row = db.get_one(OutboxMessage, waiting)
        row.attempts, row.due_at = 1, clock.now() + timedelta(minutes=1)
    answer = office.reply(member, "an answer")
    await office.deliver()
    assert (office.row(answer).status, office.row(waiting).status) == (Status.SENT, Status.QUEUED)


def test_what_was_looked_at_a_while_ago_does_not_leave_without_another_look(office: Office) -> None:
    people = [office.member(), office.member()]
    rows = [office.queue(person, "news") for person in people]
    desk = office.desk()
    with office.database.begin() as db:
        (first,) = claims.claim(db, desk, 1)
    left = next(row for row in rows if row != first.message.id)
    answer = office.reply(people[rows.index(left)], "an answer")
    with office.database.begin() as db:  # by another process: nobody gets two messages at a time
        db.get_one(OutboxMessage, answer).status = Status.SENDING
    clock.advance(2 * claims.FRESH)
    with office.database.begin() as db:
        assert claims.claim(db, desk, 10) == []


def hold(db: Session, office: Office, worker: str) -> None:
    """Let another process send from the sender."""
    pace = pacing.lease(db, office.desk().key, worker, clock.now())
    assert pace
    pacing.note(db, office.desk().key, worker, pace, clock.now())


def test_while_one_process_has_the_lease_no_other_sends_from_the_same_sender(office: Office) -> None:
    office.queue(office.member(), "hello")
    with office.database.begin() as db:
        hold(db, office, "another process")
    with office.database.begin() as db:
        assert claims.claim(db, office.desk(), 10) == []
    clock.advance(pacing.LEASE)
    with office.database.begin() as db:
        assert len(claims.claim(db, office.desk(), 10)) == 1


async def test_a_process_that_ends_or_dies_leaves_its_sender_to_others_at_once(office: Office) -> None:
    office.queue(office.member(), "first")
    await office.deliver()
    with office.database.begin() as db:
        assert pacing.lock(db, office.desk().key).leased_by is None
        hold(db, office, "dead")
        workers.doubt(db, ["dead"])
    office.queue(office.member(), "second")
    await office.deliver()
    assert office.statuses() == ["sent", "sent"]


def test_a_gate_lets_no_more_than_its_rate_through_in_any_second_however_late_they_come() -> None:
    gate = pacing.Gate(30)
    times = [now + gate.wait(now) for now in [0.0] * 90]  # all at once, after the event loop was busy
    assert times == sorted(times)
    for start in times:
        assert sum(start <= at < start + 1 for at in times) <= 30


def test_a_message_of_three_parts_takes_three_places_of_the_pace(office: Office) -> None:
    class InParts(MemoryChannel):
        def calls(self, message: Outbound) -> int:
            return 3

    office.channel = InParts(rate=20)
    for _ in range(20):
        office.queue(office.member(), "x")
    times = []
    for _ in range(12):
        with office.database.begin() as db:
            times += [claimed.at for claimed in claims.claim(db, office.desk(), 100)]
        clock.advance(timedelta(milliseconds=100))
    assert len(times) in range(6, 10)  # 24 places in 1.2 seconds, and those of the horizon
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert all(gap >= 3 / 20 for gap in gaps)


def test_a_gate_takes_as_many_places_as_a_message_has_parts() -> None:
    gate = pacing.Gate(30)
    ends = [gate.wait(0.0, 3) for _ in range(30)]
    for start in ends:
        assert sum(start <= end < start + 1 for end in ends) <= 10


async def test_content_that_fails_for_one_in_three_stops_its_broadcast_and_says_why(office: Office) -> None:
    ids = [office.queue(office.member(), f"message {number}") for number in range(60)]
    office.max_in_flight = 1
    office.channel.outcomes.extend([None, None, Misconfigured("63027", sender=False)] * 20)
    await office.deliver()
    ends = Counter(office.statuses())
    assert ends["failed"] == breaker.LEAST
    assert ends["held"] > 30
    assert office.row(ids[-1]).reason == "paused content 63027"


async def test_a_broadcast_that_is_taken_for_spam_stops_and_says_why(office: Office) -> None:
    ids = [office.queue(office.member(), f"message {number}") for number in range(20)]
    office.max_in_flight = 1
    office.channel.outcomes.extend([None, Refused("63049"), Refused("30007", suspect=True)] * 20)
    await office.deliver()
    assert office.row(ids[-1]).reason == "paused suspect 30007"
    assert Counter(office.row(id).reason for id in ids)["suspect 30007"] == breaker.LEAST


async def test_a_provider_that_leaves_us_in_the_dark_stops_the_broadcast_too(office: Office) -> None:
    for number in range(20):
        office.queue(office.member(), f"message {number}")
    office.max_in_flight = 1
    office.channel.outcomes.extend(OutcomeUnknown("5xx") for _ in range(20))
    await office.deliver()
    assert Counter(office.statuses()) == {"uncertain": breaker.LEAST, "held": 20 - breaker.LEAST}


async def test_meta_lets_us_begin_with_so_many_people_a_day_and_the_others_wait(office: Office) -> None:
    office.channel = MemoryChannel("whatsapp", "+266", has_window=True)
    office.daily_people = 2
    members = [office.member() for _ in range(4)]
    with office.database.begin() as db:
        for address in db.query(Address):
            address.last_inbound_at = None
        office.approve(db, "session_reminder")
        message = Message("Reminder", template="session_reminder", variables={"title": "Saving"})
        for member in members:
            outbox.queue(
                db, db.get_one(Contact, member), message, kind="reminder", priority=Priority.REMINDER,
                purpose=Purpose.SESSIONS, once=f"r{member}",
            )  # fmt: skip
    await office.deliver()
    assert Counter(office.statuses()) == {"sent": 2, "held": 2}
    held = office.row(4)
    assert held.reason == "daily_people"
    assert held.due_at == clock.now() + timedelta(hours=24)
    clock.move_to(held.due_at)
    await office.deliver()
    assert Counter(office.statuses()) == {"sent": 4}


async def test_what_waits_past_its_deadline_ends_even_if_its_sender_never_comes(office: Office) -> None:
    id = office.queue(office.member(), "soon over", expires_at=clock.now() + timedelta(hours=1))
    with office.database.begin() as db:
        row = db.get_one(OutboxMessage, id)
        row.status, row.due_at, row.reason = Status.HELD, None, "window_closed"
        assert outbox.expire(db) == 0
    clock.advance(timedelta(hours=1))
    with office.database.begin() as db:
        assert outbox.expire(db) == 1
    assert (office.row(id).status, office.row(id).reason) == (Status.EXPIRED, "deadline")


async def test_staff_resend_or_leave_what_is_in_doubt_and_nothing_else(office: Office) -> None:
    ids = [office.queue(office.member(), f"message {number}") for number in range(3)]
    office.max_in_flight = 1
    office.channel.outcomes.extend([OutcomeUnknown("no_answer"), OutcomeUnknown("no_answer"), None])
    await office.deliver()
    with office.database.begin() as db:
        assert outbox.resend(db, [ids[0], ids[2]]) == 1
        assert outbox.leave(db, [ids[1], ids[2]]) == 1
    await office.deliver()
    assert [office.row(id).status for id in ids] == [Status.SENT, Status.FAILED, Status.SENT]
    assert [message.id for message in office.channel.sent] == [ids[2], ids[0]]


async def test_a_paid_broadcast_goes_at_the_paid_rate_and_everything_else_keeps_the_free_one(office: Office) -> None:
    office.channel = MemoryChannel(rate=8)
    office.paid_rate = 400
    due = {"status": Status.QUEUED, "purpose": Purpose.NEWS, "due_at": clock.now(), "created_at": clock.now()}
    due["sender"] = office.channel.sender
    members = [office.member() for _ in range(60)]
    with office.database.begin() as db:
        for number, member in enumerate(members):
            ref = 1 if number < 30 else 2  # an odd one is paid
            row = OutboxMessage(contact_id=member, channel="telegram", priority=Priority.BROADCAST, ref=ref, **due)
            row.kind, row.status_at = "broadcast", clock.now()
            db.add(row)
    with office.database.begin() as db:
        desk = office.desk()
        wave = claims.claim(db, desk, 100) + claims.claim(db, desk, 100)
    paid = [one for one in wave if one.message.paid]
    free = [one for one in wave if not one.message.paid]
    assert len(paid) == 30
    assert len(free) == 2  # a quarter of a second's places
    assert (free[1].at - free[0].at).total_seconds() > 1 / 8
    assert (paid[-1].at - paid[0].at).total_seconds() < 0.1
