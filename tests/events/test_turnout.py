"""Figures by group: whatever the numbers, no small one is shown or can be worked out from totals and other groups."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.disclosure.suppression import FLOOR, Sum, protect
from bot.events.turnout import MEASURES, Figures, Row, arranged, cells
from tests.disclosure.attack import bounds


def protected(groups: dict[str, dict[str, Row]], over: bool) -> Figures:
    return arranged(groups, protect(*cells(groups, over), FLOOR))


_counts = st.integers(0, 12)
_row = st.tuples(_counts, _counts, _counts, _counts, _counts).map(
    lambda n: dict(zip(MEASURES, (n[0], n[3] + n[4], n[1], n[2], n[3], n[4]), strict=True))
)


@given(st.dictionaries(st.sampled_from(["LS", "MW", "MU", "multi", "other", ""]), _row, min_size=1, max_size=6))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_nothing_that_is_shown_gives_a_small_number_away(rows: dict[str, Row]) -> None:
    found = protected({"origin": rows}, over=True)
    shown = {(code, name): count for code, row in found.groups["origin"].items() for name, count in row.items()}
    shown |= {("all", name): count for name, count in found.totals.items()}
    sums = [Sum(tuple((code, name) for code in rows), ("all", name)) for name in MEASURES]
    sums += [Sum(((code, "came"), (code, "missed")), (code, "yes")) for code in [*rows, "all"]]
    for (code, name), count in shown.items():
        true = rows[code][name] if code in rows else sum(row[name] for row in rows.values())
        assert count in (None, true)
        if 0 < true < FLOOR:
            least, most = bounds(shown, sums, (code, name))
            assert most - least > FLOOR - 0.5, (code, name)


def test_what_is_large_enough_is_all_shown() -> None:
    rows = {code: dict.fromkeys(MEASURES, 5) for code in ("LS", "MW")}
    found = protected({"origin": rows}, over=False)
    assert found.groups["origin"] == rows
    assert found.totals == dict.fromkeys(MEASURES, 10)


def test_two_groups_of_the_same_people_do_not_give_each_other_away() -> None:
    by_origin = {code: dict.fromkeys(MEASURES, count) for code, count in (("LS", 2), ("MW", 20))}
    by_channel = {"telegram": dict.fromkeys(MEASURES, 22)}
    found = protected({"origin": by_origin, "channel": by_channel}, over=False)
    assert found.groups["channel"]["telegram"]["came"] is None or found.groups["origin"]["MW"]["came"] is None
