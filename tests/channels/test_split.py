"""Long texts in parts: nothing is lost, nothing is torn, and no part is too long or empty."""

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.split import measure, split

FAMILY = "\u200d".join("\U0001f468\U0001f469\U0001f467")
SIGNS = [
    "a", "b", "1", " ", " ", "\n", "\n\n", ".", "é", "e\u0301", "\u1e0d\u0323\u0307", "😀", FAMILY,
    "\U0001f44d\U0001f3fe", "\U0001f1f1\U0001f1f8", "\U0001f1f2\U0001f1fa", "1\ufe0f\u20e3", "\u2764\ufe0f", "नि",
]  # fmt: skip
WHOLES = [
    "*very bold*",
    "_in italics_",
    "~not so~",
    "https://example.org/a?b=1&c=2",
    "[the form](https://example.org/f)",
]
LIMIT = 64


def signs(text: str) -> list[str]:
    return [one for one in regex.findall(r"\X", text) if not one.isspace()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=400).map("".join))
def test_no_sign_is_torn_or_lost_and_every_part_fits(text: str) -> None:
    parts = split(text, LIMIT)
    assert [sign for part in parts for sign in signs(part)] == signs(text)
    assert all(measure(part) <= LIMIT for part in parts)
    assert all(parts) or not text.strip()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*WHOLES, "word", "a longer word", "line\nbreak"]), min_size=1, max_size=60))
def test_no_bold_italic_or_linked_words_are_torn(words: list[str]) -> None:
    parts = split(" ".join(words), LIMIT)
    assert all(measure(part) <= LIMIT for part in parts)
    for whole in WHOLES:
        assert sum(part.count(whole) for part in parts) == words.count(whole)


@pytest.mark.parametrize(
    "text", ["https://example.org/" + "x" * 200, "*" + "bold " * 40 + "end*", "e" + "\u0301" * 200]
)
def test_what_is_longer_than_a_part_is_cut_all_the_same(text: str) -> None:
    parts = split(text, LIMIT)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    assert all(measure(part) <= LIMIT for part in parts)


def test_a_text_is_cut_where_a_reader_would_pause() -> None:
    paragraph, line = "A first paragraph of forty characters....", "and a line"
    assert split(f"{paragraph}\n\n{line}\nmore words than fit", LIMIT) == [paragraph, f"{line}\nmore words than fit"]
    assert split(f"{paragraph} {line}\nmore words than fit", LIMIT) == [f"{paragraph} {line}", "more words than fit"]
