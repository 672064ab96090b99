import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.normalise import normalise


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  Île  de la Réunion ", "ile de la reunion"),
        ("Côte d’Ivoire", "cote divoire"),
        ("Cote d'Ivoire", "cote divoire"),
        ("Sœur", "soeur"),
        ("18–24", "18 24"),
        ("1️⃣", "1"),
        ("STRASSE / Straße", "strasse strasse"),
        ("'Mè", "me"),
        ("👍🏽", ""),
    ],
)
def test_spelling_differences_that_do_not_matter_vanish(typed: str, read: str) -> None:
    assert normalise(typed) == read


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
