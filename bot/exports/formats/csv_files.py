"""CSV that Excel opens intact and cannot be made to run: UTF-8 with a byte order mark."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain
from pathlib import Path

from bot.exports.cells import Cells
from bot.exports.columns import Block
from bot.exports.formats.base import Target
from bot.exports.variables import NUMBER, Table, Variable

LONG_HEAD = ("respondent", "question", "number", "value", "label", "missing", "day")
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_SUSPECT = _FORMULA | {"'"}
_QUOTED = re.compile(r'[",\r\n]')


def neutral(cell: str) -> str:
    """Return the text with an apostrophe before what a spreadsheet would run; a number stays a number."""
    if cell.lstrip("'")[:1] in _FORMULA and not NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def original(cell: str) -> str:
    """Return the text that `neutral` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'")[:1] in _FORMULA else cell


def quoted(cell: str) -> str:
    """Return a text as it stands in a line."""
    if cell and cell[0] in _SUSPECT:
        cell = neutral(cell)
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def joined(cells: Iterable[str]) -> str:
    """Return several texts as they stand in a line."""
    return ",".join(map(quoted, cells))


class CsvFile:
    """One file, line by line."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.rows = 0
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(f"\ufeff{joined(header)}\r\n")

    def write(self, row: Sequence[str]) -> None:
        """Add a row."""
        self.write_lines([joined(row)])

    def write_lines(self, lines: Sequence[str]) -> None:
        """Add lines whose cells are quoted already."""
        if lines:
            self._file.write("\r\n".join(lines))
            self._file.write("\r\n")
            self.rows += len(lines)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class WideCsv:
    """One respondent, or one time through a repeat, a row."""

    def __init__(self, target: Target, tables: list[Table], cells: dict[Variable, Cells]) -> None:
        self._cells = cells
        self._files = {table: CsvFile(target.path("-wide", ".csv", table), table.headers) for table in tables}

    def add(self, block: Block) -> None:
        """Write some lines."""
        parts = [list(map(joined, block.heads))]
        for column in block.columns:
            wide = self._cells[column.variable].wide
            parts.append(column.spread([joined(wide(given)) for given in column.distinct]))
        self._files[block.table].write_lines([",".join(line) for line in zip(*parts, strict=True)])

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the files."""
        self.abandon()
        return {file.path: file.rows for file in self._files.values()}

    def abandon(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


class LongCsv:
    """One question a row, repeats included."""

    def __init__(self, target: Target, cells: dict[Variable, Cells]) -> None:
        self._cells = cells
        self._file = CsvFile(target.path("-long", ".csv"), LONG_HEAD)

    def add(self, block: Block) -> None:
        """Write some lines."""
        before = [person.respondent for person in block.people]
        numbers = [".".join(map(str, numbers)) for numbers in block.numbers]
        parts = []
        for column in block.columns:
            long, name = self._cells[column.variable].long, quoted(column.variable.name)
            shown = [f"{joined(long(given))},{day}" for given, day in column.replies]
            rows = zip(before, numbers, column.indexes, strict=True)
            parts.append([f"{who},{name},{number},{shown[index]}" for who, number, index in rows])
        self._file.write_lines(list(chain.from_iterable(zip(*parts, strict=True))))

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the file."""
        self._file.close()
        return {self._file.path: self._file.rows}

    def abandon(self) -> None:
        """Close the file."""
        self._file.close()
