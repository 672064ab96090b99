"""A whole installation with emulated providers, shared by the journeys that do not move the clock."""

import base64
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot import clock
from bot.demo.stage import Stage, stage
from bot.emulators.limits import Limits
from tests.journeys.chat import Person

#: The key that tests/conftest.py loads before every test.
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
FAST = Limits(telegram_rate=1e6, telegram_burst=1000, chat_rate=1e6, chat_burst=1000, sender_rate=1e6)
SETTINGS: dict[str, Any] = {"encryption_key": KEY, "telegram_rate": 1000, "whatsapp_rate": 1000}

HURRY = 20
_latest = [clock.now()]  #: when the town was left last

#: Makes people: (channel, language) -> somebody with a phone.
People = Callable[..., Person]
_numbers = itertools.count(50_000_000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """An installation on SQLite, the same for all."""
    async with stage(tmp_path_factory.mktemp("town"), limits=FAST, telegram_mode="webhook", **SETTINGS) as opened:
        yield opened


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


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let time run fast, for an installation of one's own."""
    clock.hurry(HURRY)
    yield
    clock.reset()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the providers' clients warn of what their next major versions want: an error would end a channel's loop."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:.*(auth|BasicAuth|getUpdates)"))
