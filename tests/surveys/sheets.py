"""Small XLSForms written as rows, and runs of them at one fixed moment."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.surveys.engine import Session, State, start
from bot.surveys.form import Form
from bot.surveys.trace import trace
from bot.surveys.xform import load

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
TZ = ZoneInfo("Africa/Maseru")
YES_NO = [{"list_name": "yn", "name": "yes", "label": "Yes"}, {"list_name": "yn", "name": "no", "label": "No"}]

SETTINGS = [{"form_id": "data"}]

Rows = list[dict[str, str]]


def sheet(survey: Rows, choices: Rows = YES_NO, settings: Sequence[dict[str, str]] = SETTINGS) -> bytes:
    """Write sheets as pyxform's markdown."""
    text = ""
    for name, rows in {"survey": survey, "choices": choices, "settings": settings}.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        text += f"| {name} |\n| | {' | '.join(columns)} |\n" if rows else ""
        for row in rows:
            text += "| | " + " | ".join(row.get(column, "") for column in columns) + " |\n"
    return text.encode()


def row(kind: str, name: str, **columns: str) -> dict[str, str]:
    """Write one row of the survey sheet; `label` is the name unless given."""
    labels = {} if any(column.startswith("label") for column in columns) else {"label": name}
    return {"type": kind, "name": name, **labels, **columns}


def form(
    survey: Rows,
    choices: Rows = YES_NO,
    settings: Sequence[dict[str, str]] = SETTINGS,
    media: Mapping[str, bytes] | None = None,
    **how: bool,
) -> Form:
    """Load a form of these rows."""
    return load(sheet(survey, choices, settings), "form.md", media, **how)


def begin(made: Form, language: str | None = None) -> Session:
    """Begin a run."""
    return again(made, start(made, now=NOW, tz=TZ, language=language))


def again(made: Form, state: State) -> Session:
    """Bring a stored run to life."""
    return Session(made, State.from_json(state.to_json()), now=NOW, tz=TZ)


def states(made: Form, *ops: tuple[str, str, str]) -> list[dict[str, dict[str, object]]]:
    """Trace ("set" | "add" | "remove" | "language", path, value or index)."""
    written = [
        {"op": op, "path": path, "value": value, "index": value, "language": path} for op, path, value in ops
    ]  # fmt: skip
    return trace(made, written, NOW, TZ)


def calculated(expression: str, **answers: str) -> str:
    """Return what a calculation gives, with these answers as text questions."""
    survey = [row("text", name) for name in answers] + [row("calculate", "result", calculation=expression)]
    ops = [("set", f"/data/{name}", value) for name, value in answers.items()]
    return str(states(form(survey), *ops)[-1]["/data/result"]["value"])
