"""Words that promise what nobody can: no text about an investment may hold them, however they are written."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.content.files import ContentError, read_yaml

#: Letters of other alphabets, and digits and signs, that read like Latin letters.
_ALIKE = str.maketrans(
    # Cyrillic
    "\u0430\u0432\u0433\u0435\u0451\u0456\u0457\u0458\u043a\u043c\u043d\u043e\u043f\u0440\u0441\u0442\u0443\u0445"
    "\u04af\u04bb\u0501\u051b\u0455"
    # Greek
    "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    # Armenian, and Latin letters of phonetics
    "\u0578\u057d\u0581\u0585\u0251\u0261\u0131",
    "abreeiijkmhonpctyxyhdqsabenikuvoptuxnugoagi",
)
_WRITTEN_ALSO = {"a": "a4@", "e": "e3€", "i": "i1!", "o": "o0", "s": "s5$", "t": "t7", "l": "l1", "g": "g9"}
#: Texts whose promises are remembered: those of some hundred cards.
_REMEMBERED = 20_000
#: What may stand between two letters of a word that is spaced out or hyphenated.
_LONGEST_GAP = r"[\W_]{0,4}"


class Promises:
    """The words of promises.yaml: plain ones in any spelling, exact ones with their accents."""

    def __init__(self, words: Iterable[str], exact: Iterable[str], allowed: Iterable[str]) -> None:
        self._words = [(word, _pattern(word)) for word in words]
        self._exact = [(word, re.compile(rf"(?<!\w){re.escape(_composed(word))}(?!\w)")) for word in exact]
        self._known: dict[str, tuple[str, ...]] = {}
        self._allowed = [re.compile(rf"(?<!\w){re.escape(word)}(?!\w)") for word in map(_folded, allowed)]

    @classmethod
    def load(cls, messages_dir: Path) -> "Promises":
        """Read promises.yaml."""
        path = messages_dir / "promises.yaml"
        data = read_yaml(path)
        lists = [data.get(name) for name in ("words", "exact", "allowed")]
        if not all(isinstance(one, dict) and all(isinstance(part, list) for part in one.values()) for one in lists):
            raise ContentError(f"{path} must hold words, exact and allowed, each a list of words for each language")
        return cls(*([word for part in one.values() for word in part] for one in lists if one is not None))

    def find(self, text: str) -> list[str]:
        """Return the promises in a text, as the list writes them; the cards that people browse are read once."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[text] = tuple(self._search(text))
        return list(found)

    def _search(self, text: str) -> list[str]:
        folded = _folded(text)
        for pattern in self._allowed:
            folded = pattern.sub(" ; ", folded)
        composed = _composed(text)
        return [word for word, pattern in self._words if pattern.search(folded)] + [
            word for word, pattern in self._exact if pattern.search(composed)
        ]


def _pattern(word: str) -> re.Pattern[str]:
    """Match the word with its letters doubled, spaced out, hyphenated, or replaced by look-alikes."""
    letters = (f"[{re.escape(_WRITTEN_ALSO.get(char, char))}]+" for char in _folded(word) if char.isalnum())
    return re.compile(rf"(?<![^\W_]){_LONGEST_GAP.join(letters)}(?![^\W_])")


def _folded(text: str) -> str:
    """Return the text in small Latin letters without accents and without what cannot be seen."""
    decomposed = unicodedata.normalize("NFKD", "".join(_visible(text)).casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return plain.translate(_ALIKE).replace("’", "'")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", "".join(_visible(text))).casefold()


def _visible(text: str) -> Iterator[str]:
    """Leave out joiners, soft hyphens and marks of direction."""
    return (char for char in text if unicodedata.category(char) != "Cf")
