"""Figures over everybody, which are dear to count in a large installation: kept there for a minute, with their time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.web.console.context import ConsoleContext

T = TypeVar("T")

#: People from whom on counting takes long enough to be felt: a million take about a tenth of a second, several times.
MANY = 100_000
GOOD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What was counted, and when."""

    value: T
    at: datetime
    is_old: bool  #: was counted for an earlier page


def kept(db: Session, context: ConsoleContext, name: str, count: Callable[[], T]) -> Kept[T]:
    """Count, or return in a large installation what was counted by this name a moment ago."""
    known: Kept[Any] | None = context.kept.get(name)
    now = clock.now()
    if known and known.at + GOOD > now:
        return Kept(known.value, known.at, is_old=True)
    made = Kept(count(), now, is_old=False)
    if (db.scalar(select(func.max(Contact.id))) or 0) > MANY:
        context.kept[name] = made
    return made
