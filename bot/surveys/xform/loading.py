"""The door: bytes or a path in, a Form or a FormError out."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from bot.surveys.form import Form, FormError, Problem
from bot.surveys.xform.fitness import cycles, unfit
from bot.surveys.xform.reading import Reader
from bot.surveys.xform.sheets import Sheet, convert_sheet, sniff

MAX_XML = 20_000_000
_MEDIA = {".csv", ".xml", ".geojson"}


def load(
    source: bytes | Path, filename: str = "", media: Mapping[str, bytes] | None = None, *, chat: bool = True
) -> Form:
    """Read an XLSForm (.xlsx .xls .csv .md) or an XForm (.xml), or raise FormError.

    Attached lists come in `media` by file name; of a path, from the files beside it. With `chat` false, what a chat
    cannot ask and files that are missing are no reason to refuse.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    name = filename or (source.name if isinstance(source, Path) else "")
    kind = sniff(data, name)
    if not kind:
        raise FormError([Problem("this is neither an XLSForm nor an XForm; upload .xlsx, .xls, .csv, .md or .xml")])
    sheet = _xform(data) if kind == ".xml" else convert_sheet(data, kind)
    return _read(sheet, _beside(source, sheet.xform) if media is None else dict(media), chat=chat)


def check(source: bytes | Path, filename: str = "", media: Mapping[str, bytes] | None = None) -> list[Problem]:
    """Return all that is wrong with a form, then all that is lost in chat; nothing wrong when `load` takes it."""
    try:
        return list(load(source, filename, media).warnings)
    except FormError as error:
        return list(error.problems)


@lru_cache(maxsize=32)
def compiled(xform: str, media: tuple[tuple[str, bytes], ...] = ()) -> Form:
    """Return the Form of an XForm that was accepted before, kept compiled."""
    return _read(Sheet(xform, [], {}), dict(media), chat=False)


def _xform(data: bytes) -> Sheet:
    if len(data) > MAX_XML:
        raise FormError([Problem(f"the file is larger than {MAX_XML // 1_000_000} MB; move long lists to a CSV")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormError([Problem("the file is not UTF-8; save it as UTF-8")]) from None
    return Sheet(text, [], {})


def _beside(source: bytes | Path, xform: str) -> dict[str, bytes]:
    """Return the files beside a form that it names."""
    if not isinstance(source, Path):
        return {}
    folders = [source.parent, source.parent / f"{source.stem}-media"]
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir() if file.suffix in _MEDIA]
    return {file.name: file.read_bytes() for file in sorted(files) if f"/{file.name}" in xform}


def _read(sheet: Sheet, media: Mapping[str, bytes], *, chat: bool) -> Form:
    reader = Reader(sheet.xform, media)
    form = reader.form()
    refused, degraded = unfit(form) if chat else ([], [])
    refused += cycles(form) if chat else []
    fatal = [problem for problem in reader.problems if chat or "missing" not in problem.message]
    if problems := [*fatal, *refused]:
        raise FormError([_placed(problem, sheet.rows) for problem in problems])
    advice = [Problem(advice) for advice in sheet.advice]
    return replace(form, warnings=(*degraded, *advice))


def _placed(problem: Problem, rows: Mapping[str, int]) -> Problem:
    """Add the row of the question that a problem begins with."""
    row = rows.get(problem.message.partition(" ")[0]) if problem.row is None else None
    return replace(problem, row=row) if row else problem
