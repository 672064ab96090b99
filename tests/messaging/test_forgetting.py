"""Providers' copies of erased people's messages: asked again, less each time; in the end staff delete by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot import clock
from bot.channels.memory import MemoryChannel
from bot.db import Database
from bot.messaging import forgetting
from bot.messaging.models import ProviderCopy
from bot.staff.models import AuditEntry

pytestmark = pytest.mark.usefixtures("frozen")


class Stubborn(MemoryChannel):
    """A provider that keeps some messages, or cannot be reached (None)."""

    keeps: set[str] | None = None
    asked = 0

    async def forget(self, address: str, sent: Sequence[str], received: Sequence[str]) -> list[str]:
        self.asked += 1
        if self.keeps is None:
            raise OSError(address)
        return [one for one in (*sent, *received) if one in self.keeps]


@pytest.fixture
def copy_id(frozen: datetime, database: Database) -> int:
    with database.begin() as db:
        copy = ProviderCopy(channel="memory", sender="700", address="4711", due_at=clock.now(), created_at=clock.now())
        copy.sent, copy.received = ["s1", "s2"], ["r1"]
        db.add(copy)
        db.flush()
        return copy.id


def kept(database: Database) -> ProviderCopy | None:
    with database.read() as db:
        return db.scalars(select(ProviderCopy)).one_or_none()


async def test_what_is_kept_is_asked_for_again_until_all_is_gone(database: Database, copy_id: int) -> None:
    channel = Stubborn()
    channel.keeps = {"s2"}
    assert await forgetting.forget(database, {("memory", "700"): channel}) == 2
    left = kept(database)
    assert left
    assert (left.sent, left.received, left.address) == (["s2"], [], "4711")
    assert await forgetting.forget(database, {("memory", "700"): channel}) == 0
    assert channel.asked == 1  # not due yet
    clock.advance(timedelta(minutes=1))
    channel.keeps = set()
    assert await forgetting.forget(database, {("memory", "700"): channel}) == 1
    assert kept(database) is None
    with database.read() as db:
        entry = db.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_id) == ("copies.deleted", str(copy_id))


@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.usefixtures("copy_id")
async def test_after_two_days_it_is_left_to_staff_and_the_address_is_forgotten(
    database: Database, reachable: bool
) -> None:
    channel, began = Stubborn(), clock.now()
    if reachable:
        channel.keeps = {"s1", "s2", "r1"}
    for attempt in range(forgetting.ATTEMPTS):
        assert await forgetting.forget(database, {("memory", "700"): channel}) == 0
        assert channel.asked == attempt + 1
        left = kept(database)
        assert left
        if left.due_at:
            clock.advance(left.due_at - clock.now())
    assert left.due_at is None
    assert left.address is None
    assert timedelta(days=1) < clock.now() - began < timedelta(days=2)
    assert [*left.sent, *left.received] == ["s1", "s2", "r1"]
    clock.advance(timedelta(days=30))
    assert await forgetting.forget(database, {("memory", "700"): channel}) == 0
    assert channel.asked == forgetting.ATTEMPTS
    with database.read() as db:
        assert forgetting.count_left(db) == 1
        assert db.scalars(select(AuditEntry.action)).all() == ["copies.left"]


@pytest.mark.usefixtures("copy_id")
async def test_a_channel_that_is_switched_off_counts_as_not_reached(database: Database) -> None:
    assert await forgetting.forget(database, {}) == 0
    left = kept(database)
    assert left
    assert (left.attempts, left.address) == (1, "4711")
