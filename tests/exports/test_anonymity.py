"""Who is nearly alone with what others know of a person is named, and bands and masks help."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.db import Database
from bot.exports import service
from bot.exports.models import Export
from bot.exports.options import ExportError, Options
from bot.surveys.models import Survey
from tests.exports.towns import add_run, add_survey

pytestmark = pytest.mark.usefixtures("frozen")
ASKED = frozenset({"origin", "data/language"})


@pytest.fixture
def crowd(database: Database) -> None:
    """Seven from Lesotho who are alike, and one from Mauritius; each speaks a number of languages."""
    with database.begin() as db:
        survey = add_survey(db)
        for number in range(7):
            add_run(db, survey, {"origin": "LS", "skills": "tech", "language": str(1 + number % 2)})
        add_run(db, survey, {"origin": "MU", "skills": "health", "language": "14"})
        add_run(db, survey, {})


def export(database: Database, directory: Path, **options: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return what the manifest says of it, and the rows of people with an answer."""
    with database.begin() as db:
        result = service.run(db, db.scalars(select(Survey)).one(), Options(**options), directory, by="1")
        assert db.get_one(Export, result.export_id).anonymity == result.anonymity
    with (directory / "towns-3-wide.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["skills"] not in (".n", ".o")]
    return json.loads(result.manifest.read_text("utf-8"))["anonymity"], rows


@pytest.mark.usefixtures("crowd")
def test_combinations_that_few_share_are_named_with_what_would_help(database: Database, directory: Path) -> None:
    found, _ = export(database, directory)
    assert (found["questions"], found["k"], found["combinations_below"]) == (["origin"], 1, ["origin=MU: 1"])
    found, _ = export(database, directory, identifying=ASKED)
    assert found["people_below"] == 8
    assert found["combinations_below"] == [
        *("origin=MU, data/language=14: 1", "origin=LS, data/language=2: 3", "origin=LS, data/language=1: 4")
    ]
    assert found["people_below_without"] == {"origin": 8, "data/language": 1}


@pytest.mark.usefixtures("crowd")
def test_bands_and_masks_leave_nobody_alone_in_any_file(database: Database, directory: Path) -> None:
    formats = frozenset({"csv", "long", "jsonl"})
    found, rows = export(
        database, directory, identifying=ASKED, bands=frozenset({"data/language:10"}), mask=True, formats=formats
    )
    assert (found["people_below"], found["people_masked"], found["combinations_below"]) == (0, 1, [])
    assert sorted((row["origin"], row["data/language"], row["skills"]) for row in rows) == [
        (".m", ".m", "health"),
        *[("LS", "0", "tech")] * 7,
    ]
    for name in ("towns-3-long.csv", "towns-3.jsonl"):
        text = (directory / name).read_text("utf-8-sig")
        assert not any(word in text for word in ("Mauritius", ",MU,", '"MU"'))
        assert ".m" in text or "masked" in text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_computed_of_a_banded_number_and_a_weight_of_a_masked_answer_do_not_leave(
    database: Database, directory: Path
) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        for _ in range(9):
            add_run(db, survey, {"origin": "LS", "skills": "health", "amount": "57", "twice": "114"})
        add_run(db, survey, {"origin": "MU", "skills": "health"})
    targets = (("origin", "LS", 5.0, "Census", "2020-01-01"), ("origin", "MU", 5.0, "Census", "2020-01-01"))
    _, rows = export(database, directory, bands=frozenset({"amount:50"}), mask=True, targets=targets)
    assert {(row["origin"], row["amount"], row["twice"], bool(row["weight"])) for row in rows} == {
        ("LS", "50", ".m", True),
        (".m", ".n", ".n", False),
    }


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"identifying": frozenset({"town"})}, "no column town"),
        ({"bands": frozenset({"origin:10"})}, "only a number"),
        ({"bands": frozenset({"data/language:0"})}, "is no band"),
        ({"mask": True, "corrections": True}, "leave one of them out"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(
    database: Database, directory: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ExportError, match=said):
        export(database, directory, **options)
