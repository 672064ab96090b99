"""Lists of people as offices keep them: CSV of any delimiter and encoding, XLSX; only columns asked for are kept."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bot.sentences import Sentence

#: What we read of a person. Nothing else is kept before a yes, so nothing else is read.
FIELDS = ("phone", "region")
#: Headers, in English and French, by which a column is known without being told.
_GUESSES = {
    "phone": (
        "phone", "phone number", "telephone", "telephone number", "tel", "tel no", "mobile", "mobile number",
        "mobile phone", "cell", "cell number", "cellphone", "whatsapp", "whatsapp number", "contact number",
        "numero", "numero de telephone", "portable", "numero whatsapp", "numero de portable",
    ),
    "region": ("phone country", "country code", "pays du numero", "code pays"),
}  # fmt: skip
_DELIMITERS = ",;\t|"
_SAMPLE = 4096
_ISO_COUNTRY = re.compile(r"[A-Z]{2}")


class SheetError(Exception):
    """The file cannot be read; the message carries the cure."""


class Row(NamedTuple):
    """One line of a list."""

    line: int  #: as the spreadsheet numbers it; the header is 1
    phone: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list, read."""

    columns: Mapping[str, str]  #: field -> header
    unread: tuple[str, ...]  #: headers of the columns that are not looked at
    rows: Sequence[Row]


def read(path: Path, mapping: Mapping[str, str]) -> Sheet:
    """Read a list; `mapping` (header -> field) goes before what the headers suggest."""
    lines = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path.read_bytes())
    header = [cell.strip() for cell in next(lines, [])]
    columns = _columns(header, mapping)
    positions = {field: header.index(name) for field, name in columns.items()}
    rows = list(_rows(lines, positions["phone"], positions.get("region")))
    return Sheet(columns, tuple(name for name in header if name and name not in columns.values()), rows)


def _rows(lines: Iterable[list[str]], phone: int, region: int | None) -> Iterator[Row]:
    for number, cells in enumerate(lines, start=2):
        if any(cells):
            country = _cell(cells, region).strip().upper() if region is not None else ""
            yield Row(number, _cell(cells, phone), country if _ISO_COUNTRY.fullmatch(country) else None)


def _cell(cells: Sequence[str], position: int) -> str:
    return cells[position] if position < len(cells) else ""


def _columns(header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    for name, field in mapping.items():
        if field not in FIELDS:
            raise SheetError(
                Sentence(
                    "There is no field %(field)s: map columns to %(fields)s", field=field, fields=" / ".join(FIELDS)
                )
            )
        if name not in header:
            raise SheetError(
                Sentence("There is no column %(name)s: the file has %(header)s", name=name, header=_named(header))
            )
    found = {field: name for name, field in mapping.items()}
    for field, guesses in _GUESSES.items():
        known = [name for name in header if _folded(name) in guesses]
        if field not in found and len(known) > 1:
            raise SheetError(
                Sentence(
                    "More than one column may be the %(field)s (%(known)s): say which, with --map COLUMN=%(field)s",
                    field=field,
                    known=", ".join(known),
                )
            )
        if field not in found and known:
            found[field] = known[0]
    if "phone" not in found:
        raise SheetError(
            Sentence(
                "No column looks like a phone number: say which one is, with --map COLUMN=phone; "
                "the file has %(header)s",
                header=_named(header),
            )
        )
    return found


def _named(header: Sequence[str]) -> str:
    return ", ".join(filter(None, header)) or Sentence("no header")


def _folded(header: str) -> str:
    """Return a header without capitals, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", header.casefold()).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def _csv(data: bytes) -> Iterator[list[str]]:
    text = _decode(data)
    first = text[:_SAMPLE].partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error:
        raise SheetError(Sentence("The file is no CSV: save the list as CSV UTF-8 or XLSX")) from None


def _decode(data: bytes) -> str:
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    # cp1252 is what Excel writes on most office machines.
    encodings = ("utf-16",) if is_utf16 else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetError(Sentence("The file is in no encoding we know: save the list as CSV UTF-8 or XLSX"))


def _xlsx(path: Path) -> Iterator[list[str]]:
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise SheetError(Sentence("The file is no XLSX workbook: save the list as XLSX or CSV UTF-8")) from None
    try:
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # some programs write a size that is not the sheet's
        yield from ([_text(cell) for cell in cells] for cells in sheet.iter_rows(values_only=True))
    finally:
        workbook.close()


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)
