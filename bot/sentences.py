"""Sentences for staff that keep what they are made of, so that a page can say them in the reader's language."""

from collections.abc import Callable


class Sentence(str):
    """An English sentence with its values filled in: text to everybody, and translatable to who knows.

    `pattern` has `%(name)s` where a value goes (a plain percent sign is `%%`); a value may be a sentence itself.
    """

    pattern: str
    values: dict[str, object]

    def __new__(cls, pattern: str, /, **values: object) -> "Sentence":
        made = super().__new__(cls, pattern % values)
        made.pattern, made.values = pattern, values
        return made


def said(text: str, translate: Callable[[str], str]) -> str:
    """Return the text as `translate` says its pattern; what is no sentence stays as it is."""
    if not isinstance(text, Sentence):
        return text
    values = {name: said(value, translate) if isinstance(value, str) else value for name, value in text.values.items()}
    return translate(text.pattern) % values
