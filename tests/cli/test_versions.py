"""A program on a database that a newer version has changed."""

import sqlite3
from pathlib import Path

import pytest

from .conftest import Outreach


@pytest.mark.parametrize(
    ("revision", "says"),
    [
        ("0001", "reachable, of this version"),
        ("0002_0001", "reachable, of a newer version that this one works with"),
        ("0003_0002", "newer version, which took away what this one needs: install that version"),
    ],
)
def test_a_version_goes_on_while_the_database_only_grew(
    outreach: Outreach, tmp_path: Path, revision: str, says: str
) -> None:
    assert outreach("db", "upgrade").code == 0
    file = sqlite3.connect(tmp_path / "var" / "outreach.db")
    with file:
        file.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    file.close()
    found = {one["check"]: one["says"] for one in outreach("doctor", "--json").json}
    assert says in found["database"]
    fits = "took away" not in says
    assert (outreach("audit", "verify").code == 0) is fits
    backed_up = outreach("db", "backup", "copy.age")
    assert (backed_up.code == 0) is (revision == "0001")
    assert revision == "0001" or "newer version" in backed_up.err
