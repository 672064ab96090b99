"""XLSForms to XForm XML through pyxform, and its complaints as problems with a place."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any

from pyxform.errors import PyXFormError
from pyxform.xls2json_backends import get_xlsform
from pyxform.xls2xform import convert

from bot.sentences import Sentence
from bot.surveys.form import FormError, Problem

MAX_BYTES = 5_000_000
MAX_UNPACKED = 60_000_000
_FORMATS = {".xlsx", ".xlsm", ".xls", ".csv", ".md"}
_TEXTS = {".csv", ".md"}
_UNREADABLE = "was not recognized as a supported type"  # pyxform's words for what it cannot open
_BROKEN = Sentence("the file is not a whole .xls; save it again and upload that")
_NO_SURVEY = Sentence(
    "this is no XLSForm: it has no sheet called survey; a list of choices is uploaded together with its form"
)
_NAMELESS = Problem(
    Sentence("there is no form_id: the file's name is taken, and a file of another name will be another survey"),
    "settings",
)
_PLACE = re.compile(r"^\[row\s*:\s*(\d+)\]\s*")
_SHEET = re.compile(r"(?:on|in) the '(\w+)' sheet", re.IGNORECASE)
_COLUMN = re.compile(r"column '([^']+)'|the '([^']+)' value", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True)
class Sheet:
    """A converted sheet: its XForm, what it would better have, and the row of each name of the survey sheet."""

    xform: str
    advice: list[Problem]
    rows: dict[str, int]


def sniff(data: bytes, filename: str) -> str:
    """Tell the format by its first bytes; only text formats are told by their name."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return ".xls"
    if data.startswith(b"PK\x03\x04"):
        return ".xlsx"
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return ".xml"
    suffix = PurePath(filename).suffix.lower()
    return suffix if suffix in _FORMATS else ""


def convert_sheet(data: bytes, kind: str, filename: str = "") -> Sheet:
    """Convert an XLSForm, or refuse it with what pyxform says; a form without an id is called as its file."""
    _check_size(data, kind)
    advice: list[str] = []
    survey: list[dict[str, Any]] = []
    try:
        book = get_xlsform(_source(data, kind), file_type=kind)
        survey = [dict(row) for row in book.survey or []]
        named = any(row.get("form_id") or row.get("id_string") for row in book.settings or [])
        cells = {field.name: getattr(book, field.name) for field in fields(book)}
        cells["fallback_form_name"] = PurePath(filename).stem or None
        result = convert(cells, warnings=advice, validate=False, form_name="data")
    except PyXFormError as error:
        if _UNREADABLE in str(error):
            raise FormError([Problem(_NO_SURVEY if kind in _TEXTS else _BROKEN)]) from None
        raise FormError([placed(str(error), survey)]) from None
    except UnicodeDecodeError:
        raise FormError([Problem(Sentence("the file is not UTF-8; save it as UTF-8"))]) from None
    except Exception as error:  # pyxform meets some bad headers, and sheets of other names, with a TypeError of its own
        if kind in _TEXTS and isinstance(error, TypeError):
            raise FormError([Problem(_NO_SURVEY)]) from None
        raise FormError(
            [
                Problem(
                    Sentence(
                        "the sheet cannot be read (%(error)s); check that no column heading is odd or twice",
                        error=type(error).__name__,
                    )
                )
            ]
        ) from None
    if result.itemsets:
        raise FormError([Problem(Sentence("select_one_external is not supported; use select_one_from_file"), "survey")])
    rows = {str(row["name"]): i for i, row in enumerate(survey, 2) if row.get("name")}
    return Sheet(result.xform, [*([] if named else [_NAMELESS]), *map(placed, advice)], rows)


def _check_size(data: bytes, kind: str) -> None:
    if len(data) > MAX_BYTES:
        raise FormError(
            [
                Problem(
                    Sentence(
                        "the file is larger than %(most)s MB; move long lists to a CSV", most=MAX_BYTES // 1_000_000
                    )
                )
            ]
        )
    if kind != ".xlsx":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise FormError([Problem(Sentence("the file is not a whole .xlsx; save it again and upload that"))]) from None
    if unpacked > MAX_UNPACKED:
        raise FormError(
            [Problem(Sentence("the file unpacks to too much; delete unused sheets, pictures and empty rows"))]
        )


def placed(message: str, survey: Sequence[Mapping[str, Any]] = ()) -> Problem:
    """Find the place that pyxform's message is about: as it says, or where the word that it quotes stands."""
    found, sheet, column = _PLACE.match(message), _SHEET.search(message), _COLUMN.search(message)
    words = " ".join(message[found.end() if found else 0 :].split())
    named = (column[1] or column[2]) if column else None
    if found is None and sheet is None:
        for i, row in enumerate(survey, 2):
            for heading, cell in row.items():
                if cell in _QUOTED.findall(message):
                    return Problem(words, "survey", i, str(heading))
    return Problem(
        words, sheet[1].lower() if sheet else ("survey" if found else None), int(found[1]) if found else None, named
    )


def _source(data: bytes, kind: str) -> str | io.BytesIO:
    return data.decode("utf-8-sig") if kind in _TEXTS else io.BytesIO(data)
