"""What stands between a card and the members: required fields, a risk in every language, no promises, no dead dates.

Problems are codes; the console and the command line have the sentences.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from babel.numbers import is_currency

from bot.content import Content, links
from bot.content.languages import LANGUAGES, SOURCE
from bot.opportunities.models import COUNTRIES, INSTRUMENTS, SECTORS, SIZES, TEXTS

#: Longest text of each kind, in characters: a message holds any of them together with all risks.
LIMITS = {"title": 80, "summary": 200, "risks": 280}
TEXT_LIMIT = 240
NAME_LIMIT = 120
#: Texts that may be left out; the rest must be there in English, which stands in for the others.
_OPTIONAL = ("return", "basis", "documents")
_NAMES = ("issuer", "licence", "authority", "authority_contact")
_CODES = {"country": COUNTRIES, "sector": SECTORS, "instrument": INSTRUMENTS, "size": SIZES}


class Card(Protocol):
    """What is checked: a row, or what an author typed."""

    @property
    def texts(self) -> Mapping[str, Any]: ...
    @property
    def country(self) -> str: ...
    @property
    def sector(self) -> str: ...
    @property
    def issuer(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def instrument(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def minimum(self) -> Decimal | None: ...
    @property
    def size(self) -> str: ...
    @property
    def authority(self) -> str: ...
    @property
    def authority_contact(self) -> str: ...
    @property
    def languages(self) -> Any: ...
    @property
    def review_on(self) -> date | None: ...
    @property
    def valid_until(self) -> date | None: ...


#: Everything an author decides, and an approval covers.
FIELDS = tuple(name for name in vars(Card) if isinstance(vars(Card)[name], property))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stands in the way of publication."""

    code: str
    field: str
    language: str | None = None
    detail: str = ""


def problems(content: Content, card: Card, today: date, domains: tuple[str, ...] = ()) -> list[Problem]:
    """Return everything that must be put right before a second person may approve."""
    return [
        *_names(card),
        *_codes(card),
        *_texts(card),
        *_returns(card),
        *_risks(card),
        *_dates(card, today),
        *_words(content, card, domains),
    ]


def is_complete(content: Content, card: Card) -> bool:
    """Say whether a card has all that any card must have, whatever the day."""
    return not [*_names(card), *_codes(card), *_texts(card), *_returns(card), *_risks(card), *_promises(content, card)]


def content_hash(card: Card) -> str:
    """Return the SHA-256 of everything an approval covers."""
    covered = {name: _plain(getattr(card, name)) for name in FIELDS}
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else value


def risks(card: Card, language: str) -> list[str]:
    """Return the named risks in a language, one on each line."""
    return [line.strip() for line in _text(card, language, "risks").splitlines() if line.strip()]


def _text(card: Card, language: str, name: str) -> str:
    return str(card.texts.get(language, {}).get(name, ""))


def _names(card: Card) -> Iterator[Problem]:
    for name in _NAMES:
        value = getattr(card, name)
        if not value.strip():
            yield Problem("missing", name)
        elif len(value) > NAME_LIMIT:
            yield Problem("too_long", name, detail=str(NAME_LIMIT))


def _codes(card: Card) -> Iterator[Problem]:
    for name, codes in _CODES.items():
        if getattr(card, name) not in codes:
            yield Problem("missing", name)
    if not is_currency(card.currency):
        yield Problem("missing", "currency")
    if card.minimum is None or card.minimum <= 0:
        yield Problem("missing", "minimum")
    if not card.languages or not set(card.languages) <= set(LANGUAGES):
        yield Problem("missing", "languages")


def _texts(card: Card) -> Iterator[Problem]:
    for name in TEXTS:
        if name not in (*_OPTIONAL, "risks") and not _text(card, SOURCE, name).strip():
            yield Problem("missing", name, SOURCE)
        for language in card.texts:
            limit = LIMITS.get(name, TEXT_LIMIT)
            if len(_text(card, language, name)) > limit:
                yield Problem("too_long", name, language, str(limit))


def _returns(card: Card) -> Iterator[Problem]:
    """No figure without what it rests on, in the same language; what English lacks no other language may add."""
    for language in card.texts:
        has_return, has_basis = (bool(_text(card, language, name).strip()) for name in ("return", "basis"))
        if has_return != has_basis:
            yield Problem("missing", "basis" if has_return else "return", language)
        elif has_return and not _text(card, SOURCE, "return").strip():
            yield Problem("missing", "return", SOURCE)


def _risks(card: Card) -> Iterator[Problem]:
    for language in LANGUAGES:
        if not risks(card, language):
            yield Problem("missing", "risks", language)


def _dates(card: Card, today: date) -> Iterator[Problem]:
    for name in ("review_on", "valid_until"):
        day = getattr(card, name)
        if day is None:
            yield Problem("missing", name)
        elif day < today:
            yield Problem("over", name)


def _words(content: Content, card: Card, domains: tuple[str, ...]) -> Iterator[Problem]:
    yield from _promises(content, card)
    for name, language, text in _said(card):
        for host in links.foreign(text, domains):
            yield Problem("link", name, language, host)


def _promises(content: Content, card: Card) -> Iterator[Problem]:
    for name, language, text in _said(card):
        for word in content.promises.find(text):
            yield Problem("promise", name, language, word)


def _said(card: Card) -> Iterator[tuple[str, str | None, str]]:
    """Yield each text that members may read, with its field and language."""
    for name in _NAMES:
        yield name, None, getattr(card, name)
    for language, texts in card.texts.items():
        for name in TEXTS:
            yield name, language, str(texts.get(name, ""))
