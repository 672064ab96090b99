from pathlib import Path

import pytest

from bot.content.catalogue import Catalogue
from bot.content.keywords import Keywords

MESSAGES = Path(__file__).parents[2] / "messages"


@pytest.fixture(scope="session")
def messages() -> Path:
    return MESSAGES


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.load(MESSAGES)


@pytest.fixture(scope="session")
def keywords() -> Keywords:
    return Keywords.load(MESSAGES)
