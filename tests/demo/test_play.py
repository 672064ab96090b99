"""The demo is the whole main job through the outside doors; here with fewer people."""

import contextlib
import csv
import io
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from lxml import html

from bot import clock, crypto
from bot.demo import play

PEOPLE = 60
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """Return a port that nobody has, also when two plays run at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The last line of a play, as a program reads it."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        assert play(once=True, port=free_port(), folder=folder, people=PEOPLE) == 0
    clock.reset()
    yield json.loads(shown.getvalue().splitlines()[-1])
    crypto.use(crypto.Keyring([b"k" * 32]))


def test_everybody_who_wrote_is_a_member_or_said_no_or_stopped(played: dict[str, Any]) -> None:
    assert played["members"] + played["declined"] + played["stopped"] == PEOPLE
    assert min(played["members"], played["declined"], played["stopped"]) > 0


def test_each_recipient_is_counted_in_its_last_status_only(played: dict[str, Any]) -> None:
    broadcast = dict(played["broadcast"])
    audience = broadcast.pop("audience")
    assert sum(broadcast.values()) == audience == played["members"]
    assert {"sent", "delivered", "read", "failed", "uncertain", "suppressed"} >= set(broadcast)
    assert broadcast["uncertain"] >= 1, "a time-out after acceptance on Telegram stays in doubt"
    assert broadcast["failed"] >= 1


def test_members_answered_the_survey_and_were_reminded_of_the_session(played: dict[str, Any]) -> None:
    survey = played["survey"]
    assert 0 < survey["completed"] <= survey["started"]
    assert survey["answers"] > survey["completed"] * 10
    assert played["reminders"] > 0


def test_the_exports_hold_what_was_answered(played: dict[str, Any]) -> None:
    files = {Path(path).name.split("-", 2)[-1]: (Path(path), rows) for path, rows in played["exports"].items()}
    wide, wide_rows = next(item for name, item in files.items() if name.startswith("wide"))
    long, long_rows = next(item for name, item in files.items() if name.startswith("long"))
    rows = _read(wide)
    assert len(rows) == wide_rows == played["survey"]["started"]
    told = _read(long)
    assert len(told) == long_rows
    answered = [row for row in told if not row["missing"]]
    assert len(answered) + _withheld(long.parents[2]) == played["survey"]["answers"]


def test_the_workbook_opens_with_labels_and_codebook(played: dict[str, Any]) -> None:
    path, rows = next((path, rows) for path, rows in played["exports"].items() if path.endswith(".xlsx"))
    book = openpyxl.load_workbook(path, read_only=True)
    assert "codebook" in book.sheetnames
    assert len(list(book[book.sheetnames[0]].iter_rows(values_only=True))) == rows + 1


def test_the_mapping_report_of_so_few_tells_of_nobody(played: dict[str, Any]) -> None:
    folder = Path(next(iter(played["exports"]))).parents[2] / "reports"
    files = {path.suffix: path for path in folder.glob("*/*") if path.is_file()}
    assert set(files) == {".html", ".pdf", ".zip"}
    assert files[".pdf"].read_bytes().startswith(b"%PDF-")
    page = html.parse(files[".html"])
    numbers = [cell.text for cell in page.findall(".//td") if (cell.text or "").isdecimal()]
    assert len(page.findall(".//figure")) == 28
    assert {number for number in numbers if 0 < int(number) < 10} == set()


def _withheld(folder: Path) -> int:
    """Count the answers in people's own words: a pseudonymous export leaves them out."""
    database = sqlite3.connect(folder / "outreach.db")
    counted = "superseded_at IS NULL AND relevant AND missing IS NULL AND private IS NOT NULL"
    found = database.execute(f"SELECT count(*) FROM answer WHERE {counted}").fetchone()[0]
    database.close()
    return int(found)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_demo_that_was_killed_can_be_played_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    call = f"play(once=True, port={free_port()}, folder=Path({str(folder)!r}), people=30)"
    code = f"from pathlib import Path; from bot.demo import play; {call}"
    command = [sys.executable, "-c", code]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        if (folder / "outreach.db").exists():
            break
        time.sleep(0.1)
    time.sleep(1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 0, second.stderr[-2000:]
    assert json.loads(second.stdout.splitlines()[-1])["members"] > 0
