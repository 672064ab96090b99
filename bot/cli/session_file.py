"""What a file for `session new` holds, and other words of that command, read with the cure for what is wrong."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.cli import rules
from bot.cli.output import Trouble
from bot.content.languages import LANGUAGES

#: Only the first four are needed.
SHAPE = (
    '{"title": {"en": "..."}, "starts": "2027-03-27 17:00", "zone": "Africa/Maseru", "minutes": 90, '
    '"description": {"en": "..."}, "place": "...", "link": "https://...", "capacity": 30, "languages": ["en"], '
    '"register_by": "2027-03-26 12:00", "reminders": [10080, 1440, 60], "speaker": "...", "by_invitation": false, '
    '"certificate": true, "pretest_form": "...", "posttest_form": "...", "feedback_form": "...", "requires": 1, '
    '"run_of": 1, "series": {"en": "..."}, "audience": {"origins": ["LS"]}}'
)
_TEXT_LIMIT = {"title": 200, "series": 200, "speaker": 200}
_LONGEST = 2000
_TEXTS = ("place", "link", "speaker", "pretest_form", "posttest_form", "feedback_form")
_FLAGS = ("by_invitation", "certificate")
_NUMBERS = ("minutes", "capacity", "requires", "run_of")
_KNOWN = ("title", "description", "series", "starts", "zone", "register_by", "languages", "reminders", "audience")
#: Where a column is called otherwise than in the file.
_COLUMNS = {"requires": "requires_id"}


def read(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of a session, and the title of the series that it belongs to."""
    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Trouble(f"{file} is not JSON: {error}") from None
    if not isinstance(given, dict) or not {"title", "starts", "zone", "minutes"} <= given.keys():
        raise Trouble(f"{file} must hold {SHAPE}")
    known = {*_KNOWN, *_TEXTS, *_FLAGS, *_NUMBERS}
    if unknown := sorted(given.keys() - known):
        raise Trouble(f"{file}: {', '.join(unknown)} is none of {', '.join(sorted(known))}")
    zone = _text(given, "zone")
    values: dict[str, Any] = {name: _by_language(given, name) for name in ("title", "description")}
    values |= {name: _text(given, name) or None for name in _TEXTS}
    values |= {name: _flag(given, name) for name in _FLAGS}
    values |= {_COLUMNS.get(name, name): _number(given, name) for name in _NUMBERS}
    values |= {"starts_local": wall(_text(given, "starts"), "starts"), "zone": zone}
    values["register_by"] = _deadline(given, zone)
    values["languages"] = _codes(given)
    values["audience"] = rules.audience(json.dumps(given["audience"])).to_json() if "audience" in given else {}
    if "reminders" in given:
        values["reminders"] = _offsets(given)
    return values, _by_language(given, "series")


def wall(text: str, name: str) -> datetime:
    """Read a time as on the wall of the session's place."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(f"{name} must be a local time such as 2027-03-27 17:00") from None
    if found.tzinfo is not None:
        raise Trouble(f"{name} must be the local time of the session's zone, without an offset")
    return found


def _by_language(given: Mapping[str, Any], name: str) -> dict[str, str]:
    texts, limit = given.get(name, {}), _TEXT_LIMIT.get(name, _LONGEST)
    fits = isinstance(texts, dict) and all(
        code in LANGUAGES and isinstance(text, str) and len(text) <= limit for code, text in texts.items()
    )
    if not fits:
        raise Trouble(f"{name} must be texts of at most {limit} characters by language ({', '.join(LANGUAGES)})")
    return {code: text.strip() for code, text in texts.items() if text.strip()}


def _text(given: Mapping[str, Any], name: str) -> str:
    text, limit = given.get(name) or "", _TEXT_LIMIT.get(name, _LONGEST)
    if not isinstance(text, str) or len(text) > limit:
        raise Trouble(f"{name} must be a text of at most {limit} characters")
    return text


def _flag(given: Mapping[str, Any], name: str) -> bool:
    if not isinstance(given.get(name, False), bool):
        raise Trouble(f"{name} must be true or false")
    return bool(given.get(name, False))


def _number(given: Mapping[str, Any], name: str) -> int | None:
    number = given.get(name)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 10**9):
        raise Trouble(f"{name} must be a whole number above 0")
    return number


def _deadline(given: Mapping[str, Any], zone: str) -> datetime | None:
    if not given.get("register_by"):
        return None
    at = wall(_text(given, "register_by"), "register_by")
    try:
        return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError):
        raise Trouble(f"{zone} is not a time zone: write one such as Africa/Maseru") from None


def _codes(given: Mapping[str, Any]) -> list[str]:
    codes = given.get("languages", [])
    if not isinstance(codes, list) or not all(code in LANGUAGES for code in codes):
        raise Trouble(f"languages must be a list of {', '.join(LANGUAGES)}")
    return codes


def _offsets(given: Mapping[str, Any]) -> list[int]:
    offsets = given["reminders"]
    if not isinstance(offsets, list) or not all(isinstance(one, int) and 0 < one < 10**6 for one in offsets):
        raise Trouble("reminders must be a list of minutes before the start, such as [1440, 60]")
    return offsets
