"""A process that only serves webhooks wakes the one that sends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text

from bot.db import Database
from bot.messaging import delivery
from bot.messaging.delivery import Delivery
from bot.messaging.waking import Wakeups

from .conftest import Office

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@asynccontextmanager
async def listening(database: Database, heard: Callable[[], None], name: str = "worker") -> AsyncIterator[None]:
    task = asyncio.create_task(Wakeups(database, name, heard).listen())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_reply_queued_by_another_process_goes_out_at_once_and_not_at_the_next_look(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "IDLE", 8)  # nothing is found by looking
    sending = Delivery(office.database, office.channel, office.desk(), 8)
    woken: list[bool] = []

    def wake() -> None:
        woken.append(True)
        sending.nudge()

    web = Wakeups(office.database, "web", lambda: None)
    web.open()
    running = asyncio.create_task(sending.run())
    async with listening(office.database, wake):
        await until(lambda: woken)
        office.reply(office.member(), "hello")
        web.tell()
        await until(lambda: office.channel.sent)
        await web.close()
        sending.stop()
        await running


async def test_a_listener_whose_connection_was_lost_listens_again_and_looks_at_what_it_missed(
    database: Database,
) -> None:
    heard: list[bool] = []
    async with listening(database, lambda: heard.append(True)):
        await until(lambda: heard)
        with database.begin() as db:
            lost = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
            assert db.execute(lost).scalar_one()
        await until(lambda: len(heard) == 2)


async def test_what_comes_together_is_told_once_and_not_to_oneself(database: Database) -> None:
    heard: list[str] = []
    worker, other = (Wakeups(database, name, lambda name=name: heard.append(name)) for name in ("worker", "other"))
    tasks = [asyncio.create_task(one.listen()) for one in (worker, other)]
    await until(lambda: sorted(heard) == ["other", "worker"])
    heard.clear()
    worker.open()
    for _ in range(50):
        worker.tell()
    await asyncio.sleep(0)
    await worker.close()
    await until(lambda: heard)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(heard) == {"other"}
    assert len(heard) <= 2
