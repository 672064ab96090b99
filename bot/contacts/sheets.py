"""Lists of people as offices keep them: CSV of any delimiter and encoding, XLSX; only columns asked for are kept."""

import csv
import io
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import NamedTuple

from bot.contacts import workbook
from bot.sentences import Sentence

#: What we read of a person. Nothing else is kept before a yes, so nothing else is read.
FIELDS = ("phone", "region", "language")
#: Headers, in English and French, by which a column is known without being told.
_GUESSES = {
    "phone": (
        "phone", "phone number", "telephone", "telephone number", "tel", "tel no", "mobile", "mobile number",
        "mobile phone", "cell", "cell number", "cellphone", "whatsapp", "whatsapp number", "contact number",
        "numero", "numero de telephone", "portable", "numero whatsapp", "numero de portable",
    ),
    "region": ("phone country", "country code", "pays du numero", "code pays"),
    "language": ("language", "preferred language", "langue", "langue preferee"),
}  # fmt: skip
WORKBOOKS = (".xlsx", ".xlsm")
_READER = Path(__file__).with_name("workbook.py")
#: What ended the reading of a workbook.
_FAILED = {
    workbook.PASSWORD: Sentence("The workbook has a password: save it without one, or the list as CSV UTF-8"),
    workbook.NO_SHEET: Sentence("The workbook has no sheet of this name, or none that is shown and holds cells"),
}
_BROKEN = Sentence(
    "The file is no XLSX workbook, or needs more than 512 MB to be read: delete the empty rows and columns after the "
    "list, or save the list as CSV UTF-8"
)
_DELIMITERS = ",;\t|"
_SAMPLE = 4096
_ISO_COUNTRY = re.compile(r"[A-Z]{2}")
#: A line as the spreadsheet numbers it, and the cells that were asked for.
Line = tuple[int, list[str]]


class SheetError(Exception):
    """The file cannot be read; the message carries the cure."""


class Row(NamedTuple):
    """One line of a list."""

    line: int  #: as the spreadsheet numbers it
    phone: str
    region: str | None
    language: str = ""  #: as the office wrote it


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list, read."""

    columns: Mapping[str, str]  #: field -> header
    unread: tuple[str, ...]  #: headers of the columns that are not looked at
    others: tuple[str, ...]  #: names of the workbook's sheets that are not read
    rows: Sequence[Row]


def read(path: Path, mapping: Mapping[str, str], sheet: str = "") -> Sheet:
    """Read a list; `mapping` (header -> field) goes before what the headers suggest.

    Of a workbook it is the sheet of that name, or else the first one that is shown and not empty.
    """
    with _Workbook(path, sheet) if path.suffix.lower() in WORKBOOKS else _Csv(path.read_bytes()) as source:
        header = [cell.strip() for cell in source.header]
        columns = _columns(header, mapping)
        asked = [field for field in FIELDS if field in columns]
        lines = source.lines([header.index(columns[field]) for field in asked])
        rows = list(_rows(lines, asked))
    unread = tuple(name for name in header if name and name not in columns.values())
    return Sheet(columns, unread, tuple(source.others), rows)


def _rows(lines: Iterable[Line], fields: Sequence[str]) -> Iterator[Row]:
    phone, region, language = (fields.index(field) if field in fields else None for field in FIELDS)
    for number, cells in lines:
        country = cells[region].strip().upper() if region is not None else ""
        yield Row(
            number,
            cells[phone or 0],
            country if _ISO_COUNTRY.fullmatch(country) else None,
            cells[language] if language is not None else "",
        )


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


class _Csv:
    """A list as CSV."""

    others: Sequence[str] = ()

    def __init__(self, data: bytes) -> None:
        text = _decode(data)
        first = text[:_SAMPLE].lstrip("\r\n").partition("\n")[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count))
        self._lines = filter(_is_filled, enumerate(_readable(reader), 1))
        self.header = next(self._lines, (0, []))[1]

    def __enter__(self) -> "_Csv":
        return self

    def __exit__(self, *_: object) -> None:
        """Let go; there is nothing to close."""

    def lines(self, positions: Sequence[int]) -> Iterator[Line]:
        """Yield the lines after the header with the cells at these positions."""
        for number, cells in self._lines:
            yield number, [cells[position] if position < len(cells) else "" for position in positions]


def _readable(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error:
        raise SheetError(Sentence("The file is no CSV: save the list as CSV UTF-8 or XLSX")) from None


def _is_filled(line: Line) -> bool:
    return any(line[1])


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


class _Workbook:
    """A list as a workbook, read in a process of its own: what is wrong with the file can only harm that."""

    def __init__(self, path: Path, sheet: str) -> None:
        command = [sys.executable, "-I", str(_READER), str(path), sheet]
        # Only the path comes from outside, and no shell reads it.
        self._child = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)  # noqa: S603

    def __enter__(self) -> "_Workbook":
        assert self._child.stdout  # noqa: S101 - it is a pipe
        self._reader = csv.reader(io.TextIOWrapper(self._child.stdout, "utf-8", newline=""))
        try:
            names, self.header = next(self._reader, []), next(self._reader, [])
            if not self.header:  # a sheet without a row, or no workbook at all
                self._end()
        except BaseException:
            self.__exit__()
            raise
        self.others = names[1:]
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, also when the header was refused and it still waits or writes."""
        self._child.kill()
        with self._child:  # closes the pipes and waits
            pass

    def lines(self, positions: Sequence[int]) -> Iterator[Line]:
        """Yield the lines after the header with the cells at these positions; nothing else leaves the process."""
        assert self._child.stdin  # noqa: S101 - it is a pipe
        with suppress(BrokenPipeError):  # it has ended: how is said below
            self._child.stdin.write(" ".join(map(str, positions)).encode())
            self._child.stdin.close()
        for number, *cells in self._reader:
            yield int(number), cells
        self._end()

    def _end(self) -> None:
        if code := self._child.wait():
            raise SheetError(_FAILED.get(code, _BROKEN))
