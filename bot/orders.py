"""The exports and reports that staff ordered: each process makes one at a time."""

import asyncio
from contextlib import suppress

import structlog

from bot.db import Database
from bot.exports import making as exports
from bot.reports import making as reports
from bot.settings import Settings

log = structlog.get_logger(__name__)

LOOK = 2.0  #: seconds between two looks for what waits


class Orders:
    """Makes what waits again and again, until this process ends."""

    def __init__(self, database: Database, settings: Settings, worker: str) -> None:
        self._database, self._settings, self._worker = database, settings, worker
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Go on until stopped."""
        while not self._stopping.is_set():
            await make(self._database, self._settings, self._worker, self._stopping)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK)

    def stop(self) -> None:
        """End soon: what is under way is left to the next process, which goes on from there."""
        self._stopping.set()


async def make(database: Database, settings: Settings, worker: str, stopping: asyncio.Event | None = None) -> int:
    """Make what waits; return how many became ready. An outage only makes it later."""
    data = settings.data_dir
    try:
        made = await exports.work(database, data / "exports", worker, stopping)
        least = settings.publish_least
        return made + await reports.work(database, settings.messages, data / "reports", least, worker, stopping)
    except Exception as error:
        log.error("making exports and reports failed", error=type(error).__name__)
        return 0
