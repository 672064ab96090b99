"""What a file for `opportunity new` holds, read with the cure for what is wrong; what is missing the gate says."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.output import Trouble
from bot.content.languages import LANGUAGES

if TYPE_CHECKING:
    from bot.opportunities.service import Draft

SHAPE = (
    '{"texts": {"en": {"title": "...", "summary": "...", "term": "...", "fees": "...", "exit": "...", '
    '"eligibility": "...", "risks": "one on each line"}, "fr": {"risks": "..."}}, "country": "MW", '
    '"sector": "savings", "issuer": "...", "licence": "...", "instrument": "account", "currency": "USD", '
    '"minimum": "50.00", "size": "under_100", "authority": "...", "authority_contact": "...", "languages": ["en"], '
    '"review_on": "2027-01-31", "valid_until": "2027-06-30"}'
)
_LONGEST = {"texts": 1000, "country": 2, "currency": 3, "sector": 32, "instrument": 32, "size": 16}
_NAMES = ("country", "sector", "issuer", "licence", "instrument", "currency", "size", "authority", "authority_contact")
_DAYS = ("review_on", "valid_until")
_MOST = Decimal(10) ** 15


def read(file: Path) -> "Draft":
    """Return what the author decides."""
    from bot.opportunities.service import Draft

    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Trouble(f"{file} is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise Trouble(f"{file} must hold {SHAPE}")
    known = {"texts", "minimum", "languages", *_NAMES, *_DAYS}
    if unknown := sorted(given.keys() - known):
        raise Trouble(f"{file}: {', '.join(unknown)} is none of {', '.join(sorted(known))}")
    names = {name: _text(given.get(name, ""), name) for name in _NAMES}
    days = {name: _day(given.get(name), name) for name in _DAYS}
    fields: dict[str, Any] = {**names, **days, "texts": _texts(given.get("texts", {}))}
    return Draft(**fields, minimum=_amount(given.get("minimum")), languages=_codes(given.get("languages", [])))


def _text(value: Any, name: str) -> str:
    limit = _LONGEST.get(name, 200)
    if not isinstance(value, str) or len(value) > limit:
        raise Trouble(f"{name} must be a text of at most {limit} characters")
    return value


def _texts(value: Any) -> Mapping[str, Mapping[str, str]]:
    from bot.opportunities.models import TEXTS

    if not isinstance(value, dict) or not set(value) <= set(LANGUAGES):
        raise Trouble(f"texts must be by language: {', '.join(LANGUAGES)}")
    for code, texts in value.items():
        if not isinstance(texts, dict) or not set(texts) <= set(TEXTS):
            raise Trouble(f"texts of {code} must be some of {', '.join(TEXTS)}")
        for text in texts.values():
            _text(text, "texts")
    return value


def _day(value: Any, name: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Trouble(f"{name} must be a day such as 2027-06-30") from None


def _amount(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or not 0 < number < _MOST:
        raise Trouble("minimum must be an amount above 0, such as 50.00")
    return number.quantize(Decimal("0.01"))


def _codes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(code in LANGUAGES for code in value):
        raise Trouble(f"languages must be a list of {', '.join(LANGUAGES)}")
    return tuple(value)
