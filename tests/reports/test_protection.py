"""Nobody is given away: not by one report, not by two together, not by arithmetic."""

from collections.abc import Iterator
from itertools import zip_longest

import pytest

from bot.reports.counting import ALL, CHAIN, EVERYBODY, SOURCE, Cell, count
from bot.reports.document import Report
from bot.reports.people import COMPLETE, Person
from bot.reports.published import Published
from bot.reports.service import Material
from tests.disclosure.attack import bounds
from tests.reports.conftest import Reporting


def numbers(report: Report) -> Iterator[int]:
    """Yield every number of people that a report prints in a table."""
    for _, figure in report.figures:
        columns = [place for place, head in enumerate(figure.head) if head.endswith("number") or head == "Told the fee"]
        for row in figure.rows:
            yield from (int(row[place].replace(",", "")) for place in columns if row[place] not in ("–", ""))


@pytest.mark.parametrize("country", [None, "LS", "MW", "MU"])
def test_no_number_under_the_threshold_is_printed(report: Reporting, country: str | None) -> None:
    printed = [*numbers(report(country))]
    assert len(printed) > 200
    assert {number for number in printed if 0 < number < 10} == set()


def test_two_reports_never_disagree_about_a_number_or_about_hiding_it(report: Reporting) -> None:
    """What the report of a country shows of it is its column in the report of all."""
    everybody = {figure.id: figure for _, figure in report().figures}
    for country in ("LS", "MW", "MU"):
        for _, figure in report(country).figures:
            if figure.id not in {"standing", "outcomes", "corridors"}:
                mine, head = {row[0]: row[1:3] for row in figure.rows}, everybody[figure.id].head
                column = head.index(figure.head[1])
                assert mine == {row[0]: row[column : column + 2] for row in everybody[figure.id].rows}


def test_linear_programs_over_all_reports_recover_no_small_number(material: Material) -> None:
    """A sample of hidden cells: each could hold ten people more than it does, for all that readers know."""
    subject, shown = material.subject, material.published.figures
    hidden = sorted(cell for cell, number in shown.items() if number is None)
    assert len(hidden) > 50
    sources = [cell.said for cell in shown if cell.question == SOURCE]
    chains = [cell.said for cell in shown if cell.question == CHAIN]
    ways = zip_longest(sources, chains, fillvalue=chains[0] if len(sources) > len(chains) else sources[0])
    anybody = [Person({"origin": ("LS",)}, COMPLETE, source, chain=chain) for source, chain in ways]
    sums = count(subject.plan, subject.asked, anybody).sums
    for cell in hidden[:: len(hidden) // 12]:
        least, most = bounds(shown, sums, cell)
        assert most - least >= 10, cell


def test_what_rests_on_fewer_than_thirty_is_no_percentage_and_no_median() -> None:
    some = Cell("gender", "f", ALL)
    published = Published({some: 28, EVERYBODY: 29}, {some: 4.5})
    assert published.share(some, published.number(EVERYBODY)) is None
    assert published.median(some) is None
    assert Published({some: 30}, {some: 4.5}).median(some) == 4.5


def test_the_sums_hold_for_people_who_skip_and_choose_several(material: Material) -> None:
    subject = material.subject
    given = [
        {"origin": "LS", "skills": "health ict", "gender": "f", "age_band": "25_34"},
        {"origin": "MU", "remit": "yes", "remit_cost_pct": "4.5", "residence": "FR"},
        {"gender": "m"},
        {"origin": "other", "gender": "m"},
    ]
    people = [
        Person({name: tuple(value.split()) for name, value in each.items()}, COMPLETE, source)
        for each, source in zip(given, ("direct", "list", "list", "poster"), strict=True)
    ]
    counted = count(subject.plan, subject.asked, people)
    for one in counted.sums:
        assert sum(counted.counts[part] for part in one.parts) == counted.counts[one.total]
    assert counted.counts[EVERYBODY] == 2
    assert counted.medians == {Cell("remit_cost_pct", "FR", origin): 4.5 for origin in ("MU", ALL)}
