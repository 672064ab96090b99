"""Figures by group: whatever the numbers, no small one is shown or can be worked out from a total."""

from hypothesis import given
from hypothesis import strategies as st

from bot.events.turnout import LEAST, MEASURES, protected

_counts = st.integers(0, 12)
_row = st.tuples(_counts, _counts, _counts, _counts, _counts).map(
    lambda n: dict(zip(MEASURES, (n[0], n[3] + n[4], n[1], n[2], n[3], n[4]), strict=True))
)


@given(st.dictionaries(st.sampled_from(["LS", "MW", "MU", "multi", "other", ""]), _row, max_size=6))
def test_no_total_gives_a_small_number_away(rows: dict[str, dict[str, int]]) -> None:
    shown = protected(rows)
    if not shown:
        assert len(rows) < 2
        return
    for name in MEASURES:
        hidden = [code for code in rows if shown[code][name] is None]
        assert all(shown[code][name] == rows[code][name] for code in set(rows) - set(hidden))
        assert not any(0 < rows[code][name] < LEAST for code in set(rows) - set(hidden))
        assert len(hidden) != 1
        assert not hidden or len(hidden) == len(rows) or sum(rows[code][name] for code in hidden) >= LEAST
    for code in rows:
        assert [shown[code][name] for name in ("came", "missed", "yes")].count(None) != 1


def test_what_is_large_enough_is_all_shown() -> None:
    rows = {code: dict.fromkeys(MEASURES, 5) for code in ("LS", "MW")}
    assert protected(rows) == rows
