"""Whose turn it is, found through the indexes however much waits."""

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bot import clock
from bot.contacts.models import Contact, State
from bot.db import Database
from bot.messaging import queueing
from bot.messaging.models import OutboxMessage, Priority, Status

FEW, MANY = 200, 3000


def add(database: Database, status: Status, now: datetime) -> None:
    row: dict[str, Any] = {
        "channel": "telegram", "sender": "700", "kind": "broadcast", "ref": 1, "priority": Priority.BROADCAST,
        "status": status, "due_at": now, "created_at": now, "status_at": now,
    }  # fmt: skip
    with database.engine.begin() as connection:
        rows = [row | {"contact_id": id} for id in range(1, MANY + 1)]
        connection.execute(sa.insert(OutboxMessage), rows)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_first_of_a_broadcast_just_written_are_found_without_going_through_all_of_it(
    database: Database, frozen: datetime
) -> None:
    with database.engine.begin() as connection:
        people = {"state": State.MEMBER, "channel": "telegram", "created_at": frozen}
        connection.execute(sa.insert(Contact), [people | {"id": id} for id in range(1, MANY + 1)])
    add(database, Status.SENT, frozen)
    add(database, Status.QUEUED, frozen)
    plans: list[str] = []
    with database.begin() as db:

        @sa.event.listens_for(database.engine, "before_cursor_execute")
        def explain(_connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if "LIMIT" in statement and "EXISTS" in statement:
                cursor.execute(f"EXPLAIN {statement}", values)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))

        assert len(queueing.due(db, "telegram", "700", FEW, clock.now())) == FEW
    assert [plan.count("ix_outbox_waiting") for plan in plans] == [1], plans
