"""What goes wrong is told to administrators where they are, once it lasts, and when it is over."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.content import Content
from bot.conversations import alarms
from bot.conversations.models import Alarm, StaffChat
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import pacing
from bot.messaging.models import Content as Template
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.staff.models import Role
from tests.broadcasts.conftest import add_contact, add_staff
from tests.conversations.conftest import Line

MINUTE = timedelta(minutes=1)


@pytest.fixture
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def chat(database: Database, content: Content, frozen: object) -> Line:
    """The chat of an administrator whose console speaks French."""
    line = Line(database, Router(content, "@us", "example.org"), "4711")
    line.write("/start")
    with database.begin() as db:
        administrator = add_staff(db, Role.ADMINISTRATOR, "a@example.org")
        administrator.language = "fr"
        db.add(StaffChat(address_id=_address(db), user_id=administrator.id, linked_at=clock.now()))
    return line


def _address(db: Session) -> int:
    return db.execute(select(OutboxMessage.address_id)).scalars().first() or 0


def sound(database: Database, content: Content, data_dir: Path | None = None) -> list[str]:
    """Run the job; return what was told."""
    with database.begin() as db:
        newest = max(db.scalars(select(OutboxMessage.id)), default=0)
        alarms.sound(db, content, data_dir)
        rows = db.scalars(select(OutboxMessage).where(OutboxMessage.id > newest).order_by(OutboxMessage.id))
        told = [row.body["text"] for row in rows]
        db.execute(update(OutboxMessage).values(status=Status.SENT))
        return told


def message(db: Session, status: Status, *, since: timedelta, channel: str = "telegram") -> None:
    at = clock.now() - since
    row = OutboxMessage(contact_id=add_contact(db).id, channel=channel, priority=Priority.REPLY, kind="reply", body="-")
    row.status, row.created_at, row.status_at, row.sent_at = status, at, at, at
    row.due_at = at if status == Status.QUEUED else None
    db.add(row)


def test_an_alarm_is_told_when_it_lasts_daily_and_when_it_is_over(
    database: Database, content: Content, chat: Line
) -> None:
    with database.begin() as db:
        pacing.pause(pacing.lock(db, "telegram:700"), clock.now() + timedelta(days=9), "unauthorized")
    assert sound(database, content) == []
    clock.advance(alarms.PATIENCE)
    told = sound(database, content)
    assert told == [
        "Rien ne part de telegram 700\u00a0: le fournisseur répond unauthorized. "
        "Voir l’état des envois dans la console."
    ]
    clock.advance(timedelta(hours=23))
    assert sound(database, content) == []
    clock.advance(timedelta(hours=1))
    assert sound(database, content) == told
    with database.begin() as db:
        pacing.lock(db, "telegram:700").paused_until = None
    assert sound(database, content) == ["Terminé\u00a0: un expéditeur était arrêté"]
    assert sound(database, content) == []


def test_what_mends_itself_is_not_told(database: Database, content: Content, chat: Line) -> None:
    with database.begin() as db:
        pacing.pause(pacing.lock(db, "telegram:700"), clock.now() + timedelta(minutes=2), "429")
    assert sound(database, content) == []
    clock.advance(alarms.PATIENCE)
    assert sound(database, content) == []
    with database.begin() as db:
        assert db.scalars(select(Alarm)).all() == []


def test_each_trouble_is_noticed_by_its_name(database: Database, content: Content, chat: Line, tmp_path: Path) -> None:
    with database.begin() as db:
        db.execute(update(OutboxMessage).values(status=Status.SENT))
        assert dict(alarms.conditions(db, tmp_path)) == {}
        message(db, Status.QUEUED, since=6 * MINUTE)
        message(db, Status.UNCERTAIN, since=31 * MINUTE)
        for _ in range(alarms.SENT_AT_LEAST):
            message(db, Status.SENT, since=90 * MINUTE, channel="whatsapp")
        for approval in ("approved", "paused"):
            row = Template(
                definition=approval, content_id="HX", name="news", language=approval[:2], created_at=clock.now()
            )
            row.approval = approval
            db.add(row)
        (tmp_path / alarms.LAST_BACKUP).write_text((clock.now() - timedelta(days=3)).isoformat())
        db.flush()
        names = set(dict(alarms.conditions(db, tmp_path)))
        assert names == {"late", "uncertain", "callbacks", "template:news/pa", "backup"}
        message(db, Status.DELIVERED, since=90 * MINUTE, channel="whatsapp")
        db.flush()
        assert "callbacks" not in dict(alarms.conditions(db, tmp_path)), "one receipt shows that they reach us"


def test_nobody_else_is_told(database: Database, content: Content, chat: Line) -> None:
    with database.begin() as db:
        editor = add_staff(db, Role.EDITOR, "e@example.org")
        db.execute(delete(StaffChat))
        db.add(StaffChat(address_id=_address(db), user_id=editor.id, linked_at=clock.now()))
        pacing.pause(pacing.lock(db, "telegram:700"), clock.now() + timedelta(days=9), "unauthorized")
    sound(database, content)
    clock.advance(alarms.PATIENCE)
    assert sound(database, content) == []
