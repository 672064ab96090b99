"""Processes share the senders evenly; one that should not have a sender leaves it, unless nobody else takes it."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import clock
from bot.db import Database
from bot.messaging import claims, pacing, sharing
from bot.messaging.models import Sender, Status

from .conftest import Office

NAMES = st.text("abc", min_size=1, max_size=3)


@given(st.dictionaries(NAMES, st.sets(st.sampled_from("123456789")), min_size=1, max_size=5))
def test_every_sender_has_an_owner_that_serves_it_and_equal_processes_have_equal_shares(
    serving: dict[str, set[str]],
) -> None:
    owners = sharing.owners(serving)
    assert set(owners) == set().union(*serving.values())
    assert all(key in serving[worker] for key, worker in owners.items())
    alike = {key: list("123456789") for key in serving}
    shares = [list(sharing.owners(alike).values()).count(worker) for worker in alike]
    assert max(shares) - min(shares) <= 1


def test_a_sender_that_should_be_anothers_is_taken_only_when_it_stands_still(office: Office) -> None:
    id, desk = office.queue(office.member(), "news"), office.desk()
    desk.turn.give(is_ours=False)
    for seconds in (1.5, 0.4):
        with office.database.begin() as db:
            assert claims.claim(db, desk, 10) == []
        clock.advance(timedelta(seconds=seconds))
    with office.database.begin() as db:  # the other one is at it again
        sender = pacing.lock(db, desk.key)
        sender.leased_by, sender.leased_until = "other", clock.now() + timedelta(seconds=1)
        db.flush()
        assert claims.claim(db, desk, 10) == []
    clock.advance(timedelta(seconds=1.1))
    for seconds in (1.9, 0.1):
        with office.database.begin() as db:
            assert claims.claim(db, desk, 10) == []
        clock.advance(timedelta(seconds=seconds))
    with office.database.begin() as db:
        assert [one.message.id for one in claims.claim(db, desk, 10)] == [id]
    assert office.row(id).status == Status.SENDING


async def test_a_process_whose_turn_is_over_settles_what_is_under_way_and_rests_the_sender_for_a_second(
    office: Office,
) -> None:
    first = office.queue(office.member(), "news")
    await office.deliver(lambda: office.row(first).status == Status.SENT)
    with office.database.begin() as db:  # which the end of that process has given up
        pacing.lock(db, office.desk().key).leased_by = "test"
    third = office.queue(office.member(), "news")
    delivery = office.delivery()
    delivery.give_turn(is_ours=False)
    await office.deliver(lambda: _leased_by(office) is None, running=delivery)
    assert office.row(third).status == Status.QUEUED


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_processes_that_are_the_first_at_a_sender_at_once_take_turns(database: Database) -> None:
    with database.begin() as first:
        pacing.lock(first, "telegram:1")
        second = asyncio.create_task(database.run(lambda db: pacing.lock(db, "telegram:1").key))
        await asyncio.sleep(0.1)
    assert await second == "telegram:1"


def _leased_by(office: Office) -> str | None:
    with office.database.begin() as db:
        row = db.get_one(Sender, office.desk().key)
        assert row.leased_by or row.leased_until == clock.now() + pacing.REST
        return row.leased_by
