"""The words that mean the same at any time and in every language at once: STOP, HELP, YES ..."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.content.files import ContentError, read_yaml
from bot.content.languages import LANGUAGES
from bot.content.normalise import normalise

_COMMAND = re.compile(r"\s*/([A-Za-z_]+)(?:@\w+)?\s*")
_START = re.compile(r"\s*/?start(?:@\w+)?\s+([A-Za-z0-9_-]{1,64})\s*", re.IGNORECASE)


class Keyword(StrEnum):
    """What a message can mean when it is nothing but a keyword."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"
    MENU = "MENU"
    LANGUAGE = "LANGUAGE"
    MY_DATA = "MY_DATA"
    CORRECT = "CORRECT"
    DELETE = "DELETE"
    SURVEY = "SURVEY"
    SESSIONS = "SESSIONS"
    CALENDAR = "CALENDAR"
    OPPORTUNITIES = "OPPORTUNITIES"
    HUMAN = "HUMAN"
    VERIFY = "VERIFY"
    REPORT = "REPORT"
    INVITE = "INVITE"
    PROFILE = "PROFILE"
    COSTS = "COSTS"
    ABOUT = "ABOUT"
    BACK = "BACK"
    SKIP = "SKIP"
    CHANGE = "CHANGE"
    WHY = "WHY"
    PAUSE = "PAUSE"
    DONE = "DONE"
    MORE = "MORE"
    MAYBE = "MAYBE"
    YES = "YES"
    NO = "NO"


@dataclass(frozen=True)
class Word:
    """A word of keywords.yaml: what it means, in which language, and as written there."""

    meaning: str
    language: str
    written: str


class Keywords:
    """Every keyword of every language."""

    def __init__(self, meanings: Mapping[str, str], languages: Mapping[str, str]) -> None:
        self._meanings = meanings
        self._languages = languages

    @classmethod
    def load(cls, messages_dir: Path) -> "Keywords":
        """Read keywords.yaml; a word with two meanings raises ContentError."""
        return cls(_index(read_words(messages_dir)), _index(read_language_names(messages_dir)))

    def match(self, text: str) -> Keyword | None:
        """Return the keyword that is the whole of `text` (also as a /command); CHANGE may carry a number."""
        command = _COMMAND.fullmatch(text)
        said = normalise(command[1].replace("_", " ") if command else text)
        found = self._meanings.get(said)
        if found is None and self.parse_change(text) is not None:
            return Keyword.CHANGE
        return None if found is None else Keyword(found)

    def parse_change(self, text: str) -> int | None:
        """Return the number in "CHANGE 3" (in any language), or None."""
        said, _, number = normalise(text).rpartition(" ")
        changes = self._meanings.get(said) == Keyword.CHANGE
        return int(number) if changes and number.isdecimal() and len(number) <= 4 else None

    def language(self, text: str) -> str | None:
        """Return the code of the language that `text` names, or None."""
        return self._languages.get(normalise(text))


def parse_start(text: str) -> str | None:
    """Return the payload of "/start payload" or "START payload" (a join link's code), as written."""
    found = _START.fullmatch(text)
    return found[1] if found else None


def read_words(messages_dir: Path) -> list[Word]:
    """Return every word of keywords.yaml with its meaning."""
    path = messages_dir / "keywords.yaml"
    words: list[Word] = []
    for meaning, by_language in read_yaml(path).get("words", {}).items():
        if meaning not in Keyword.__members__:
            raise ContentError(f"{path}: {meaning!r} is not a keyword; use one of {', '.join(Keyword)}")
        for language, written in by_language.items():
            words += [Word(meaning, language, word) for word in _written(path, meaning, written)]
    return words


def read_language_names(messages_dir: Path) -> list[Word]:
    """Return every way of naming a language, its own name included."""
    path = messages_dir / "keywords.yaml"
    named = read_yaml(path).get("languages", {})
    return [Word(code, code, LANGUAGES[code].name) for code in LANGUAGES] + [
        Word(code, code, name) for code in LANGUAGES for name in _written(path, code, named.get(code, []))
    ]


def collisions(words: list[Word]) -> Iterator[tuple[Word, Word]]:
    """Yield the pairs of words that read alike and mean different things."""
    first: dict[str, Word] = {}
    for word in words:
        earlier = first.setdefault(normalise(word.written), word)
        if earlier.meaning != word.meaning:
            yield earlier, word


def _index(words: list[Word]) -> dict[str, str]:
    for one, other in collisions(words):
        raise ContentError(f"keywords.yaml: {other.written!r} means both {one.meaning} and {other.meaning}; keep one")
    return {normalise(word.written): word.meaning for word in words}


def _written(path: Path, name: str, words: list[str]) -> Iterator[str]:
    for word in words:
        if not normalise(word):
            raise ContentError(f"{path}: a word of {name} has no letter or digit: {word!r}")
        yield word
