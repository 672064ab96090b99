"""Many calls at once, measured, and what Telegram posts; without anything that a peer's environment has not got."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

_ids = itertools.count(1)


def update(chat: int, text: str) -> dict[str, Any]:
    """Return a message as Telegram posts it."""
    id = next(_ids)
    person = {"id": chat, "is_bot": False, "first_name": "Thabo", "language_code": "en"}
    return {
        "update_id": id,
        "message": {
            "message_id": id,
            "from": person,
            "chat": {"id": chat, "first_name": "Thabo", "type": "private"},
            "date": 1767225600,
            "text": text,
        },
    }


async def all_at_once(calls: Iterable[Any], do: Callable[[Any], Awaitable[Any]], at_once: int) -> dict[str, float]:
    """Do all calls, `at_once` at a time; return CPU milliseconds a call and calls a second."""
    done, waiting = 0, iter(calls)

    async def one() -> None:
        nonlocal done
        for call in waiting:
            await do(call)
            done += 1

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(at_once)))
    return {
        "cpu_ms": (time.process_time() - cpu) / done * 1000,
        "per_second": done / (time.perf_counter() - began),
    }
