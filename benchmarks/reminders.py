"""Queue the reminders of 10,000 members that fall due in the same minute, and take the seconds to the commit."""

import argparse
import json
import statistics
import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import office
from bot import clock, crypto
from bot.contacts.models import Contact
from bot.content import Content
from bot.db import Database
from bot.events import service, upkeep
from bot.events.models import Answer, Event, Rsvp, Standing
from bot.messaging.models import OutboxMessage
from bot.settings import Settings

TARGET = 2.0  #: seconds
#: Several languages and zones, as members are: each pair reads a text of its own.
LANGUAGES = ("en", "fr", "st", "ny", "mfe")
ZONES = ("Africa/Maseru", "Africa/Blantyre", "Indian/Mauritius", "Europe/London", "America/Toronto", "Australia/Perth")


def plan(db: Session, members: int) -> None:
    """Add a session whose reminder of the last day falls due in an hour, with everybody's answer."""
    now = clock.now()
    wall = (now + timedelta(hours=25)).replace(tzinfo=None, second=0, microsecond=0)
    event = service.create(
        db, title={"en": "Saving well"}, starts_local=wall, zone="Etc/UTC", minutes=90, created_by="1", link="https://x"
    )
    service.publish(db, event)
    rows = [
        {"event_id": event.id, "contact_id": id, "answer": Answer.YES, "standing": Standing.CONFIRMED, "turn": id,
         "at": now, "since": now}
        for id in range(1, members + 1)
    ]  # fmt: skip
    db.execute(sa.insert(Rsvp), rows)
    for number, language in enumerate(LANGUAGES):
        mine = Contact.id % len(LANGUAGES) == number
        db.execute(sa.update(Contact).where(mine).values(language=language))
    for number, zone in enumerate(ZONES):
        db.execute(sa.update(Contact).where(Contact.id % len(ZONES) == number).values(zone=zone))


def queue(database: Database, content: Content) -> float:
    """Queue what is due, and return the seconds to the commit."""
    with database.read() as db:
        due_at: datetime = db.scalars(sa.select(Event)).one().starts_at - timedelta(days=1)
    began = time.perf_counter()
    with database.begin() as db:
        queued = upkeep.queue_due_reminders(db, content, due_at + timedelta(seconds=30))
    taken = time.perf_counter() - began
    with database.begin() as db:
        rows = db.scalar(sa.select(sa.func.count()).where(OutboxMessage.kind == "reminder"))
        if not queued or rows != queued:
            raise SystemExit(f"queued {queued} reminders, and {rows} are there")
        db.execute(sa.delete(OutboxMessage))
    return taken


def run(engine: str, members: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one engine."""
    content = Content.load(Settings(_env_file=None).messages)
    with office.database(engine) as database:
        office.add_members(database, "telegram", "700", members)
        with database.begin() as db:
            plan(db, members)
        taken = [queue(database, content) for _ in range(rounds)]
    return {"seconds": round(statistics.median(taken), 2), "worst": round(max(taken), 2)}


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    crypto.use(crypto.Keyring([b"b" * 32]))
    found = {engine: run(engine, chosen.members, chosen.rounds) for engine in chosen.engines}
    fast = found.get("sqlite", {}).get("worst", 0) < TARGET
    print(json.dumps({"bench": "reminders", "members": chosen.members, "target_met": fast, **found}))


if __name__ == "__main__":
    main()
