"""What people do is told to other programs by numbers alone: nothing that they said, and not who they are."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot import clock
from bot.broadcasts import progress
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.db import Database
from bot.staff.models import Role
from bot.surveys import service as surveys
from bot.webhooks import service
from bot.webhooks.models import Kind, WebhookCall
from tests.broadcasts.conftest import add_staff
from tests.conversations.conftest import Line
from tests.events.conftest import session
from tests.journeys.conftest import SURVEY


@pytest.fixture
def told(database: Database, frozen: datetime) -> None:
    """Somebody wants to know everything."""
    with database.begin() as db:
        service.register(db, add_staff(db, Role.ADMINISTRATOR, "a@example.org"), "https://example.org/", list(Kind))


def calls(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as db:
        rows = db.scalars(select(WebhookCall).order_by(WebhookCall.id)).all()
        assert "Joburg" not in json.dumps([row.data for row in rows])
        return [(row.kind, row.data) for row in rows]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # rows do not depend on it
def test_joining_answering_and_coming_are_told(told: None, database: Database, line: Line) -> None:
    line.join()
    contact = line.contact().id
    assert calls(database) == [("member.joined", {"contact": contact})]
    line.play("STOP", "START", "yes")  # comes back: no new member

    with database.begin() as db:
        surveys.publish(db, SURVEY.encode(), "small.md")
        event = session(db, starts_local=(clock.now() + timedelta(days=3)).replace(tzinfo=None))
    line.press(f"rsvp:{event.id}:yes")
    line.press(f"rsvp:{event.id}:yes")  # says it twice
    facts = {"session": event.id, "contact": contact, "answer": "yes", "standing": "confirmed"}
    assert calls(database)[1:] == [("session.answered", facts)]

    line.play("SURVEY", "1", "Joburg", "YES")
    assert calls(database)[2] == ("survey.ended", {"survey": 1, "run": 1, "disposition": "completed"})
    with database.begin() as db:
        author = add_staff(db, Role.EDITOR, "e@example.org")
        written = {"purpose": "news", "texts": {}, "buttons": [], "variables": {}, "risks": {}, "attachments": {}}
        times = {"created_at": clock.now(), "edited_at": clock.now(), "sent_at": clock.now()}
        people = {"audience": {}, "audience_count": 0, "author_id": author.id, "writers": [], "content_hash": ""}
        db.add(Broadcast(title="Joburg", status=BroadcastStatus.SENDING, **written, **times, **people))
        db.flush()
        progress.close_finished(db)
    assert calls(database)[3:] == [("broadcast.finished", {"broadcast": 1, "statuses": {}})]
