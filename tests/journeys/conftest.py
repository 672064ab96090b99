"""A whole installation with emulated providers, shared by the journeys that do not move the clock."""

import base64
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from bot import clock
from bot.demo.stage import Stage, stage
from bot.emulators.limits import Limits
from bot.events import service as events
from bot.surveys import service as surveys
from tests.journeys.chat import Person

#: The key that tests/conftest.py loads before every test.
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
FAST = Limits(telegram_rate=1e6, telegram_burst=1000, chat_rate=1e6, chat_burst=1000, sender_rate=1e6)
SETTINGS: dict[str, Any] = {"encryption_key": KEY}

HURRY = 20
SURVEY = """
| survey |
| | type | name | label::English (en) | label::French (fr) |
| | select_one yn | sends | Do you send money home? | Envoyez-vous de l’argent ? |
| | text | wish | What do you wish for? | Que souhaitez-vous ? |
| choices |
| | list_name | name | label::English (en) | label::French (fr) |
| | yn | yes | Yes | Oui |
| | yn | no | No | Non |
| settings |
| | form_title | form_id | version | default_language |
| | Small survey | small | 1 | English (en) |
"""
_latest = [clock.now()]  #: when the town was left last

#: Makes people: (channel, language) -> somebody with a phone.
People = Callable[..., Person]
_numbers = itertools.count(50_000_000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """An installation on SQLite, the same for all."""
    async with stage(tmp_path_factory.mktemp("town"), limits=FAST, telegram_mode="webhook", **SETTINGS) as opened:
        await opened.app.database.run(furnish)
        yield opened


def furnish(db: Session) -> None:
    """Publish a survey and plan a session."""
    surveys.publish(db, SURVEY.encode(), "small.md")
    starts = (clock.now() + timedelta(days=30)).replace(hour=18, minute=0, second=0, microsecond=0, tzinfo=None)
    title = {"en": "Saving well", "fr": "Bien épargner"}
    event = events.create(
        db,
        title=title,
        starts_local=starts,
        zone="Africa/Maseru",
        minutes=60,
        link="https://meet.example.org/1",
        created_by="1",
    )
    events.publish(db, event)


@pytest_asyncio.fixture
async def village(tmp_path: Path, database_url: str) -> AsyncIterator[Stage]:
    """An installation of one's own, on each engine, where time runs fast and may leap.

    It has an event loop of its own, too: meanwhile the town stands still, and does not see these times.
    """
    clock.hurry(HURRY)
    try:
        settings = {**SETTINGS, "database_url": "" if database_url.startswith("sqlite") else unmade(database_url)}
        async with stage(tmp_path / "data", limits=FAST, telegram_mode="webhook", **settings) as opened:
            await opened.app.database.run(furnish)
            yield opened
    finally:
        clock.reset()


def unmade(database_url: str) -> str:
    """Return the database without our tables: the stage makes them as an installation does, by migrations."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return database_url


def somebody(opened: Stage, channel: str = "telegram", language: str = "en") -> Person:
    """Give a new person a phone."""
    number = next(_numbers)
    if channel == "telegram":
        return Person(opened, opened.world.telegram_phone(f"Palesa {number}", language), language)
    return Person(opened, opened.world.whatsapp_phone(f"+266{number}", f"Palesa {number}"), language)


@pytest.fixture
def person(town: Stage) -> Iterator[People]:
    """Return what makes people in the town, where time runs fast and never back."""
    clock.move_to(max(clock.now(), _latest[0]))
    clock.hurry(HURRY)
    yield partial(somebody, town)
    _latest[0] = clock.now()
    clock.reset()
