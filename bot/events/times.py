"""From the time on the wall of a session's place to the instant on everybody's clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class NoSuchTime(ValueError):
    """A local time or zone does not exist; the message carries the cure."""


def instant(wall: datetime, zone: str) -> datetime:
    """Return the UTC instant of a local time; the first one when clocks are set back over it."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def check(wall: datetime, zone: str) -> None:
    """Raise NoSuchTime for an unknown zone, and for an hour that is skipped when clocks are set forward."""
    if wall.tzinfo is not None:
        raise NoSuchTime("Give the start as the local time of the session's zone, without an offset")
    try:
        back = instant(wall, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        raise NoSuchTime(f"{zone!r} is not a time zone: write one such as Africa/Maseru") from None
    if back != wall.replace(fold=0):
        raise NoSuchTime(f"{wall:%d %B %Y, %H:%M} is skipped in {zone}, clocks are set forward: choose another hour")
