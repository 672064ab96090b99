"""What tests of e-mails need."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import certificates


@pytest.fixture
def made(tmp_path: Path) -> certificates.Made:
    return certificates.make(tmp_path, datetime.now(UTC) + timedelta(days=90))
