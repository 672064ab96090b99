"""Bring what people type to one form, so that capitals, accents, punctuation and emoji do not matter."""

import unicodedata

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})
_APOSTROPHES = frozenset("'’‘ʼ`´")


#: What phones and other scripts put for the plain marks of numbers, dates and lists.
_PLAIN_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("’‘ʼ`´", "'"),
        **dict.fromkeys("\u066b", "."),
        **dict.fromkeys("\u066c\u060c\u3001", ","),
        "\u061b": ";",
        **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
    }
)


def plain_marks(text: str) -> str:
    """Return `text` with plain dashes, apostrophes, separators and wide letters, each space an ordinary one."""
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(visible.translate(_PLAIN_MARKS).split())


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
