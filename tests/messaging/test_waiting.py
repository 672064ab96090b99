"""What waits too long, or for a channel that is switched off."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import clock
from bot.channels.memory import MemoryChannel
from bot.contacts import service
from bot.contacts.models import Address, Reach
from bot.messaging import lives, outbox
from bot.messaging.eligibility import CHANNEL_OFF
from bot.messaging.lives import Lives
from bot.messaging.models import OutboxMessage, Priority, Status

from .conftest import Office


async def test_an_answer_that_waited_for_more_than_a_day_does_not_come_out_of_the_blue(office: Office) -> None:
    member = office.member()
    late, in_time = office.reply(member, "late"), office.reply(office.member(), "in time")
    clock.advance(lives.of(Priority.REPLY) - timedelta(minutes=1))
    with office.database.begin() as db:
        assert outbox.expire(db) == 0
        db.get_one(OutboxMessage, late).due_at = clock.now() + timedelta(minutes=2)
    await office.deliver(lambda: office.row(in_time).status == Status.SENT)
    clock.advance(timedelta(minutes=3))
    await office.deliver()
    assert (office.row(late).status, office.row(late).reason) == (Status.EXPIRED, "deadline")
    assert [message.text for message in office.channel.sent] == ["in time"]


@pytest.mark.parametrize("priority", Priority)
def test_whatever_is_queued_has_an_end(office: Office, priority: Priority) -> None:
    due = clock.now() + timedelta(days=30)
    row = office.row(office.queue(office.member(), "hello", priority=priority, due_at=due))
    assert row.expires_at == due + lives.of(priority)


@pytest.mark.parametrize("priority", Priority)
def test_how_long_a_message_may_wait_is_the_installations_choice(
    office: Office, priority: Priority, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: lives.use(Lives()))
    lives.use(lives.of_hours(2, 4, 6))
    row = office.row(office.queue(office.member(), "hello", priority=priority))
    assert row.expires_at == clock.now() + timedelta(hours={0: 2, 1: 4, 2: 6}[priority])
    answer = office.row(office.reply(office.member(), "hello"))
    assert answer.expires_at == clock.now() + timedelta(hours=2)


TELEGRAM = ("telegram", "700")


def settled(office: Office, id: int) -> tuple[str, str, str | None]:
    row = office.row(id)
    return row.channel, row.status, row.reason


def also_on_whatsapp(office: Office, member: int) -> None:
    with office.database.begin() as db:
        _, address = service.find_or_create(db, "whatsapp", "+266", f"whatsapp:{member}")
        address.contact_id = member


def test_what_waits_for_a_channel_that_is_off_goes_by_the_other_one_or_is_held_until_it_is_on(office: Office) -> None:
    office.channel = MemoryChannel("whatsapp", "+266", has_window=True)
    only, both = office.member(), office.member()
    with office.database.begin() as db:
        _, telegram = service.find_or_create(db, "telegram", "700", "77")
        telegram.contact_id = both
    asked, held, moved = office.reply(only, "answer"), office.queue(only, "news"), office.queue(both, "news")
    later = office.queue(only, "later", due_at=clock.now() + timedelta(days=1))
    with office.database.begin() as db:
        assert outbox.follow_senders(db, [TELEGRAM]) == 3
        assert outbox.follow_senders(db, [TELEGRAM]) == 0
    assert settled(office, asked) == settled(office, held) == ("whatsapp", Status.HELD, CHANNEL_OFF)
    assert settled(office, moved) == ("telegram", Status.QUEUED, None)
    assert settled(office, later) == ("whatsapp", Status.QUEUED, None)
    with office.database.begin() as db:
        assert outbox.follow_senders(db, [TELEGRAM, ("whatsapp", "+266")]) == 2
    assert settled(office, held) == ("whatsapp", Status.QUEUED, None)


async def test_nothing_is_handed_over_to_a_channel_that_is_off(office: Office) -> None:
    member = office.member()
    also_on_whatsapp(office, member)
    with office.database.begin() as db:
        for address in db.scalars(select(Address).where(Address.contact_id == member)):
            address.reach = Reach.BLOCKED if address.channel == "telegram" else Reach.OPEN
    id = office.queue(member, "news")
    office.senders = frozenset({TELEGRAM})
    await office.deliver(lambda: office.row(id).status == Status.HELD)
    assert settled(office, id) == ("whatsapp", Status.HELD, CHANNEL_OFF)
