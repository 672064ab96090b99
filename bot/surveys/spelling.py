"""Find which choices a person means: by number, label or code, however it is spelled. Doubt is None, never a guess."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.content import Keyword, Keywords
from bot.content.normalise import normalise

# South African Sesotho spellings and the ones of Lesotho: both sides are brought to one form before they are compared.
_SESOTHO = (("tjh", "ch"), ("kg", "kh"), ("di", "li"), ("du", "lu"), ("w", "o"), ("y", "e"))
_NUMBERED = re.compile(r"[(#]?\s*(\d{1,4})\s*[.):]?")
_MARKS = re.compile(r"[,;/&+\n]")
_AND = re.compile(r"\s(?:and|et|le|ndi|ek)\s", re.IGNORECASE)
_SPAN = re.compile(r"\d\s*[-–]\s*\d")

_plain_label = lru_cache(maxsize=8192)(normalise)


@dataclass(frozen=True, slots=True)
class Option:
    """A choice on offer: its code, and its label in each language, the one that is shown first."""

    value: str
    labels: tuple[str, ...]

    @property
    def label(self) -> str:
        """Return the label that is shown."""
        return self.labels[0]

    def spellings(self) -> list[str]:
        """Return the labels as `normalise` writes them."""
        return [_plain_label(label) for label in self.labels]


def choose(text: str, options: Sequence[Option], keywords: Keywords, language: str) -> Option | None:
    """Return the one option that `text` means."""
    said = normalise(text)
    return (
        by_label(said, options)
        or _by_number(text, options)
        or _only(option for option in options if normalise(option.value) == said)
        or _by_keyword(text, options, keywords)
        or _by_beginning(said, options)
        or _by_sound(said, options, language)
        or _by_likeness(said, options)
    )


def choose_many(text: str, options: Sequence[Option], keywords: Keywords, language: str) -> list[Option] | None:
    """Return the options that `text` lists ("1,3", "1 3", "work and study"), in that order; None if one is unclear."""
    whole = choose(text, options, keywords, language)
    if whole:
        return [whole]
    if _SPAN.search(text):  # "1-3" may be two choices or three
        return None
    found: dict[Option, None] = {}
    for part in filter(str.strip, _MARKS.split(text)):
        option = choose(part, options, keywords, language)
        listed = [option] if option else [choose(bit, options, keywords, language) for bit in _bits(part)]
        if None in listed:
            return None
        found |= dict.fromkeys(filter(None, listed))
    return list(found) or None


def _bits(part: str) -> list[str]:
    """Take apart what has no marks in between: "1 3", "work and study"."""
    numbers = part.split()
    return numbers if all(map(str.isdecimal, numbers)) else _AND.split(part)


def search(text: str, options: Sequence[Option]) -> list[Option]:
    """Return the options with words that begin like the words of `text`: a long list narrowed down."""
    words = normalise(text).split()
    return [option for option in options if words and any(_begin(words, label) for label in option.spellings())]


def _begin(words: list[str], label: str) -> bool:
    return all(any(own.startswith(word) for own in label.split()) for word in words)


def by_label(said: str, options: Iterable[Option]) -> Option | None:
    """Return the option whose label, in any language, reads like `said` (normalised)."""
    return _only(option for option in options if said and said in option.spellings())


def _only(options: Iterable[Option]) -> Option | None:
    found = list(options)
    return found[0] if len(found) == 1 else None


def _by_number(text: str, options: Sequence[Option]) -> Option | None:
    numbered = _NUMBERED.fullmatch(normalise(text) if text.strip().endswith("\u20e3") else text.strip())
    number = int(numbered[1]) if numbered else 0
    return options[number - 1] if 0 < number <= len(options) else None


def _by_keyword(text: str, options: Sequence[Option], keywords: Keywords) -> Option | None:
    meant = keywords.match(text)
    if meant not in {Keyword.YES, Keyword.NO}:
        return None
    return _only(o for o in options if any(keywords.match(word) == meant for word in (o.value, *o.labels)))


def _by_beginning(said: str, options: Sequence[Option]) -> Option | None:
    """Take "south" for "South Africa", but a short word only when it is the first: "no" is not "Norway"."""
    start = said if len(said) >= 3 else f"{said} "
    return _only(o for o in options if said and any(label.startswith(start) for label in o.spellings()))


def _by_sound(said: str, options: Sequence[Option], language: str) -> Option | None:
    if language != "st":
        return None
    return _only(o for o in options if _sesotho(said) in map(_sesotho, o.spellings()))


def _sesotho(text: str) -> str:
    for other, lesotho in _SESOTHO:
        text = text.replace(other, lesotho)
    return text


def _by_likeness(said: str, options: Sequence[Option]) -> Option | None:
    """Forgive one wrong letter, two in a long word, when no other option is as near."""
    if len(said) < 4 or any(map(str.isdigit, said)):
        return None
    allowed = 1 if len(said) < 8 else 2
    near = sorted(
        (min(distance(said, label) for label in labels), number)
        for number, option in enumerate(options)
        if (labels := [label for label in option.spellings() if abs(len(label) - len(said)) <= allowed])
    )
    if not near or near[0][0] > allowed or (len(near) > 1 and near[1][0] == near[0][0]):
        return None
    return options[near[0][1]]


def distance(one: str, other: str) -> int:
    """Return how many letters must be changed, added, left out or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
