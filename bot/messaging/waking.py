"""Wakes the processes that send when another has queued something. PostgreSQL passes it on; SQLite has one process.

Only a faster way: what is not passed on is found half a second later, when delivery looks by itself.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import text

from bot.db import Database

log = structlog.get_logger(__name__)

CHANNEL = "outbox"
#: Seconds after which a silent connection is tried, and between attempts at a new one.
TRIED, AGAIN = 30.0, 1.0


class Wakeups:
    """Tells other processes, and hears from them; `name` is this one's."""

    def __init__(self, database: Database, name: str, heard: Callable[[], None]) -> None:
        self._database, self._name, self._heard = database, name, heard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._telling: asyncio.Task[None] | None = None
        self._more = False

    def open(self) -> None:
        """Tell by this event loop from now on."""
        self._loop = None if self._database.is_sqlite else asyncio.get_running_loop()

    async def close(self) -> None:
        """Tell nothing any more, but what is being told."""
        self._loop = None
        if self._telling:
            await self._telling

    def tell(self) -> None:
        """Say that there may be something to send; from any thread, after the commit."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._more = True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._more:  # much that comes together is told once
            self._more = False
            with suppress(Exception):
                await self._database.run(
                    lambda db: db.execute(text("SELECT pg_notify(:to, :by)"), {"to": CHANNEL, "by": self._name})
                )

    async def listen(self) -> None:
        """Hear what other processes tell, also after a connection was lost, until cancelled."""
        while not self._database.is_sqlite:
            try:
                await self._listen()
            except Exception as error:
                log.warning("listening for messages failed", error=type(error).__name__)
                await asyncio.sleep(AGAIN)

    async def _listen(self) -> None:
        import psycopg

        dialect, url = self._database.engine.dialect, self._database.engine.url
        arguments, options = dialect.create_connect_args(url)
        connecting = psycopg.AsyncConnection[Any].connect(*arguments, **options, autocommit=True)
        async with await connecting as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._heard()  # of what was told while nobody listened
            while True:
                async for notice in connection.notifies(timeout=TRIED):
                    if notice.payload != self._name:
                        self._heard()
                await connection.execute("SELECT 1")
