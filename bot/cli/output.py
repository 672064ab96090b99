"""How commands speak: tables for people, JSON for programs, sentences for troubles."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from bot.content import ContentError
from bot.crypto import WrongKey
from bot.db import DatabaseUnusable
from bot.migrations import NotUpgraded
from bot.settings import SettingsError
from bot.surveys.form import FormError


class Trouble(Exception):
    """Something a person can mend; the message says how."""


#: Exceptions whose message is the sentence to print.
_EXPECTED = (Trouble, SettingsError, ContentError, WrongKey, DatabaseUnusable, NotUpgraded, FormError)


def complain(error: Exception) -> str | None:
    """Return the sentence for an expected trouble, or None for a defect of ours."""
    if isinstance(error, _EXPECTED):
        return str(error)
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
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
