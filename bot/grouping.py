"""Group commit: what arrives while a transaction runs shares the next one."""

import asyncio
import random
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from bot.db import Database

T = TypeVar("T")
#: How often a transaction that lost a race is repeated before it fails.
RACES = 3


class GroupCommit(Generic[T]):
    """Hands items to `work(db, items)`, many in one transaction; `put` returns when they are committed."""

    def __init__(self, database: Database, work: Callable[[Session, list[T]], object], most: int = 100) -> None:
        self._database, self._work, self._most = database, work, most
        self._waiting: list[tuple[list[T], asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def put(self, items: list[T]) -> None:
        """Wait until the items are committed; raise what the transaction raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._commit(group)
        finally:
            self._running = None

    async def _commit(self, group: list[tuple[list[T], asyncio.Future[None]]]) -> None:
        try:
            await self._try(group)
        except Exception as error:
            if len(group) == 1:
                _finish(group[0][1], error)
                return
            for single in group:  # one of them is at fault: the others need not fail with it
                await self._commit([single])
            return
        for _, done in group:
            _finish(done, None)

    async def _try(self, group: list[tuple[list[T], asyncio.Future[None]]]) -> None:
        items = [item for items, _ in group for item in items]
        for _ in range(RACES):
            try:
                await self._database.run(self._work, items)
                return
            except (OperationalError, IntegrityError):
                # Another process was faster, or each waited for the other: PostgreSQL ends one, which begins anew.
                await asyncio.sleep(random.uniform(0, 0.05))
        await self._database.run(self._work, items)


def _finish(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.cancelled():
        return
    if error:
        done.set_exception(error)
    else:
        done.set_result(None)
