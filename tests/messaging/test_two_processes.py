"""`outreach work`, several on one PostgreSQL: one pace for all, each person's messages in order, whatever happens.

One ends, one is killed, and a newer version adds to the tables meanwhile, on which these go on and begin.
"""

import asyncio
import shutil
from collections import Counter
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import crash
from benchmarks.crash import Play
from benchmarks.life import AT_ONCE, KEY
from bot import crypto, migrations
from bot.contacts.models import Contact, Purpose
from bot.db import Database
from bot.messaging import delivery, outbox
from bot.messaging.models import OutboxMessage, Priority, Sender, Status
from bot.messaging.outbox import Message

PEOPLE, RATE, FOLLOWED = 140, 20, 4
TAKEN_OVER = 15  #: seconds
EXPANSION = '''"""What a newer version brings.

kind: expand
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0002_0001"
down_revision: str | None = "0001"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("mood", sa.Text(), nullable=True))
    op.create_table("mood", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("name", sa.Text()))
    with op.get_context().autocommit_block():  # those who send go on meanwhile
        op.create_index("ix_outbox_mood", "outbox", ["mood"], postgresql_concurrently=True)
'''


def _follow_up(db: Session) -> None:
    """Queue two more messages to some people, each once the one before it has gone."""
    for contact in db.scalars(sa.select(Contact).order_by(Contact.id).limit(FOLLOWED)):
        for number in (1, 2):
            outbox.queue(
                db, contact, Message(f"Part {number}"), kind="broadcast", priority=Priority.BROADCAST,
                purpose=Purpose.NEWS, once=f"{number}:{contact.id}",
            )  # fmt: skip


def _at_providers(play: Play) -> dict[str, list[tuple[datetime, str, str]]]:
    """Return when which text for whom was given to each provider."""
    phones = play.world.phones.values()
    telegram = [(one.at, phone.key, one.text) for phone in phones for one in phone.received if "telegram" in phone.key]
    out = [one for one in play.world.twilio.account.messages.values() if one.direction == "outbound-api"]
    return {"telegram": sorted(telegram), "whatsapp": sorted((one.created_at, one.to, one.body) for one in out)}


def _most_in(window: timedelta, times: list[datetime]) -> int:
    return max(sum(start <= one < start + window for one in times) for start in times)


def _add_to_the_tables(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Upgrade as a newer version does that only adds."""
    config = migrations.config()
    newer = shutil.copytree(config.get_main_option("script_location") or "", folder / "alembic")
    (newer / "versions" / "0002_more.py").write_text(EXPANSION)
    config.set_main_option("script_location", str(newer))
    monkeypatch.setattr(migrations, "config", lambda: config)
    migrations.upgrade(database.engine)
    monkeypatch.undo()
    with database.read() as db:
        even = db.scalars(sa.text("SELECT id FROM outbox WHERE id % 2 = 0")).all()
    for id in even:  # what the newer version writes, those of before leave as it is; a row at a time stops nobody
        with database.begin() as db:
            db.execute(sa.text("UPDATE outbox SET mood = 'new' WHERE id = :id"), {"id": id})


def _end_up(db: Session) -> tuple[int, int, int]:
    """Return how many messages there are, are of unknown outcome, and have what the newer version wrote."""
    count = sa.select(sa.func.count()).select_from(OutboxMessage)
    moody = db.scalar(sa.text("SELECT count(*) FROM outbox WHERE mood = 'new'"))
    return db.scalar(count) or 0, db.scalar(count.where(OutboxMessage.status == Status.UNCERTAIN)) or 0, moody or 0


async def _until_taken_over(database: Database, by: BaseProcess) -> None:
    """Wait until one process has every sender that another had."""
    leased = sa.select(sa.func.count()).select_from(Sender).where(~Sender.leased_by.contains(f"-{by.pid}-"))
    async with asyncio.timeout(TAKEN_OVER):
        while await database.query(lambda db: db.scalar(leased)):  # noqa: ASYNC110 - the database calls nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_processes_keep_one_pace_and_each_persons_order_when_one_ends_one_dies_and_the_tables_grow(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crypto.use(crypto.Keyring([KEY]))
    async with crash.stage(database, tmp_path, PEOPLE, rate=RATE, patience=15) as play:
        await database.run(_follow_up)
        first = await play.start()
        await play.until_sent(PEOPLE // 6)
        await asyncio.to_thread(_add_to_the_tables, database, tmp_path, monkeypatch)
        second = await play.start()
        await play.until_sent(PEOPLE // 2)  # both live, and share the senders
        first.terminate()
        await asyncio.to_thread(first.join)
        third = await play.start()
        await play.until_sent(PEOPLE * 2 // 3)
        second.kill()
        await asyncio.to_thread(second.join)
        await _until_taken_over(database, third)
        async with asyncio.timeout(30):
            await play.until_idle()
        third.terminate()
        await asyncio.to_thread(third.join)
        given = _at_providers(play)
        queued, uncertain, moody = await database.query(_end_up)
    assert queued == PEOPLE + 2 * FOLLOWED
    assert moody == queued // 2
    arrived = sum(map(len, given.values()))
    assert queued - uncertain <= arrived <= queued  # what is in doubt may have arrived
    assert uncertain <= 2 * delivery.in_doubt(AT_ONCE)
    for messages in given.values():
        # Two paces would be twice as much; a busy machine may hand over those of a second late.
        assert _most_in(timedelta(seconds=2), [at for at, _, _ in messages]) <= 1.5 * 2 * RATE
        assert max(Counter((person, text) for _, person, text in messages).values()) == 1
        texts: dict[str, list[str]] = {}
        for _, person, text in messages:
            texts.setdefault(person, []).append(text)
        followed = [found for found in texts.values() if len(found) > 1]
        assert len(followed) == FOLLOWED // 2
        assert all(found[1:] == ["Part 1", "Part 2"] for found in followed)
