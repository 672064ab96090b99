"""What an export says of itself: filters, who is in it, missing codes, checksums."""

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bot.exports.cases import MEANINGS
from bot.exports.names import SPSS_CODES
from bot.exports.options import Options
from bot.exports.tally import Tally
from bot.exports.variables import Kind
from bot.exports.wording import wording
from bot.surveys.form import Form

MISSING_HEAD = ("code", "meaning", "spss", "stata")
ABOUT_HEAD = ("about", "detail", "value")
ABOUT_KINDS = (Kind.TEXT, Kind.TEXT, Kind.NUMBER)


def describe(
    forms: Sequence[Form], options: Options, tally: Tally, shortened: Sequence[str], anonymity: dict[str, Any]
) -> dict[str, Any]:
    """Return the manifest; the same data and options give the same one, so it tells no time of its own.

    `shortened` names the texts that a format has no room for.
    """
    form = forms[0]
    return {
        "form": {"id": form.id, "version": form.version, "title": form.title, "sha256": form.sha256},
        "older_versions": {older.version: older.sha256 for older in forms[1:]},
        "options": options.as_json(),
        **tally.summary(),
        "missing_codes": {str(code): meaning for code, meaning in MEANINGS.items()},
        "shortened": list(shortened),
        "anonymity": anonymity,
        "caution": wording()["caution"],
        "privacy": wording()["identified" if options.identified else "privacy"],
        "software": f"diaspora-outreach {software_version()}",
    }


def missing_rows() -> Iterator[list[str]]:
    """Yield each missing code with its meaning, and what stands for it among numbers in SPSS and Stata."""
    for code, meaning in MEANINGS.items():
        yield [code, meaning, str(SPSS_CODES[code]), code]


def as_json(manifest: dict[str, Any]) -> str:
    """Return the manifest as it is written to its file."""
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"


def about_rows(manifest: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the manifest as rows of three cells: subject, detail, value."""
    for subject, value in manifest.items():
        if subject == "missing_codes":  # they have a sheet of their own
            continue
        details = value.items() if isinstance(value, dict) else [("", value)]
        for detail, each in details:
            yield [subject.replace("_", " "), str(detail), _plain(each)]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def software_version() -> str:
    """Return the version of this software; a tree that is not installed has none."""
    try:
        return version("diaspora-outreach")
    except PackageNotFoundError:
        return "unreleased"
