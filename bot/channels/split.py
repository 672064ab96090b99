"""Long messages in parts: texts broken where a reader would pause, later parts that wait for the provider."""

from collections.abc import Awaitable, Callable
from itertools import takewhile
from typing import TypeVar

import regex

from bot import clock
from bot.channels.base import TryLater

T = TypeVar("T")

#: What a reader sees as one sign: an emoji of several, a flag, a letter with its marks.
_GRAPHEME = regex.compile(r"\X")
#: What loses its sense in two parts: a link, words between WhatsApp's marks.
_SPAN = regex.compile(r"https?://\S+|\[[^\]\n]+\]\([^)\s]+\)|(?<![\w*_~])([*_~])(?=\S)[^\n]+?(?<=\S)\1(?![\w*_~])")

#: How often, and for how many seconds each time, a later part waits for the provider's pace.
_PATIENCE, _LONGEST_WAIT = 3, 30.0


def split(text: str, limit: int) -> list[str]:
    """Return parts of at most `limit` UTF-16 units, cut at a paragraph, a line or a word where one is near.

    What a reader sees as one sign is never torn, nor what is *bold* or _italic_, nor a link, unless it is longer.
    """
    parts = []
    while measure(text) > limit:
        at = _place(text, _characters(text, limit))
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    # A provider refuses a message without words.
    return [part for part in (*parts, text) if part] or [text]


def _place(text: str, most: int) -> int:
    """Return where to cut at the latest after `most` characters: at a gap, else where nothing is torn."""
    ends: list[int] = list(takewhile(lambda end: end <= most, (one.end() for one in _GRAPHEME.finditer(text))))
    spans = [one.span() for one in _SPAN.finditer(text) if one.start() < most and one.end() > most // 2]
    whole = [end for end in ends if not any(start < end < stop for start, stop in spans)]
    known = set(ends)
    for gap in ("\n\n", "\n", " "):
        at = [end for end in whole if end >= most // 2 and text.startswith(gap, end) and end + len(gap) in known]
        if at:
            return at[-1]
    return (whole or ends or [most])[-1]


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
