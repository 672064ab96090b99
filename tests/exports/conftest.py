from pathlib import Path

import pytest

from bot.surveys.form import Form
from bot.surveys.xform import load
from tests.exports.towns import SHEET


@pytest.fixture(scope="session")
def form() -> Form:
    return load(SHEET.encode(), "towns.md")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "exports"
