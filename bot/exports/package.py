"""The files of one export, all written in one pass over the interviews."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.exports import codebook
from bot.exports.cases import MEANINGS
from bot.exports.manifest import ABOUT_HEAD, ABOUT_KINDS, about_rows, describe
from bot.exports.options import Options
from bot.exports.privacy import withheld
from bot.exports.tables import LONG_HEAD, Cells, Record
from bot.exports.tally import Tally
from bot.exports.variables import Table, tables
from bot.exports.writers import CsvFile, Sheet, XlsxFile
from bot.surveys.form import Form


class _Wide:
    """One table on its way into one file, with codes or with labels."""

    def __init__(self, out: CsvFile | Sheet, cells: list[Cells]) -> None:
        self.out, self.cells = out, cells

    def add(self, record: Record) -> None:
        row = list(record.head)
        for cells, reply in zip(self.cells, record.replies, strict=True):
            row += cells.wide(reply)
        self.out.write(row)


class Package:
    """Wide and long CSV, XLSX and codebook of one survey, in one directory."""

    def __init__(self, form: Form, options: Options, directory: Path) -> None:
        self.form, self.options, self.tally = form, options, Tally()
        self.tables = tables(form, options)
        self._directory = directory
        self._book = XlsxFile(self._path(".xlsx"))
        self._csv = [CsvFile(self._path(_wide_name(table)), table.headers) for table in self.tables]
        self._sheets = [self._sheet(table) for table in self.tables]
        self._long = CsvFile(self._path("-long.csv"), LONG_HEAD)
        self._codebook = CsvFile(self._path("-codebook.csv"), codebook.header(form))
        self._wides = {
            table: (
                _Wide(csv, self._cells(table, options.csv_labels)),
                _Wide(sheet, self._cells(table, options.xlsx_labels)),
            )
            for table, csv, sheet in zip(self.tables, self._csv, self._sheets, strict=True)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (*self._csv, self._long, self._codebook):
            file.close()
        self._book.close(self.tally.newest)

    def add(self, record: Record) -> None:
        """Write one line of one table to every file, and count it."""
        wides = self._wides[record.table]
        for wide in wides:
            wide.add(record)
        respondent, number = record.case.respondent, ".".join(map(str, record.numbers))
        for variable, cells, reply in zip(record.table.variables, wides[0].cells, record.replies, strict=True):
            self._long.write((respondent, variable.name, number, *cells.long(reply), reply.day))
        self.tally.add(record)

    def finish(self) -> dict[str, Any]:
        """Write what is known at the end only: codebook, missing codes and the manifest, which is returned."""
        manifest = describe(self.form, self.options, self.tally)
        sheet = self._book.sheet
        _fill(self._codebook, self._codes())
        _fill(sheet("codebook", codebook.header(self.form)), self._codes())
        _fill(sheet("missing codes", ("code", "meaning")), MEANINGS.items())
        _fill(sheet("about", ABOUT_HEAD, ABOUT_KINDS), about_rows(manifest))
        return manifest

    def rows(self) -> dict[Path, int]:
        """Return how many rows of data each file holds: a workbook's are those of its first sheet."""
        counted = {file.path: file.rows for file in (*self._csv, self._long, self._codebook)}
        return {**counted, self._book.path: self._sheets[0].rows}

    def path_of_manifest(self) -> Path:
        """Return where the manifest belongs."""
        return self._path("-manifest.json")

    def _codes(self) -> Iterator[list[str]]:
        return codebook.rows(self.form, self.tables, withheld(self.form, self.options), self.tally)

    def _cells(self, table: Table, labels: bool) -> list[Cells]:
        return [Cells(variable, self.form, self.options.language, labels) for variable in table.variables]

    def _sheet(self, table: Table) -> Sheet:
        kinds = [
            *table.head_kinds,
            *(kind for each in table.variables for kind in each.kinds(self.options.xlsx_labels)),
        ]
        return self._book.sheet(f"data {table.name}".strip(), table.headers, kinds)

    def _path(self, ending: str) -> Path:
        # A form's id is its author's: it must not choose another directory.
        name = re.sub(r"[^\w.-]+", "_", f"{self.form.id}-{self.form.version}").lstrip(".")
        return self._directory / f"{name}{ending}"


def _wide_name(table: Table) -> str:
    return f"-wide-{table.name}.csv" if table.name else "-wide.csv"


def _fill(out: CsvFile | Sheet, rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        out.write(row)
