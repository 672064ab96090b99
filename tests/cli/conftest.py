"""The command line as a person meets it: words typed in, an exit code, and what stands on the screen."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.cli import main

MAPPING = Path(__file__).parent.parent.parent / "messages" / "surveys" / "diaspora_mapping.xlsx"


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out.splitlines()[-1])


#: Runs one command in an empty folder: outreach("staff", "add", ..., stdin="", OUTREACH_PORT="8001").
Outreach = Callable[..., Ran]


@pytest.fixture
def outreach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Outreach]:
    """A fresh folder, no settings but those given, and the program's own door."""
    for name in filter(lambda name: name.startswith("OUTREACH_"), list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words: str, stdin: str = "", **settings: str) -> Ran:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["outreach", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    yield run
    structlog.reset_defaults()
