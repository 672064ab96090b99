"""When a broadcast leaves: at once, at a time, at that time of day at each person's place, again and again."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, literal

from bot.broadcasts.models import Broadcast
from bot.contacts.service import HOME_ZONE
from bot.db import UTCDateTime

DAILY, WEEKLY, MONTHLY = "day", "week", "month"
REPEATS = (DAILY, WEEKLY, MONTHLY)
#: How far the first place on earth is ahead of the office.
AHEAD = timedelta(hours=14)
_STEPS = {DAILY: timedelta(days=1), WEEKLY: timedelta(weeks=1)}


class Timed(Protocol):
    """What is read of a broadcast, or of a draft not yet stored."""

    @property
    def scheduled_at(self) -> datetime | None: ...
    @property
    def at_local(self) -> bool: ...


def due(timed: Timed, zone: str | None, now: datetime) -> datetime:
    """Return when it leaves for people in a time zone; what is over there already leaves at once."""
    at = timed.scheduled_at
    if at is None:
        return now
    if timed.at_local:
        at = _wall(at).replace(tzinfo=ZoneInfo(zone or HOME_ZONE)).astimezone(UTC)
    return max(now, at)


def due_column(
    timed: Timed, zones: Iterable[str | None], column: ColumnElement[Any], now: datetime
) -> ColumnElement[datetime]:
    """Return `due` as an expression over a column of time zones."""
    home: ColumnElement[datetime] = literal(due(timed, None, now), UTCDateTime)
    if not timed.at_local:
        return home
    by_zone = [(column == zone, literal(due(timed, zone, now), UTCDateTime)) for zone in zones if zone]
    return case(*by_zone, else_=home) if by_zone else home


def following(broadcast: Broadcast, now: datetime) -> datetime | None:
    """Return the time of a repeating broadcast's next turn; turns that were missed long ago are left out."""
    at = broadcast.scheduled_at or broadcast.sent_at
    if at is None or broadcast.repeat not in REPEATS:
        return None
    turn, number = at, 0
    while True:
        number += 1
        later = _step(at, broadcast.repeat, number)
        if turn != at and later > now:
            return turn
        turn = later
        if turn > now:
            return turn


def _step(at: datetime, repeat: str, number: int) -> datetime:
    """Return the time so many turns later, at the same time of day at the office."""
    wall = _wall(at)
    if repeat == MONTHLY:
        months = wall.month - 1 + number
        year, month = wall.year + months // 12, months % 12 + 1
        wall = wall.replace(year=year, month=month, day=min(wall.day, monthrange(year, month)[1]))
    else:
        wall += _STEPS[repeat] * number
    return wall.replace(tzinfo=ZoneInfo(HOME_ZONE)).astimezone(UTC)


def _wall(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(HOME_ZONE)).replace(tzinfo=None)
