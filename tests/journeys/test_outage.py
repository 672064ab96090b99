"""The database goes away and comes back: whoever called is told to repeat, and everything goes on by itself."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from bot import logs
from bot.demo.stage import Stage
from tests.journeys.conftest import somebody

#: Pages of everybody who calls: providers, staff, programs, and what watches.
PAGES = ("/readyz", "/metrics", "/console/members", "/api/contacts", "/odata/", "/hooks/telegram")


class Outage:
    """One database of a server that others use as well: nobody may connect to it, and whoever was connected is not."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url)
        self._name = url.database
        self._engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    @contextmanager
    def lasting(self) -> Iterator[None]:
        self._do(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS false')
        self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")
        try:
            yield
        finally:
            self._do(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS true')

    def listeners(self) -> int:
        """Return how many connections wait to be woken."""
        found = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE 'LISTEN%'"
        with self._engine.connect() as connection:
            return connection.scalar(text(found.format(self._name))) or 0

    def _do(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - neither a database nor a provider calls back
            await asyncio.sleep(0.02)


@pytest.fixture
def _logs_of_an_installation() -> Iterator[None]:
    logs.configure("WARNING", json=True)  # why a job failed, drawn with all its values, takes many seconds
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logs_of_an_installation")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_while_the_database_is_away_everybody_is_told_to_come_back_and_then_nothing_is_missing(
    village: Stage, database_url: str
) -> None:
    palesa, outage = somebody(village), Outage(database_url)
    secret = {"X-Telegram-Bot-Api-Secret-Token": village.app.settings.telegram_webhook_secret.get_secret_value()}
    async with httpx.AsyncClient(base_url=village.url, headers={"Authorization": "Bearer none"}) as caller:
        caller.cookies.set("outreach_session", "somebody", path="/console")
        with outage.lasting():
            assert (await caller.get("/healthz")).status_code == 200
            update = {"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"},
                      "from": {"id": 1, "is_bot": False, "first_name": "A"}, "text": "hello"}}  # fmt: skip
            for page in PAGES:
                is_hook = page.startswith("/hooks")
                answer = await (caller.post(page, json=update, headers=secret) if is_hook else caller.get(page))
                assert (page, answer.status_code, answer.headers.get("Retry-After")) == (page, 503, "5")
            await palesa.phone.send("HELP")
            updates = village.world.telegram.updates
            await until(lambda: updates.last_error and "503" in updates.last_error[1])
        await until(lambda: outage.listeners() == 1)
        assert (await caller.get("/readyz")).json() == {"status": "ok"}
    await palesa.play("bot: help.text")
    assert await village.app.run_job("followed_broadcasts") == 0
