"""Rate limits as the providers apply them: a steady rate and a burst allowance."""

from dataclasses import dataclass

from bot import clock


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls per second and burst of every limit; the defaults are what the providers are known to apply."""

    telegram_rate: float = 30
    telegram_burst: int = 30
    chat_rate: float = 1
    chat_burst: int = 5
    sender_rate: float = 80
    sender_burst: int = 80


class Bucket:
    """Let `burst` calls through at once and `rate` per second after that."""

    __slots__ = ("_allowance", "_interval", "_next", "_seen")

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._allowance = (burst - 1) / rate
        self._next = self._seen = 0.0

    def wait(self) -> float:
        """Return the seconds until a call would pass, 0 when it passes now."""
        now = self._now()
        return max(0.0, self._next - self._allowance - now)

    def take(self) -> None:
        """Count one call."""
        now = self._now()
        self._next = max(self._next, now) + self._interval

    def _now(self) -> float:
        now = clock.now().timestamp()
        self._next -= max(0.0, self._seen - now)  # a clock that was set back makes nobody wait longer
        self._seen = now
        return now
