import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import (
    Media,
    Misconfigured,
    NeedsTemplate,
    OptedOut,
    Outbound,
    OutcomeUnknown,
    Refused,
    TryLater,
    Unreachable,
)
from bot.channels.memory import MemoryChannel
from bot.contacts.models import Address, Contact, Reach, State
from bot.messaging import claims, made, outbox, workers
from bot.messaging.delivery import Delivery
from bot.messaging.models import OutboxMessage, Priority, Sender, Status

from .conftest import Office


async def test_a_queued_message_goes_out_once_and_carries_its_external_id(office: Office) -> None:
    id = office.queue(office.member(), "hello")
    await office.deliver()
    assert [message.text for message in office.channel.sent] == ["hello"]
    row = office.row(id)
    assert (row.status, row.external_id, row.attempts) == (Status.SENT, f"M{id}", 1)
    assert row.sent_at == clock.now()


async def test_what_staff_wrote_does_not_leave_with_a_link_that_is_not_ours_by_now(office: Office) -> None:
    office.domains = ("example.org",)
    office.texts = {2: "Read www.example.org/news", 4: "Read example.org and http://exarnple.org"}
    ours, foreign = (office.queue(office.member(), "", ref=ref, once=str(ref)) for ref in office.texts)
    with office.database.begin() as db:
        db.execute(update(OutboxMessage).values(body=None))  # rendered when it leaves
    await office.deliver()
    assert [message.id for message in office.channel.sent] == [ours]
    assert (office.row(foreign).status, office.row(foreign).reason) == (Status.SUPPRESSED, "link_not_allowed")


async def test_answers_overtake_reminders_overtake_broadcasts(office: Office) -> None:
    people = [office.member() for _ in range(3)]
    office.queue(people[0], "broadcast")
    office.queue(people[1], "reminder", priority=Priority.REMINDER)
    office.reply(people[2], "reply")
    office.max_in_flight = 1
    await office.deliver()
    assert [message.text for message in office.channel.sent] == ["reply", "reminder", "broadcast"]


async def test_one_person_gets_messages_in_the_order_they_were_queued(office: Office) -> None:
    member = office.member()
    texts = [f"part {number}" for number in range(6)]
    for text in texts:
        office.reply(member, text)
    await office.deliver()
    assert [message.text for message in office.channel.sent] == texts


async def test_a_retried_message_is_not_overtaken_by_the_next_one_to_the_same_person(office: Office) -> None:
    member = office.member()
    first, second = office.reply(member, "first"), office.reply(member, "second")
    office.channel.outcomes.append(TryLater("no_connection", after=30))
    await office.deliver(lambda: office.row(first).attempts == 1 and office.row(first).status == Status.QUEUED)
    assert office.row(second).status == Status.QUEUED
    clock.advance(timedelta(seconds=31))
    await office.deliver()
    assert [message.text for message in office.channel.sent] == ["first", "second"]


async def test_a_throttle_pauses_the_whole_sender_for_as_long_as_was_said_and_costs_no_attempt(office: Office) -> None:
    first, second = (office.queue(office.member(), text) for text in ("a", "b"))
    office.max_in_flight = 1
    office.channel.outcomes.append(TryLater("429", after=7, throttled=True))
    await office.deliver(lambda: office.row(first).reason == "429")
    clock.advance(timedelta(seconds=6.9))
    await office.try_to_deliver()
    assert office.channel.sent == []
    clock.advance(timedelta(seconds=0.2))
    await office.deliver()
    assert len(office.channel.sent) == 2
    assert (office.row(first).attempts, office.row(second).attempts) == (1, 1)


async def test_other_troubles_are_repeated_a_few_times_and_then_given_up(office: Office) -> None:
    id = office.queue(office.member(), "hello")
    office.channel.outcomes.extend(TryLater("no_connection") for _ in range(10))
    for _ in range(8):
        await office.deliver()
        clock.advance(timedelta(minutes=2))
    row = office.row(id)
    assert (row.status, row.reason, row.attempts) == (Status.FAILED, "no_connection", 5)


async def test_an_unknown_outcome_is_never_repeated_by_itself(office: Office) -> None:
    id = office.queue(office.member(), "hello")
    office.channel.outcomes.append(OutcomeUnknown("no_answer"))
    await office.deliver()
    clock.advance(timedelta(days=2))
    await office.deliver()
    assert (office.row(id).status, office.row(id).reason) == (Status.UNCERTAIN, "no_answer")
    assert office.channel.sent == []


async def test_a_defect_of_the_channel_counts_as_unknown_not_as_unsent(office: Office) -> None:
    class Broken(MemoryChannel):
        async def send(self, message: Outbound) -> str:
            raise ZeroDivisionError

    office.channel = Broken()
    id = office.queue(office.member(), "hello")
    await office.deliver()
    assert (office.row(id).status, office.row(id).reason) == (Status.UNCERTAIN, "ZeroDivisionError")


@pytest.mark.parametrize(("gone", "reach"), [(False, Reach.BLOCKED), (True, Reach.GONE)])
async def test_a_person_who_blocked_us_is_not_written_to_again(office: Office, gone: bool, reach: Reach) -> None:
    member = office.member()
    first = office.queue(member, "one")
    office.channel.outcomes.append(Unreachable("403", gone=gone))
    await office.deliver()
    second = office.queue(member, "two")
    await office.deliver()
    assert (office.row(first).status, office.row(first).reason) == (Status.FAILED, "403")
    assert (office.row(second).status, office.row(second).reason) == (Status.SUPPRESSED, "no_reachable_address")
    with office.database.begin() as db:
        assert db.query(Address).one().reach == reach


async def test_an_opt_out_at_the_provider_stops_everything_unasked(office: Office) -> None:
    member = office.member()
    first = office.queue(member, "one")
    later = office.queue(member, "later", due_at=clock.now() + timedelta(hours=1))
    office.channel.outcomes.append(OptedOut("21610"))
    await office.deliver()
    assert office.row(first).status == Status.SUPPRESSED
    assert (office.row(later).status, office.row(later).reason) == (Status.CANCELLED, "opted_out")
    with office.database.begin() as db:
        assert db.get_one(Contact, member).state == State.STOPPED


async def test_a_refused_token_pauses_the_sender_and_nothing_is_lost(office: Office) -> None:
    ids = [office.queue(office.member(), text) for text in "ab"]
    office.max_in_flight = 1
    office.channel.outcomes.append(Misconfigured("401"))
    await office.deliver(lambda: office.row(ids[0]).status == Status.HELD)
    await office.try_to_deliver()
    assert office.channel.sent == []
    with office.database.begin() as db:
        assert db.query(Sender).one().pause_reason == "401"
    clock.advance(timedelta(minutes=6))
    await office.deliver()
    assert office.statuses() == ["sent", "sent"]


async def test_wrong_content_pauses_its_broadcast_after_the_first_refusal(office: Office) -> None:
    ids = [office.queue(office.member(), text) for text in "abc"]
    office.max_in_flight = 1
    office.channel.outcomes.append(Misconfigured("400", sender=False))
    await office.deliver(lambda: office.row(ids[2]).status == Status.HELD)
    assert office.statuses() == ["failed", "held", "held"]
    assert office.row(ids[1]).reason == "paused content 400"
    with office.database.begin() as db:
        assert outbox.resume(db, "broadcast", 1) == 2
    await office.deliver()
    assert office.statuses() == ["failed", "sent", "sent"]


async def test_a_message_for_one_person_that_is_refused_fails_alone(office: Office) -> None:
    ids = [office.queue(office.member(), text) for text in "ab"]
    office.max_in_flight = 1
    office.channel.outcomes.append(Refused("63032"))
    await office.deliver()
    assert [office.row(id).status for id in ids] == [Status.FAILED, Status.SENT]


async def test_a_window_that_the_provider_calls_closed_waits_for_the_persons_word(office: Office) -> None:
    office.channel = MemoryChannel("whatsapp", "+266", has_window=True)
    member = office.member()
    id = office.queue(member, "hello")
    office.channel.outcomes.append(NeedsTemplate("63016"))
    await office.deliver(lambda: office.row(id).status == Status.HELD and office.row(id).due_at is None)
    assert office.row(id).reason == "window_closed"
    with office.database.begin() as db:
        db.query(Address).one().last_inbound_at = clock.now()
        assert outbox.open_window(db, member) == 1
    await office.deliver()
    assert office.statuses() == ["sent"]


async def test_a_crash_between_claim_and_settle_leaves_the_message_in_doubt(office: Office) -> None:
    id = office.queue(office.member(), "hello")
    with office.database.begin() as db:
        workers.heartbeat(db, "dead")
        desk = office.desk()
        assert len(claims.claim(db, desk, 10)) == 1
    with office.database.begin() as db:
        db.get_one(type(office.row(id)), id).claimed_by = "dead"
    clock.advance(timedelta(seconds=10))
    with office.database.begin() as db:
        workers.heartbeat(db, "alive")
    assert office.row(id).status == Status.SENDING
    clock.advance(timedelta(seconds=10))
    with office.database.begin() as db:
        workers.heartbeat(db, "alive")
    assert (office.row(id).status, office.row(id).reason) == (Status.UNCERTAIN, "interrupted")
    await office.deliver()
    assert office.channel.sent == []


async def test_a_clock_that_was_set_back_stops_nobody(office: Office) -> None:
    person = office.member()
    office.channel = MemoryChannel(rate=1)
    delivery = Delivery(office.database, office.channel, office.desk(), office.max_in_flight)
    running = asyncio.create_task(delivery.run())
    for text in ("before", "after"):
        office.reply(person, text)
        delivery.nudge()
        async with asyncio.timeout(3):
            while not office.is_idle():  # noqa: ASYNC110 - the database has no event to wait for
                await asyncio.sleep(0.01)
        clock.advance(timedelta(days=-100))
    delivery.stop()
    await running
    assert [message.text for message in office.channel.sent] == ["before", "after"]


async def test_claims_never_run_ahead_of_the_senders_rate(office: Office) -> None:
    office.channel = MemoryChannel(rate=20)
    for _ in range(40):
        office.queue(office.member(), "x")
    counts = []
    for _ in range(4):
        with office.database.begin() as db:
            counts.append(len(claims.claim(db, office.desk(), 100)))
        clock.advance(timedelta(milliseconds=250))
    assert sum(counts) <= 20 * 1.25 + 1
    with office.database.begin() as db:
        assert claims.claim(db, office.desk(), 100)


async def test_a_file_is_made_after_the_claim_is_committed_and_the_words_go_without_one_that_is_gone(
    office: Office,
) -> None:
    lasting, own, lost = (made.reference("map", name) for name in (f"{'0' * 64}/map.png", "1.png", "2.png"))
    asked: list[str] = []

    def lay_out(db: Session, reference: str) -> bool:
        assert db.scalar(select(OutboxMessage.id).where(OutboxMessage.status == Status.SENDING).limit(1))
        asked.append(reference)
        return reference != lost

    office.lay_out = lay_out
    for reference in (lasting, own, lost):
        media = Media("image", reference, "image/png")
        office.queue(office.member(), reference, media=media)
    office.max_in_flight = 1
    await office.deliver()
    assert {message.text: message.media is not None for message in office.channel.sent} == {
        lasting: True, own: True, lost: False,
    }  # fmt: skip
    assert asked == [lasting, own, lost]


async def test_a_file_that_cannot_be_made_now_is_tried_again_and_nothing_leaves_without_it(office: Office) -> None:
    def fails(_db: Session, _reference: str) -> bool:
        raise ZeroDivisionError

    office.lay_out = fails
    media = Media("document", made.reference("certificate", "1.pdf"), "application/pdf")
    id = office.queue(office.member(), "yours", media=media)
    await office.deliver(lambda: office.row(id).attempts == 1 and office.row(id).status == Status.QUEUED)
    assert office.row(id).reason == "file_not_made"
    office.lay_out = lambda _db, _reference: True
    clock.advance(timedelta(minutes=1))
    await office.deliver()
    assert [message.media for message in office.channel.sent] == [media]
