"""Two bots and two numbers: everybody is written to by the one they wrote to, and one in trouble stops no other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.demo.stage import Stage, stage
from bot.emulators.world import Accounts
from bot.messaging.models import OutboxMessage, Sender
from tests.web.test_console_attachments import PDF

from .chat import PATIENCE, Person
from .conftest import FAST, HURRY, SETTINGS, unmade
from .test_attachments import send

pytestmark = pytest.mark.asyncio(loop_scope="session")

MALAWI = "whatsapp:+265888000000"
ACCOUNTS = Accounts(more_bots=(("700000002:" + "B" * 35, "outreach_malawi_bot"),), more_numbers=(MALAWI,))


@pytest_asyncio.fixture(loop_scope="session")
async def region(tmp_path: Path, database_url: str) -> AsyncIterator[Stage]:
    """An installation with a bot and a number for Lesotho, and one of each for Malawi."""
    clock.hurry(HURRY)
    url = "" if database_url.startswith("sqlite") else unmade(database_url)
    given = {**SETTINGS, "database_url": url, "accounts": ACCOUNTS}
    try:
        async with stage(tmp_path / "data", limits=FAST, telegram_mode="webhook", **given) as opened:
            yield opened
    finally:
        clock.reset()


async def test_everybody_is_written_to_by_the_sender_they_wrote_to_and_one_in_trouble_stops_no_other(
    region: Stage,
) -> None:
    clock.move_to(clock.now().replace(hour=8, minute=0) + timedelta(days=1))
    world = region.world
    people = {
        "telegram:700000001": Person(region, world.telegram_phone()),
        "telegram:700000002": Person(region, world.telegram_phone(bot=1)),
        "whatsapp:+14155550100": Person(region, world.whatsapp_phone("+26650000001")),
        "whatsapp:+265888000000": Person(region, world.whatsapp_phone("+265990000001", sender=MALAWI)),
    }
    for person in people.values():
        await person.join()
    assert await region.app.database.query(_senders) == set(people)
    revoked = world.bots[1]
    revoked.token = "700000002:" + "C" * 35
    await region.app.database.run(send, region, PDF, "bond.pdf", "The bond opens on Monday.")
    region.app.nudge()
    for sender, person in people.items():
        if sender != "telegram:700000002":
            await person.hear("The bond opens on Monday")
    async with asyncio.timeout(PATIENCE):
        while not await region.app.database.query(_paused):  # noqa: ASYNC110 - a database calls nobody
            await asyncio.sleep(0.02)
    assert await region.app.database.query(_paused) == {"telegram:700000002": "401"}
    assert not people["telegram:700000002"].phone._inbox


def _senders(db: Session) -> set[str]:
    rows = db.execute(select(OutboxMessage.channel, OutboxMessage.sender).where(OutboxMessage.sent_at.is_not(None)))
    return {":".join(row) for row in rows}


def _paused(db: Session) -> dict[str, str | None]:
    rows = db.scalars(select(Sender).where(Sender.paused_until > clock.now()))
    return {row.key: row.pause_reason for row in rows}
