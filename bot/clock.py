"""The only source of time: UTC now, and sleeping that follows a moved or hurried clock."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class _Clock:
    """Real time, plus an offset and a speed that the demo and tests may set."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.speed = 1.0
        self._real_start = time.monotonic()
        self._start = datetime.now(UTC)
        self._frozen = False

    def now(self) -> datetime:
        if self._frozen:
            return self._start
        elapsed = time.monotonic() - self._real_start
        return self._start + timedelta(seconds=elapsed * self.speed)

    def move_to(self, at: datetime) -> None:
        self._start, self._real_start = at, time.monotonic()

    def hurry(self, speed: float) -> None:
        self.move_to(self.now())
        self.speed = speed

    def freeze(self, at: datetime) -> None:
        self._start, self._frozen = at, True


_clock = _Clock()


def now() -> datetime:
    """Return the current time, UTC-aware."""
    return _clock.now()


async def sleep(seconds: float) -> None:
    """Sleep for `seconds` of this clock; a frozen clock only yields."""
    await asyncio.sleep(0 if _clock._frozen else seconds / _clock.speed)


def move_to(at: datetime) -> None:
    """Move the clock to `at`, from where it goes on running (or stays frozen)."""
    _clock.move_to(at)


def advance(by: timedelta) -> None:
    """Move the clock by `by`."""
    _clock.move_to(_clock.now() + by)


def hurry(speed: float) -> None:
    """Let the clock run `speed` times as fast as real time."""
    _clock.hurry(speed)


def freeze(at: datetime) -> None:
    """Stop the clock at `at` until `reset` (tests)."""
    _clock.freeze(at)


def reset() -> None:
    """Return to real time."""
    _clock.reset()
