"""Whom we write to outside the window: Meta lets a business begin with so many people in any 24 hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.messaging.models import Opening

DAY = timedelta(hours=24)
#: With no room left, it is looked at again no sooner than this.
PATIENCE = timedelta(minutes=15)


def take(
    db: Session, sender: str, daily_people: int, address_ids: Sequence[int], now: datetime
) -> tuple[set[int], datetime]:
    """Return the addresses for which there is room, noted as written to, and when to ask again for the others."""
    recent = (Opening.sender == sender, Opening.at > now - DAY)
    used, oldest = db.execute(select(func.count(), func.min(Opening.at)).where(*recent)).one()
    counted = set(db.scalars(select(Opening.address_id).where(Opening.address_id.in_(address_ids), *recent)))
    room = max(0, daily_people - used)
    new = [id for id in address_ids if id not in counted]
    allowed = counted | set(new[:room])
    if allowed:
        _note(db, sender, sorted(allowed), now)
    return allowed, max((oldest or now) + DAY, now + PATIENCE)


def _note(db: Session, sender: str, address_ids: Sequence[int], now: datetime) -> None:
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Opening).on_conflict_do_update(
        index_elements=[Opening.address_id], set_={"at": now, "sender": sender}
    )
    db.execute(statement, [{"address_id": id, "sender": sender, "at": now} for id in address_ids])
