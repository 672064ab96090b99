"""XLSX whose rows go to disk as they come.

A workbook is a zip of XML. No library here writes one column by column: a cell is worked out once for each distinct
reply and its XML used again, which takes a tenth of the time of writing cell by cell.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from bot.exports.cells import Cells
from bot.exports.columns import Block
from bot.exports.formats.base import Target
from bot.exports.options import ExportError
from bot.exports.variables import NUMBER, Kind, Table, Variable

_LAST_ROW = 1_048_576
_COLUMNS = 16_384
_FIRST_YEAR = 1900  # a spreadsheet knows no earlier day
_DAY_ZERO = date(1899, 12, 30)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # Excel would read it as a character's number
_LONGEST = 32_767  # characters in a cell
_PLAIN, _BOLD, _DAY = 0, 1, 2  # styles
_XMLNS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_FONT = '<name val="Calibri"/><family val="2"/>'
_STYLES = (
    f'{_HEAD}<styleSheet {_XMLNS}><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    f'<fonts count="2"><font><sz val="11"/>{_FONT}</font><font><b/><sz val="11"/>{_FONT}</font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def cell_xml(text: str, kind: Kind = Kind.TEXT) -> str:
    """Return one cell as what it is; a missing code among numbers stays a text."""
    if not text:
        return "<c/>"
    if kind is Kind.NUMBER and NUMBER.fullmatch(text):
        return f"<c><v>{text}</v></c>"
    if kind is Kind.DATE and (days := _days(text)):
        return f'<c s="{_DAY}"><v>{days}</v></c>'
    return _text_xml(text)


def xml_text(text: str) -> str:
    """Return a text as it stands in XML, without what XML cannot hold."""
    # A carriage return of the text itself would be read as a line feed.
    return escape(_CONTROL.sub("\ufffd", text), {"\r": "&#13;"})


def _text_xml(text: str, style: int = _PLAIN) -> str:
    shown = xml_text(_ESCAPED.sub("_x005F_", text[:_LONGEST]))
    styled = f' s="{style}"' if style else ""
    return f'<c{styled} t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _days(text: str) -> int | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return (day - _DAY_ZERO).days if day.year > _FIRST_YEAR else None


class XlsxFile:
    """A workbook; each sheet waits in a file of its own until the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sheets: list[tuple[str, Path, TextIO]] = []

    def sheet(self, name: str, header: Sequence[str], kinds: Sequence[Kind] = ()) -> "Sheet":
        """Add a sheet with a header; columns without a kind hold text."""
        if len(header) > _COLUMNS:
            raise ExportError(
                f"The table {name!r} has {len(header)} columns and a spreadsheet holds {_COLUMNS}: leave questions out"
            )
        return Sheet(self, name, header, [*kinds, *(Kind.TEXT for _ in header[len(kinds) :])])

    def open(self, name: str, header: Sequence[str]) -> TextIO:
        """Begin one worksheet under the name, or the nearest that is free and allowed."""
        taken = {sheet.lower() for sheet, *_ in self._sheets}
        number, base = 1, re.sub(r"[\[\]:*?/\\]", "_", name).strip("'")
        unused = base[:31]
        while unused.lower() in taken:
            number += 1
            unused = f"{base[:27]} {number}"
        path = self.path.with_suffix(f".sheet{len(self._sheets) + 1}")
        file = path.open("w", encoding="utf-8", newline="")
        self._sheets.append((unused, path, file))
        widths = "".join(
            f'<col min="{number}" max="{number}" width="{min(max(len(title) + 2, 8), 40)}" customWidth="1"/>'
            for number, title in enumerate(header, 1)
        )
        file.write(
            f'{_HEAD}<worksheet {_XMLNS}><sheetViews><sheetView workbookViewId="0"><pane xSplit="1" ySplit="1" '
            'topLeftCell="B2" activePane="bottomRight" state="frozen"/></sheetView></sheetViews>'
            f"<cols>{widths}</cols><sheetData><row>{''.join(_text_xml(title, _BOLD) for title in header)}</row>"
        )
        return file

    def close(self, newest: date) -> None:
        """Finish the file, dated by its data: the same data gives the same bytes."""
        for _, _, file in self._sheets:
            file.write("</sheetData></worksheet>")
        self.abandon()
        moment = (max(newest.year, 1980), newest.month, newest.day, 0, 0, 0)  # a zip knows no earlier year
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
            for name, text in self._parts(newest):
                book.writestr(zipfile.ZipInfo(name, moment), _HEAD + text, zipfile.ZIP_DEFLATED)
            book.writestr(zipfile.ZipInfo("xl/styles.xml", moment), _STYLES, zipfile.ZIP_DEFLATED)
            for number, (_, path, _) in enumerate(self._sheets, 1):
                info = zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml", moment)
                info.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as rows, book.open(info, "w", force_zip64=True) as part:
                    while piece := rows.read(1 << 20):
                        part.write(piece)
                path.unlink()

    def abandon(self) -> None:
        """Close the files of the sheets."""
        for _, _, file in self._sheets:
            file.close()

    def _parts(self, newest: date) -> list[tuple[str, str]]:
        numbers = range(1, len(self._sheets) + 1)
        overrides = "".join(
            f'<Override PartName="/xl/{part}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
            for part, kind in [
                ("workbook", "sheet.main"),
                ("styles", "styles"),
                *((f"worksheets/sheet{number}", "worksheet") for number in numbers),
            ]
        )
        core = f"{_PACKAGE}/metadata/core-properties"
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
            for number, (name, *_) in enumerate(self._sheets, 1)
        )
        return [
            (
                "[Content_Types].xml",
                f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/'
                'vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/>'
                '<Override PartName="/docProps/core.xml" ContentType="application/'
                f'vnd.openxmlformats-package.core-properties+xml"/>{overrides}</Types>',
            ),
            (
                "_rels/.rels",
                _relations([(f"{_RELATIONS}/officeDocument", "xl/workbook.xml"), (f"{_PACKAGE}/relationships/metadata/"
                "core-properties", "docProps/core.xml")]),
            ),
            (
                "docProps/core.xml",
                f'<cp:coreProperties xmlns:cp="{core}" xmlns:dcterms="http://purl.org/dc/terms/" '
                'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dcterms:created xsi:type="dcterms:W3CDTF">'
                f"{newest.isoformat()}T00:00:00Z</dcterms:created></cp:coreProperties>",
            ),
            ("xl/workbook.xml", f'<workbook {_XMLNS} xmlns:r="{_RELATIONS}"><sheets>{sheets}</sheets></workbook>'),
            (
                "xl/_rels/workbook.xml.rels",
                _relations(
                    [
                        *((f"{_RELATIONS}/worksheet", f"worksheets/sheet{number}.xml") for number in numbers),
                        (f"{_RELATIONS}/styles", "styles.xml"),
                    ]
                ),
            ),
        ]  # fmt: skip


def _relations(targets: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


class Sheet:
    """One table in a workbook; a table too long for a worksheet goes on in the next."""

    def __init__(self, book: XlsxFile, name: str, header: Sequence[str], kinds: Sequence[Kind]) -> None:
        self._book, self._name, self._header, self.kinds = book, name, header, kinds
        self._file = book.open(name, header)
        self._room = _LAST_ROW - 1
        self.rows = 0

    def write(self, row: Sequence[str]) -> None:
        """Add a row."""
        self.write_rows(["".join(map(cell_xml, row, self.kinds))])

    def write_rows(self, rows: Sequence[str]) -> None:
        """Add rows whose cells are XML already."""
        self.rows += len(rows)
        while rows:
            if not self._room:
                self._file, self._room = self._book.open(self._name, self._header), _LAST_ROW - 1
            fit, rows = rows[: self._room], rows[self._room :]
            self._file.write("<row>" + "</row><row>".join(fit) + "</row>")
            self._room -= len(fit)


class Workbook:
    """The tables of an export as sheets, with codes or labels; the package adds what explains them."""

    def __init__(self, target: Target, tables: list[Table], cells: dict[Variable, Cells], labels: bool) -> None:
        self.book = XlsxFile(target.path("", ".xlsx"))
        self._cells = cells
        self._kinds = {variable: variable.kinds(labels) for table in tables for variable in table.variables}
        self._sheets = {table: self._sheet(table) for table in tables}

    def _sheet(self, table: Table) -> Sheet:
        kinds = [*table.head_kinds, *(kind for variable in table.variables for kind in self._kinds[variable])]
        return self.book.sheet(f"data {table.name}".strip(), table.headers, kinds)

    def add(self, block: Block) -> None:
        """Write some lines."""
        sheet = self._sheets[block.table]
        parts = [["".join(map(cell_xml, head, sheet.kinds)) for head in block.heads]]
        for column in block.columns:
            wide, kinds = self._cells[column.variable].wide, self._kinds[column.variable]
            parts.append(column.spread(["".join(map(cell_xml, wide(given), kinds)) for given in column.distinct]))
        sheet.write_rows(["".join(row) for row in zip(*parts, strict=True)])

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the file; its rows are those of the first sheet."""
        self.book.close(newest)
        return {self.book.path: next(iter(self._sheets.values())).rows}

    def abandon(self) -> None:
        """Close what is open."""
        self.book.abandon()
