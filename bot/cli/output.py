"""How commands speak: tables for people, JSON for programs, sentences for troubles."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy.exc import DatabaseError, OperationalError

from bot.backup import BackupError, CopyError
from bot.content import ContentError
from bot.crypto import WrongKey
from bot.db import DatabaseUnusable
from bot.exports.options import ExportError
from bot.migrations import NotUpgraded
from bot.settings import SettingsError
from bot.surveys.form import FormError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Trouble(Exception):
    """Something a person can mend; the message says how."""


#: Exceptions whose message is the sentence to print.
_EXPECTED = (
    Trouble,
    BackupError,
    CopyError,
    SettingsError,
    ContentError,
    WrongKey,
    DatabaseUnusable,
    NotUpgraded,
    FormError,
    ExportError,
)


def complain(error: Exception) -> str | None:
    """Return the sentence for an expected trouble, or None for a defect of ours."""
    if isinstance(error, _EXPECTED):
        return str(error)
    if isinstance(error, OperationalError) or type(error) is DatabaseError:  # its other kinds are defects of ours
        reason = str(error.orig).strip().partition("\n")[0]
        return f"The database refused ({reason}): check its disk and permissions, or restore it from a backup"
    if isinstance(error, UnicodeDecodeError):
        return "A file that we read at the start (.env, or a key in DATA_DIR/keys) is not UTF-8 text: save it as UTF-8"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}. Check the path and its permissions"
    return None


def show_json(value: Any) -> None:
    """Print one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def show_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console().print(table)
