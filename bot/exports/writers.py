"""Files: CSV that Excel opens intact and cannot be made to run, and XLSX written row by row."""

import csv
import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from bot.exports.options import ExportError
from bot.exports.variables import NUMBER, Kind

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_SUSPECT = _FORMULA | {"'"}
_LAST_ROW = 1_048_576
_COLUMNS = 16_384
_FIRST_YEAR = 1900  # a spreadsheet knows no earlier day
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class CsvFile:
    """UTF-8 with a byte order mark, commas, every text that would run as a formula made plain."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.rows = -1
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write("\ufeff")  # "utf-8-sig" would do it too, at twice the time for each row
        self._csv = csv.writer(self._file)
        self.write(header)

    def write(self, row: Sequence[str]) -> None:
        """Add a row."""
        self._csv.writerow([neutral(cell) if cell and cell[0] in _SUSPECT else cell for cell in row])
        self.rows += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def neutral(cell: str) -> str:
    """Return the text with an apostrophe before what a spreadsheet would run; a number stays a number."""
    if cell.lstrip("'")[:1] in _FORMULA and not NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def original(cell: str) -> str:
    """Return the text that `neutral` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'")[:1] in _FORMULA else cell


class XlsxFile:
    """A workbook whose rows go to disk as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Rows wait in files of their own: beside the workbook, so that they disappear with its directory.
        self._book = Workbook(str(path), {"constant_memory": True, "tmpdir": str(path.parent)})
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._names: set[str] = set()

    def sheet(self, name: str, header: Sequence[str], kinds: Sequence[Kind] = ()) -> "Sheet":
        """Add a sheet with a header; columns without a kind hold text."""
        if len(header) > _COLUMNS:
            raise ExportError(
                f"The table {name!r} has {len(header)} columns and a spreadsheet holds {_COLUMNS}: leave questions out"
            )
        return Sheet(self, name, header, [*kinds, *(Kind.TEXT for _ in header[len(kinds) :])])

    def add(self, name: str, header: Sequence[str]) -> Worksheet:
        """Add one worksheet under the name, or the nearest that is free and allowed."""
        number, base = 1, re.sub(r"[\[\]:*?/\\]", "_", name).strip("'")
        unused = base[:31]
        while unused.lower() in self._names:
            number += 1
            unused = f"{base[:27]} {number}"
        self._names.add(unused.lower())
        worksheet = self._book.add_worksheet(unused)
        worksheet.freeze_panes(1, 1)
        for column, title in enumerate(header):
            worksheet.write_string(0, column, title, self._bold)
            worksheet.set_column(column, column, min(max(len(title) + 2, 8), 40))
        return worksheet

    def put(self, worksheet: Worksheet, place: tuple[int, int], cell: str, kind: Kind) -> None:
        """Write one cell as what it is; a missing code among numbers stays a text."""
        if kind is Kind.NUMBER and NUMBER.fullmatch(cell):
            worksheet.write_number(*place, float(cell))
        elif kind is Kind.DATE and (day := _as_day(cell)):
            worksheet.write_datetime(*place, day, self._day)
        else:
            worksheet.write_string(*place, _plain(cell))

    def close(self, newest: date | None) -> None:
        """Finish the file, dated by its data: the same data gives the same bytes."""
        moment = datetime(*(newest or date(2000, 1, 1)).timetuple()[:3])  # noqa: DTZ001 - the library takes naive times
        self._book.set_properties({"created": moment})
        self._book.close()


class Sheet:
    """One table in a workbook; a table too long for a worksheet goes on in the next."""

    def __init__(self, book: XlsxFile, name: str, header: Sequence[str], kinds: Sequence[Kind]) -> None:
        self._book, self._name, self._header, self._kinds = book, name, header, kinds
        self._worksheet = book.add(name, header)
        self._row = 1
        self.rows = 0

    def write(self, row: Sequence[str]) -> None:
        """Add a row."""
        if self._row == _LAST_ROW:
            self._worksheet, self._row = self._book.add(self._name, self._header), 1
        for column, (cell, kind) in enumerate(zip(row, self._kinds, strict=True)):
            if cell:
                self._book.put(self._worksheet, (self._row, column), cell, kind)
        self._row += 1
        self.rows += 1


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(cell: str) -> str:
    text = _CONTROL.sub("\ufffd", cell)
    # In constant memory xlsxwriter takes such a text for its own markup and would write it unescaped.
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text


def _as_day(cell: str) -> Any:
    try:
        day = date.fromisoformat(cell)
    except ValueError:
        return None
    return day if day.year > _FIRST_YEAR else None
