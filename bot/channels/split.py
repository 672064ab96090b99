"""Long messages in parts: texts broken where a reader would pause, later parts that wait for the provider."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot import clock
from bot.channels.base import TryLater

T = TypeVar("T")

#: How often, and for how many seconds each time, a later part waits for the provider's pace.
_PATIENCE, _LONGEST_WAIT = 3, 30.0


def split(text: str, limit: int) -> list[str]:
    """Return parts of at most `limit` UTF-16 units, cut at a paragraph, a line or a word where one is near."""
    parts = []
    while measure(text) > limit:
        most = _characters(text, limit)
        at = max(text.rfind(gap, most // 2, most) for gap in ("\n\n", "\n", " "))
        at = at if at > 0 else most
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*parts, text]


def measure(text: str) -> int:
    """Return the length as providers count it: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _characters(text: str, units: int) -> int:
    """Return how many characters from the beginning have room in so many UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore"))


async def insist(send: Callable[[], Awaitable[T]]) -> T:
    """Send a later part of a message: the first is out, so one that comes too fast waits here instead of all again."""
    for _ in range(_PATIENCE):
        try:
            return await send()
        except TryLater as failure:
            wait = failure.after or 1.0
            if not failure.throttled or wait > _LONGEST_WAIT:
                raise
            await clock.sleep(wait)
    return await send()
