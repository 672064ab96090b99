"""Reads one sheet of a workbook to CSV on stdout; run as a process of its own, so that no file can harm ours.

A small file can unpack to gigabytes, or put a cell into the last corner of the sheet: then the memory given here is
used up, and only this process ends. Arguments: the path, and the name of the sheet or nothing. The first line holds the
name of the sheet that is read and those of the others, the second the first row that is not empty. Then it waits for
the numbers of the columns to send, counted from 0, on stdin. Each further line holds a row's number, as the program
that made it shows it, and these cells. Exit codes: 0, or one of those below, or any other when the file cannot be read.
"""

import csv
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, time

MEMORY = 512 * 1024 * 1024  #: bytes; 100,000 rows of 30 full columns need 310 MB
SECONDS = 60
LONGEST = 1000  #: characters of a cell that are read
PASSWORD, NO_SHEET = 3, 4


def limit() -> None:
    """Give this process so much memory and time and no more; where the system cannot, the file is trusted."""
    import resource

    with suppress(ValueError, OSError):  # macOS refuses to limit memory
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def main(path: str, wanted: str = "") -> int:
    """Write the sheet's rows."""
    from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_path(path)
    except PasswordError:
        return PASSWORD
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and (sheet.visible == SheetVisibleEnum.Visible or sheet.name == wanted)
    ]
    if (wanted and wanted not in names) or not names:
        return NO_SHEET
    # Lists often stand behind an empty first sheet. Each is read as a whole when it is got: once.
    sheets = (book.get_sheet_by_name(name) for name in ([wanted] if wanted else names))
    sheet = next((one for one in sheets if wanted or one.start is not None), None) or book.get_sheet_by_name(names[0])
    chosen = sheet.name
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    writer = csv.writer(sys.stdout)
    writer.writerow([chosen, *(name for name in names if name != chosen)])
    rows = ((number, row) for number, row in enumerate(sheet.iter_rows(), 1) if is_filled(row))
    header = next(rows, None)
    if header is None:
        return 0
    writer.writerow([text(cell) for cell in header[1]])
    sys.stdout.flush()
    columns = [int(column) for column in sys.stdin.read().split()]
    for number, row in rows:
        writer.writerow([number, *[text(row[column]) for column in columns]])
    return 0


def is_filled(row: Sequence[object]) -> bool:
    """Tell whether a row has a cell that is not empty."""
    return any(cell != "" for cell in row)


def text(cell: object) -> str:
    """Return a cell as a person reads it; of a formula calamine gives the value, of an error nothing."""
    if isinstance(cell, str):
        return cell[:LONGEST]
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


if __name__ == "__main__":
    limit()
    sys.exit(main(*sys.argv[1:]))
