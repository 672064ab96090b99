"""Senders and settings: the pace, limits and health of each, and what the installation decides."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.messaging.models import IS_IN_DOUBT, IS_WAITING, Opening, OutboxMessage, Sender, Status
from bot.messaging.openings import DAY
from bot.settings import PREFIX, Settings
from bot.staff.roles import Permission
from bot.web.console.context import ConsoleContext
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit

pages = Pages()

#: Parts of the names of settings that say how people are written to; the others say where and with what.
LIMITS = ("quiet_", "_cap", "_rate", "_daily_people", "_in_flight", "_factor_roles", "official_")
#: As rows of senders call them. A plain column would lead SQLite to the index of all messages by channel, past the
#: short one of those that wait.
_KEY = OutboxMessage.channel.concat(":").concat(OutboxMessage.sender)


@dataclass(frozen=True, slots=True)
class Health:
    """How a sender stands."""

    channel: str
    name: str  #: bot id or number
    rate: float  #: messages a second
    paid_rate: float  #: 0: none
    daily_people: int  #: whom we may write to outside their window in a day; 0: no limit
    opened: int  #: how many of them we have
    waiting: int
    due: int  #: of these, by now
    late: timedelta | None  #: for how long the first of these has been due
    uncertain: int
    sender: Sender | None


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is."""

    name: str  #: of the environment
    value: str | None  #: None: a secret, or empty
    is_set: bool
    is_secret: bool
    meaning: str


@pages.get("/senders", needs=Permission.SETTINGS_MANAGE)
async def listing(visit: Visit) -> Response:
    health = await visit.database.query(read_health, visit.context)
    fields = Settings.model_fields
    limits = [name for name in fields if any(part in name for part in LIMITS)]
    rows = {name: _setting(visit.context.settings, name) for name in (*limits, *fields)}
    return visit.page("senders.html", health=health, rows=rows, limits=limits, now=clock.now())


def read_health(db: Session, context: ConsoleContext) -> list[Health]:
    """Return how each sender that is switched on stands."""
    now = clock.now()
    waiting = _waiting(db, now)
    doubtful = select(_KEY, func.count()).where(IS_IN_DOUBT, OutboxMessage.status == Status.UNCERTAIN)
    uncertain: dict[str, int] = dict(db.execute(doubtful.group_by(_KEY)).all())
    rows = {row.key: row for row in db.scalars(select(Sender))}
    found = []
    for sender in context.settings.senders:
        key = f"{sender.channel}:{sender.name}"
        count, due, first = waiting.get(key, (0, 0, None))
        found.append(
            Health(
                channel=sender.channel,
                name=sender.name,
                rate=sender.rate,
                paid_rate=sender.paid_rate,
                daily_people=sender.daily_people,
                opened=_opened(db, key, now) if sender.daily_people else 0,
                waiting=count,
                due=due,
                late=now - first if due and first else None,
                uncertain=uncertain.get(key, 0),
                sender=rows.get(key),
            )
        )
    return found


def _waiting(db: Session, now: datetime) -> dict[str, tuple[int, int, datetime | None]]:
    """Return by sender how many wait for a time, how many of these are due, and since when the first is."""
    row = OutboxMessage
    by_sender = select(_KEY, func.count(), func.min(row.due_at)).where(IS_WAITING).group_by(_KEY)
    found: dict[str, tuple[int, int, datetime | None]] = {
        name: (count, 0, first) for name, count, first in db.execute(by_sender)
    }
    due = select(_KEY, func.count()).where(IS_WAITING, row.due_at <= now).group_by(_KEY)
    for name, count in db.execute(due):
        total, _, first = found[name]
        found[name] = (total, count, first)
    return found


def _opened(db: Session, key: str, now: datetime) -> int:
    recent = Opening.sender == key, Opening.at > now - DAY
    return db.scalar(select(func.count()).select_from(Opening).where(*recent)) or 0


def _setting(settings: Settings, name: str) -> Setting:
    value: Any = getattr(settings, name)
    field = Settings.model_fields[name]
    is_secret = isinstance(value, SecretStr)
    plain = value.get_secret_value() if is_secret else value
    # An address may carry the password of the database.
    hidden = is_secret or name == "database_url" or plain in ("", None, ())
    is_set = name in settings.model_fields_set and plain not in ("", None, ())
    return Setting(
        f"{PREFIX}{name.upper()}", None if hidden else _plain(plain), is_set, is_secret, str(field.description)
    )


def _plain(value: Any) -> str:
    """Return a value as it is written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
