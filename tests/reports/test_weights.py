"""Weighted shares in the report: beside the others, with what they rest on, and giving nobody away."""

import random
from collections import Counter

import numpy
import pytest
from scipy.optimize import linprog

from bot.db import Database
from bot.disclosure import releases
from bot.reports import weights
from bot.reports.counting import ALL, Asked, Cell, count
from bot.reports.people import COMPLETE, Person
from bot.reports.plan import Figure, Kind, Plan, Section
from bot.reports.weights import Figures, Weighted
from tests.reports.conftest import Reporting

pytestmark = pytest.mark.usefixtures("frozen")
ASKED = {name: Asked(name, codes, name == "many") for name, codes in (
    ("origin", ("LS", "MU")), ("sex", ("f", "m")), ("sends", ("yes", "no")), ("way", ("bank", "shop", "bus")),
    ("many", ("x", "y")),
)}  # fmt: skip
FIGURES = (
    Figure("sends", Kind.SCALE, {}, {}, "sends"),
    Figure("way", Kind.BARS, {}, {}, "way", of=("sends", ("yes",))),
    Figure("many", Kind.BARS, {}, {}, "many"),
)
PLAN = Plan("origin", ("LS", "MU"), {}, (), (Section("all", {}, FIGURES),))
TARGETS = (("sex", "f", 70.0, "Census", "2021-06-30"), ("sex", "m", 30.0, "Census", "2021-06-30"))


def crowd(chance: random.Random, size: int, rare: float) -> list[Person]:
    found = []
    for _ in range(size):
        answers = {"origin": (chance.choice(("LS", "MU")),), "sex": (chance.choice("fm"),)}
        answers["sends"] = (chance.choice(("yes", "yes", "no")),)
        if answers["sends"] == ("yes",):
            way = "bus" if chance.random() < rare else chance.choice(("bank", "shop"))
            answers["way"] = (way,)
        answers["many"] = ("x", "y") if chance.random() < 0.3 else ("x",)
        found.append(Person(answers, COMPLETE, "direct"))
    return found


def publish(database: Database, people: list[Person]) -> tuple[Weighted | None, dict[Cell, int | None]]:
    counted = count(PLAN, ASKED, people)
    with database.begin() as db:
        release = releases.publish(db, "report f", counted.counts, counted.sums)
        figures = Figures(PLAN, ASKED, people)
        return weights.publish(db, "f", TARGETS, figures, release, counted), dict(release.figures)


@pytest.mark.parametrize("rare", [0.015, 0.03, 0.1])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_weighted_shares_and_counts_together_do_not_tell_who_of_a_class_gave_a_rare_answer(
    database: Database, rare: float
) -> None:
    people = crowd(random.Random(7), 400, rare)
    found, figures = publish(database, people)
    assert found
    by_sex = Counter((person.answers["sex"][0], person.answers.get("way", ("-",))[0]) for person in people)
    for sex, way in by_sex:
        if 0 < by_sex[sex, way] < 10:
            assert most_less_least(found, figures, people, (sex, way)) > 9.5


def most_less_least(
    found: Weighted, figures: dict[Cell, int | None], people: list[Person], aim: tuple[str, str]
) -> float:
    """Return how wide a reader's knowledge of a number is, who knows each weight, and shares exactly."""
    ways, sexes = ("bank", "shop", "bus", "-"), ("f", "m")
    sizes = Counter(person.answers["sex"][0] for person in people)
    weight = {"f": 0.7 * len(people) / sizes["f"], "m": 0.3 * len(people) / sizes["m"]}
    cells = [(sex, way) for sex in sexes for way in ways]
    rows: list[list[float]] = [[float(sex == one) for sex, _ in cells] for one in sexes]
    right = [float(sizes[sex]) for sex in sexes]
    for way in ways[:3]:
        number = figures[Cell("way", way, ALL)]
        if number is not None:
            rows.append([float(each == way) for _, each in cells])
            right.append(number)
        share = found.shares.get(Cell("way", way, ALL))
        if share is not None:
            rows.append([weight[sex] * ((each == way) - share * (each != "-")) for sex, each in cells])
            right.append(0.0)
    slack = 0.0001 * len(people)  # shares are rounded
    matrix, sides = numpy.array(rows), numpy.array(right)
    both = numpy.vstack([matrix, -matrix]), numpy.concatenate([sides + slack, slack - sides])
    wanted = numpy.array([float(cell == aim) for cell in cells])
    ends = [linprog(way * wanted, A_ub=both[0], b_ub=both[1], bounds=(0, None), method="highs").fun for way in (1, -1)]
    return float(-ends[1] - ends[0])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_weighted_shares_stand_as_long_as_the_figures_beside_them(database: Database) -> None:
    people = crowd(random.Random(7), 400, 0.2)
    first, _ = publish(database, people)
    assert first
    assert first.shares[Cell("way", "bus", ALL)] == pytest.approx(0.2, abs=0.08)
    few = [Person({"origin": ("LS",), "sex": ("f",), "sends": ("no",), "many": ("x",)}, COMPLETE, "direct")] * 9
    assert publish(database, people + few)[0] == first
    later, figures = publish(database, [*people, *few, *crowd(random.Random(8), 60, 0.2)])
    assert later
    assert later.shares != first.shares
    assert {cell for cell in later.shares if figures[cell] is None} == set()


def test_the_report_shows_both_kinds_of_shares_and_says_what_weighting_costs(report: Reporting) -> None:
    figures = {figure.id: figure for _, figure in report().figures}
    interest = figures["interest"]
    assert interest.head[:4] == ("Answer", "All three: number", "%", "Weighted")
    assert interest.rows[0][3].endswith("%")
    assert any(note.startswith("Weighted to the declared totals") for note in interest.notes)
    assert any("design effect is 1.0" in paragraph for paragraph in report().content["method"])
    assert "Weighted" not in {figure.id: figure for _, figure in report("LS").figures}["interest"].head
