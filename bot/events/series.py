"""Sessions that belong together: which they are, and which part of the whole one of them is."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.events.models import Event, EventSeries, EventStatus

_SEEN = (EventStatus.OPEN, EventStatus.DONE)


@dataclass(frozen=True, slots=True)
class Part:
    """Where a session stands in its series, as members may know it."""

    title: Mapping[str, str]  #: of the series, by language
    number: int  #: 1 for the first
    count: int


def named(db: Session, title: Mapping[str, str]) -> EventSeries:
    """Return the series of this title, a new one where there is none."""
    for known in db.scalars(select(EventSeries)):
        if known.title == dict(title):
            return known
    made = EventSeries(title=dict(title))
    db.add(made)
    db.flush()
    return made


def sessions(db: Session, series_id: int) -> list[Event]:
    """Return the sessions of a series in the order in which they are held; a repetition counts as its first run."""
    rows = select(Event).where(Event.series_id == series_id, Event.run_of.is_(None))
    standing = db.scalars(rows.where(Event.status != EventStatus.CANCELLED))
    return sorted(standing, key=lambda event: (event.starts_at, event.id))


def part(db: Session, event: Event) -> Part | None:
    """Return which part of its series a session is; None for one that is in none, or that members do not see."""
    first = db.get(Event, event.topic_id)
    series = db.get(EventSeries, first.series_id) if first and first.series_id else None
    if first is None or series is None:
        return None
    seen = [one.id for one in sessions(db, series.id) if one.status in _SEEN]
    return Part(series.title, seen.index(first.id) + 1, len(seen)) if first.id in seen else None
