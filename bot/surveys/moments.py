"""Read dates, times of day and places as people type them, into the form in which an XForm stores them."""

import re
from collections.abc import Callable
from datetime import date, datetime, tzinfo

from bot.content.normalise import plain_marks

ReadDate = Callable[[str], date | None]

_TIME = re.compile(
    r"(?P<hour>\d{1,2})\s*(?:[:h.]\s*(?P<minute>\d{2})?)?\s*(?:(?P<half>[ap])\.?\s?m\.?)?", re.IGNORECASE
)
_MOMENT = re.compile(r"(?P<date>.+?)[\s,T]+(?P<time>\d{1,2}\s*[:h.]\s*(?:\d{2})?\s*(?:[ap]\.?\s?m\.?)?)", re.IGNORECASE)
_DEGREES = r"([+-]?\d{1,3}(?:[.,]\d+)?)\s*°?"
_PLACE = re.compile(rf"\s*{_DEGREES}\s*[,;\s]\s*{_DEGREES}\s*")


def read_day(text: str, appearance: frozenset[str], parse: ReadDate) -> str | None:
    """Read a date; where the form asks for a year or a month only, its first day stands for it."""
    shorter: tuple[str, ...] = ()
    if "year" in appearance:
        shorter = (f"1/1/{text}",)
    elif "month-year" in appearance:
        shorter = (f"1 {text}", f"1/{text}")
    found = [day for written in (*shorter, text) if (day := parse(written))]
    return found[0].isoformat() if found else None


def read_time(text: str) -> str | None:
    """Read "18:30", "18h30", "6.30 pm"; a bare number could be anything."""
    found = _TIME.fullmatch(text.strip())
    if not found or text.strip().isdecimal():
        return None
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    return f"{hour:02}:{minute:02}:00.000" if hour < 24 and minute < 60 else None


def read_moment(text: str, parse: ReadDate, zone: tzinfo | None) -> str | None:
    """Read a date followed by a time, both in the person's zone."""
    found = _MOMENT.fullmatch(text)
    day = parse(found["date"]) if found else None
    time = read_time(found["time"]) if found else None
    if not day or not time:
        return None
    local = datetime.fromisoformat(f"{day.isoformat()}T{time}").replace(tzinfo=zone)
    return local.isoformat(timespec="milliseconds")


def read_place(text: str) -> str | None:
    """Read "-29.31, 27.48"."""
    found = _PLACE.fullmatch(plain_marks(text))
    return place(*(float(part.replace(",", ".")) for part in found.groups())) if found else None


def place(latitude: float, longitude: float) -> str | None:
    """Write a place as "lat lon altitude accuracy", unless it lies outside the globe."""
    return f"{latitude} {longitude} 0 0" if abs(latitude) <= 90 and abs(longitude) <= 180 else None
