"""Work that goes on while nobody waits for it: tasks, and queues that keep the order of each key."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Background:
    """Own every task of a world, so that closing the world ends them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.closing = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all work; whoever hangs on `closing` goes home."""
        self.closing.set()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Queues(Generic[Item]):
    """Hand items to `work`: one at a time and in order for each key, the keys side by side."""

    def __init__(self, background: Background, work: Callable[[Item], Awaitable[None]]) -> None:
        self._background, self._work = background, work
        self._waiting: dict[str, deque[Item]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, key: str, item: Item) -> None:
        """Add an item to the end of its queue."""
        if key in self._waiting:
            self._waiting[key].append(item)
        else:
            self._waiting[key] = deque([item])
            self._background.spawn(self._drain(key, self._waiting[key]))

    async def _drain(self, key: str, items: deque[Item]) -> None:
        while items:
            await self._work(items[0])
            if items:
                items.popleft()
        if self._waiting.get(key) is items:
            del self._waiting[key]

    def take_all(self) -> list[Item]:
        """Empty every queue and return what was in them, the items in work included."""
        items = [item for queue in self._waiting.values() for item in queue]
        for queue in self._waiting.values():
            queue.clear()
        self._waiting = {}
        return items
