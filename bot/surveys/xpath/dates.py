"""Dates, times and moments: read, counted in days, written."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

EPOCH = date(1970, 1, 1).toordinal()
DAY = 86400.0

_PATTERN = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?\Z"
)
_TIME = re.compile(r"(\d{2}):(\d{2})(?::([0-5]\d)(?:\.(\d+))?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?\Z")


class Moment(float):
    """A date or dateTime as a number (local days since 1970), with the text it is written as."""

    __slots__ = ("local", "text")

    local: datetime
    text: str


def _no_date() -> Moment:
    made = Moment("nan")
    made.text = "Invalid Date"
    return made


#: What is no date, as ODK's engines write it; not a number where one is needed.
NO_DATE = _no_date()


def moment(local: datetime, *, dated: bool) -> Moment:
    """Make a Moment of an aware local datetime; `dated` says that it is a whole day."""
    seconds = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    made = Moment(local.toordinal() - EPOCH + seconds / DAY)
    made.local = local
    made.text = local.date().isoformat() if dated else stamp(local)
    return made


def stamp(local: datetime) -> str:
    """Write a dateTime as XForms stores it: milliseconds and offset."""
    return local.isoformat(timespec="milliseconds")


def parse(text: str, tz: tzinfo) -> Moment | None:
    """Read an ISO date or dateTime; without an offset it is local."""
    found = _PATTERN.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        if hour is None:
            return moment(datetime(int(year), int(month), int(day), tzinfo=tz), dated=True)
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        read = datetime(int(year), int(month), int(day), int(hour), int(minute or 0), int(second or 0), micro, tz)
        if offset:
            read = read.replace(tzinfo=zone(offset)).astimezone(tz)
    except (ValueError, OverflowError):
        return None
    return moment(read, dated=read.time() == time())


def zone(offset: str) -> tzinfo:
    """Return the zone of an offset as ISO writes it."""
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if offset[0] == "-" else delta)


def from_days(days: float, tz: tzinfo) -> Moment | None:
    """Return the local moment that is `days` after the start of 1970."""
    try:
        local = datetime(1970, 1, 1) + timedelta(days=days)  # noqa: DTZ001 - the wall clock, its zone is set below
        local = (local + timedelta(microseconds=500)).replace(microsecond=0) if _is_near_second(local) else local
        return moment(local.replace(tzinfo=tz), dated=local.time() == time())
    except (ValueError, OverflowError):
        return None


def _is_near_second(local: datetime) -> bool:
    return not 500 < local.microsecond < 999_500


def decimal_time(text: str, tz: tzinfo) -> float | None:
    """Return a time as a fraction of the day."""
    found = _TIME.match(text)
    if not found:
        return None
    hour, minute, second, fraction, offset = found.groups()
    try:
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        read = datetime(1970, 1, 2, int(hour), int(minute), int(second or 0), micro, tz)
    except ValueError:
        return None
    if offset:
        read = read.replace(tzinfo=zone(offset)).astimezone(tz)
    return (read.hour * 3600 + read.minute * 60 + read.second + read.microsecond / 1e6) / DAY


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIELD = re.compile("%(.)")


def write(local: datetime, layout: str) -> str:
    """Write a moment in the layout of format-date() and format-date-time()."""
    fields = {
        "Y": f"{local.year:04}",
        "y": f"{local.year % 100:02}",
        "m": f"{local.month:02}",
        "n": str(local.month),
        "b": _MONTHS[local.month - 1],
        "d": f"{local.day:02}",
        "e": str(local.day),
        "H": f"{local.hour:02}",
        "h": str(local.hour),
        "M": f"{local.minute:02}",
        "S": f"{local.second:02}",
        "3": f"{local.microsecond // 1000:03}",
        "a": _DAYS[local.weekday()],
        "%": "%",
    }
    return _FIELD.sub(lambda found: fields.get(found[1], found[0]), layout)
