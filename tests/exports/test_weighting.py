"""Weights bring respondents to declared totals, say how unequal they are, and stand in every file."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.contacts.models import JoinLink, LinkKind
from bot.db import Database
from bot.exports import response, service, weighting
from bot.exports.options import ExportError, Options
from bot.exports.raking import LIMIT, rake
from bot.surveys.models import Disposition
from tests.exports.towns import BEGAN, add_run, add_survey

pytestmark = pytest.mark.usefixtures("frozen")
TARGETS = "question,code,total,source,as_of\norigin,LS,600,Census,2020-06-30\norigin,MU,400,Census,2020-06-30\n"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=60, max_size=90))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_raked_shares_are_the_declared_ones_or_it_is_said(people: list[tuple[int, int]]) -> None:
    people = [*people, *((one, other) for one in range(3) for other in range(2))]
    places = [np.array([person[axis] for person in people]) for axis in range(2)]
    shares = [np.array([0.3, 0.3, 0.4]), np.array([0.45, 0.55])]
    found = rake(places, shares)
    assert found.weights.mean() == pytest.approx(1)
    assert found.design_effect >= 1
    for place, share in zip(places, shares, strict=True):
        off = np.abs(np.bincount(place, found.weights) / len(people) - share).max()
        assert off <= found.off + 1e-9
    assert found.converged or found.trimmed


def test_what_no_weight_within_the_limits_reaches_is_told() -> None:
    found = rake([np.array([0] * 99 + [1])], [np.array([0.1, 0.9])])
    assert (found.converged, found.trimmed > 0) == (False, True)
    assert found.weights.max() / found.weights.min() <= LIMIT * LIMIT + 1e-6


def test_an_export_has_weights_and_both_kinds_of_shares(database: Database, directory: Path) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        few, many = {"origin": "LS", "skills": "tech"}, {"origin": "MU", "skills": "health"}
        for number in range(40):
            add_run(db, survey, few if number < 10 else many)
        add_run(db, survey, {"skills": "tech"})
        options = Options(targets=weighting.read(TARGETS), formats=frozenset({"csv", "xlsx", "sav", "dta", "jsonl"}))
        assert Options.from_json(json.loads(json.dumps(options.as_json()))) == options
        result = service.run(db, survey, options, directory, "1")
    told = json.loads(result.manifest.read_text("utf-8"))["weights"]
    assert (told["weighted_respondents"], told["converged"]) == (40, True)
    assert told["design_effect"] == pytest.approx(40 * (10 * 2.4**2 + 30 * (16 / 30) ** 2) / 40**2, abs=0.01)
    with (directory / "towns-3-wide.csv").open(encoding="utf-8-sig", newline="") as file:
        weights = sorted({(row["origin"], row["weight"]) for row in csv.DictReader(file)})
    assert [(origin, weight[:5]) for origin, weight in weights] == [(".n", ""), ("LS", "2.400"), ("MU", "0.533")]
    with (directory / "towns-3-weighted.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {(row["question"], row["code"]): row for row in csv.DictReader(file)}
    tech = rows["skills", "tech"]
    assert (tech["base"], tech["unweighted_percent"], tech["weighted_percent"]) == ("40", "25.0", "60.0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,total\n", "first line"),
        (TARGETS + "origin,LS,5,Census,2020-06-30\n", "twice"),
        (TARGETS + "origin,XX,5,Census,2020-06-30\n", "no choice"),
        (TARGETS + "skills,tech,5,Census,2020-06-30\n", "no choice"),
        (TARGETS + "origin,pnts,-5,Census,2020-06-30\n", "Line 4"),
        (TARGETS + "origin,pnts,nan,Census,2020-06-30\n", "Line 4"),
        (TARGETS + "origin,pnts,5,,2020-06-30\n", "Line 4"),
        (TARGETS + "origin,pnts,5,Census,last year\n", "Line 4"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_targets_that_do_not_fit_are_refused_in_a_sentence(database: Database, text: str, said: str) -> None:
    with database.begin() as db, pytest.raises(ExportError, match=said):
        service.begin(db, add_survey(db), Options(targets=weighting.read(text)), "1")


def test_rates_are_those_of_the_handbook() -> None:
    found = response.rates({"I": 50, "P": 10, "R": 20, "O": 20, "UH": 100, "NE": 25})
    assert {name: round(rate or 0, 4) for name, rate in found.items()} == {
        **{"RR1": 0.25, "RR2": 0.3, "RR3": 0.2778, "RR4": 0.3333, "RR5": 0.5, "RR6": 0.6},
        **{"COOP1": 0.5, "COOP2": 0.6, "COOP3": 0.625, "COOP4": 0.75},
        **{"REF1": 0.1, "REF2": 0.1111, "REF3": 0.2, "CON1": 0.5, "CON2": 0.5556, "e": 0.8},
    }
    assert set(response.rates(dict.fromkeys(response.GROUPS, 0)).values()) == {None}


def test_outcomes_and_recruitment_are_counted_with_chains_of_links(database: Database) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        for code, kind in (("embassy", LinkKind.EMBASSY), ("m-one", LinkKind.MEMBER), ("m-two", LinkKind.MEMBER)):
            db.add(JoinLink(code=code, kind=kind, label=code, created_by="1", created_at=BEGAN))
        first, *_ = [add_run(db, survey, {"origin": "LS"}, source="embassy") for _ in range(12)]
        second, *_ = [add_run(db, survey, {"origin": "LS"}, source="m-one") for _ in range(11)]
        for _ in range(10):
            add_run(db, survey, {"origin": "LS"}, source="m-two")
        db.get_one(JoinLink, "m-one").contact_id = first.contact_id
        db.get_one(JoinLink, "m-two").contact_id = second.contact_id
        add_run(db, survey, {}, Disposition.EXPIRED, source=None)
        add_run(db, survey, {}, Disposition.INVITED, source=None)
        made = response.publish(db, survey)
    assert made.groups == {"I": 33, "P": 0, "R": 0, "O": None, "UH": None, "NE": 0}
    assert made.chains == {"0": 12, "1": 11, "2": 10}
    assert made.sources == {"embassy": 12, "member": 21}
    assert set(made.rates.values()) == {None}  # which would tell how many are in the groups that are hidden
