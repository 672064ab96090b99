"""Bring what people type to one form, so that capitals, accents, punctuation and emoji do not matter."""

import unicodedata

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})
_APOSTROPHES = frozenset("'’‘ʼ`´")


def normalise(text: str) -> str:
    """Return `text` in lower case, without accents and apostrophes, other punctuation and emoji turned into spaces."""
    # Twice, because some letters only show their capital once decomposed (mathematical alphabets of "fancy" names).
    folded = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(_LETTERS)
    decomposed = unicodedata.normalize("NFKD", folded)
    return " ".join("".join(map(_plain, decomposed)).split())


def _plain(char: str) -> str:
    if char.isalnum():
        return char
    # Marks are accents and emoji variations, Cf the joiners and direction marks that copied text brings along.
    invisible = char in _APOSTROPHES or unicodedata.category(char) in {"Mn", "Me", "Cf"}
    return "" if invisible else " "
