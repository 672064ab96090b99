"""What a file of an export is to the package that fills it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from bot.exports.columns import Block
from bot.exports.variables import Table


@dataclass(frozen=True)
class Target:
    """Where the files belong: `path("-wide", ".csv", table)` names one."""

    directory: Path
    name: str

    def path(self, kind: str, ending: str, table: Table | None = None) -> Path:
        """Return the path of a file, of one table when there is one for each."""
        return self.directory / "".join([self.name, kind, f"-{table.name}" if table and table.name else "", ending])


class Writer(Protocol):
    """Files of one kind on their way."""

    def add(self, block: Block) -> None:
        """Write some lines."""

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the files, dated by their data, and return how many rows of data each holds."""

    def abandon(self) -> None:
        """Let go of what is open: the files are not wanted any more."""
