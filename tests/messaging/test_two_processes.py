"""Two `outreach work` on one PostgreSQL: one pace for both, and each person's messages in order."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import crash
from benchmarks.crash import Play
from benchmarks.life import KEY
from bot import crypto
from bot.contacts.models import Contact, Purpose
from bot.db import Database
from bot.messaging import outbox
from bot.messaging.models import OutboxMessage, Priority
from bot.messaging.outbox import Message

PEOPLE, RATE, FOLLOWED = 120, 20, 4


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


def _most_in_a_second(times: list[datetime]) -> int:
    return max(sum(start <= one < start + timedelta(seconds=1) for one in times) for start in times)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_processes_keep_one_pace_and_each_persons_order_also_when_one_takes_over(
    database: Database, tmp_path: Path
) -> None:
    crypto.use(crypto.Keyring([KEY]))
    async with crash.stage(database, tmp_path, PEOPLE, rate=RATE) as play:
        await database.run(_follow_up)
        first = await play.start()
        await play.until_sent(PEOPLE // 6)
        second = await play.start()
        await play.until_sent(PEOPLE // 2)  # both live, and one of them sends
        first.terminate()
        await asyncio.to_thread(first.join)
        await play.until_idle()
        second.terminate()
        await asyncio.to_thread(second.join)
        given = _at_providers(play)
        queued = await database.query(lambda db: db.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)))
    assert queued == PEOPLE + 2 * FOLLOWED
    assert sum(map(len, given.values())) == queued  # each once
    for messages in given.values():
        # Two paces would be twice as much; a busy machine may hand over a few late.
        assert _most_in_a_second([at for at, _, _ in messages]) <= 1.5 * RATE
        texts: dict[str, list[str]] = {}
        for _, person, text in messages:
            texts.setdefault(person, []).append(text)
        followed = [found for found in texts.values() if len(found) > 1]
        assert len(followed) == FOLLOWED // 2
        assert all(found[1:] == ["Part 1", "Part 2"] for found in followed)
