"""Understand which of a few answers is meant: by code, by number, or by label in any language."""

from collections.abc import Sequence

from bot.channels.base import Button
from bot.content import Content, Keyword
from bot.content.languages import LANGUAGES
from bot.content.normalise import normalise
from bot.conversations.talk import Talk


def number(text: str) -> int | None:
    """Return the small whole number that is all of `text`; no list of ours has a thousand answers."""
    said = normalise(text)
    return int(said) if said.isdecimal() and len(said) <= 3 else None


def buttons(talk: Talk, step: str, prefix: str, codes: Sequence[str]) -> tuple[Button, ...]:
    """Return a button for each code, labelled from the catalogue."""
    return tuple(Button(f"reg:{step}:{code}", talk.text(f"{prefix}.{code}")) for code in codes)


def chosen(talk: Talk, said: str, prefix: str, codes: Sequence[str]) -> str | None:
    """Return the code that was meant."""
    if said in codes:
        return said
    position = number(said)
    if position is not None:
        return codes[position - 1] if 1 <= position <= len(codes) else None
    return labelled(talk.content, said, {code: f"{prefix}.{code}" for code in codes})


def labelled(content: Content, said: str, keys: dict[str, str]) -> str | None:
    """Return the code whose label `said` is, in any language, drafts included."""
    wanted = normalise(said)
    for code, key in keys.items():
        entries = (content.catalogue.entry(key, language) for language in LANGUAGES)
        if any(normalise(entry.forms[0]) == wanted for entry in entries if entry):
            return code
    return None


def several(talk: Talk, said: str, prefix: str, codes: Sequence[str]) -> list[str]:
    """Return the codes meant by "1,3", "1 3" or labels; nothing when any part is not understood."""
    if "," in said:
        parts = said.split(",")
    else:
        parts = normalise(said).split() if normalise(said).replace(" ", "").isdecimal() else [said]
    found = [chosen(talk, part.strip(), prefix, codes) for part in parts if part.strip()]
    return [] if None in found else [code for code in found if code]


def numbers(said: str, highest: int) -> set[int]:
    """Return the numbers in "1 3 4"; nothing when anything else is said too."""
    found = [number(part) for part in normalise(said).split()]
    return {one for one in found if one} if all(one and one <= highest for one in found) else set()


def agreement(talk: Talk, said: str, yes: str = "button.yes", no: str = "button.no") -> bool | None:
    """Return whether yes or no is meant; `yes` and `no` are the keys of the buttons shown."""
    meaning = talk.content.keywords.match(said) or labelled(talk.content, said, {"YES": yes, "NO": no})
    if meaning == Keyword.YES:
        return True
    return False if meaning == Keyword.NO else None


def language(talk: Talk, said: str) -> str | None:
    """Return the language that a code, a number or a name means."""
    codes = tuple(LANGUAGES)
    position = number(said)
    if position is not None:
        return codes[position - 1] if 1 <= position <= len(codes) else None
    return said if said in codes else talk.content.keywords.language(said)
