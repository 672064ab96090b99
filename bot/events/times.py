"""From the time on the wall of a session's place to the instant on everybody's clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.sentences import Sentence


def instant(wall: datetime, zone: str) -> datetime:
    """Return the UTC instant of a local time; the first one when clocks are set back over it."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def problem(wall: datetime, zone: str) -> str | None:
    """Return why there is no such local time (an unknown zone, a skipped hour) with the cure, or None."""
    if wall.tzinfo is not None:
        return Sentence("Give the start as the local time of the session's zone, without an offset")
    try:
        back = instant(wall, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        return Sentence("“%(zone)s” is not a time zone: write one such as Africa/Maseru", zone=zone)
    if back != wall.replace(fold=0):
        return Sentence(
            "%(time)s is skipped in %(zone)s, clocks are set forward: choose another hour",
            time=f"{wall:%Y-%m-%d %H:%M}",
            zone=zone,
        )
    return None
