"""The door: bytes or a path in, a Form or a FormError out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from bot.sentences import Sentence
from bot.surveys.engine import start
from bot.surveys.form import Form, FormError, Problem
from bot.surveys.xform.fitness import silent, unfit
from bot.surveys.xform.order import cycles
from bot.surveys.xform.reading import Reader
from bot.surveys.xform.sheets import Sheet, convert_sheet, sniff
from bot.surveys.xpath.values import EvaluationError

MAX_XML = 20_000_000
_LISTS = {".csv", ".xml", ".geojson"}
_SHOWN = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp3", ".ogg", ".m4a", ".wav", ".mp4", ".3gp"}


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
        raise FormError(
            [Problem(Sentence("this is neither an XLSForm nor an XForm; upload .xlsx, .xls, .csv, .md or .xml"))]
        )
    sheet = _xform(data) if kind == ".xml" else convert_sheet(data, kind, name)
    if media is None:
        media = _beside(source, sheet.xform) if isinstance(source, Path) else {}
    return _read(sheet, dict(media), chat=chat)


@lru_cache(maxsize=32)
def compiled(xform: str, media: tuple[tuple[str, bytes], ...] = ()) -> Form:
    """Return the Form of an XForm that was accepted before, kept compiled."""
    return _read(Sheet(xform, [], {}), dict(media), chat=False)


def _xform(data: bytes) -> Sheet:
    if len(data) > MAX_XML:
        raise FormError(
            [
                Problem(
                    Sentence("the file is larger than %(most)s MB; move long lists to a CSV", most=MAX_XML // 1_000_000)
                )
            ]
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormError([Problem(Sentence("the file is not UTF-8; save it as UTF-8"))]) from None
    return Sheet(text, [], {})


def _beside(form: Path, xform: str) -> dict[str, bytes]:
    """Return the files beside a form that it names."""
    folders = [form.parent, form.parent / f"{form.stem}-media"]
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    known = [file for file in sorted(files) if file.suffix.lower() in _LISTS | _SHOWN]
    return {file.name: file.read_bytes() for file in known if f"/{file.name}" in xform}


def _read(sheet: Sheet, media: Mapping[str, bytes], *, chat: bool) -> Form:
    reader = Reader(sheet.xform, media)
    form = reader.form()
    problems = list(reader.problems)
    degraded: list[Problem] = []
    if chat:
        refused, degraded = unfit(form)
        problems += [*reader.missing, *refused, *cycles(form)]
        degraded += [*reader.unfilled(), *silent(form)]
    problems = problems or _tried(form)
    if problems:
        raise FormError([_placed(problem, sheet.rows) for problem in problems])
    warnings = [*degraded, *sheet.advice]
    return replace(form, warnings=tuple(_placed(warning, sheet.rows) for warning in warnings))


def _tried(form: Form) -> list[Problem]:
    """Begin a run once, to find the expressions that can be read but not computed."""
    try:
        start(form, now=datetime(2000, 1, 1, tzinfo=UTC), tz=UTC)
    except EvaluationError as error:
        return [
            Problem(
                Sentence(
                    "%(name)s has an expression that cannot be computed: %(error)s", name=error.place, error=str(error)
                ),
                "survey",
            )
        ]
    return []


def _placed(problem: Problem, rows: Mapping[str, int]) -> Problem:
    """Add the row of the question that a problem begins with."""
    row = rows.get(problem.message.partition(" ")[0].rstrip(":")) if problem.row is None else None
    return replace(problem, row=row) if row else problem
