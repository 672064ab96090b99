"""Releases of the same figures over time: with all of them at hand, nobody learns what a newcomer answered."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot import clock
from bot.db import Database
from bot.disclosure.models import Release
from bot.disclosure.releases import Published, publish
from bot.disclosure.suppression import Sum
from tests.disclosure.attack import bounds_of_two

SUMS = [Sum((("LS",), ("MW",), ("MU",)), ("all",))]
pytestmark = pytest.mark.usefixtures("frozen")


def release(database: Database, *numbers: int, subject: str = "towns") -> Published[tuple[str, ...]]:
    counts = dict(zip(SUMS[0].parts, numbers, strict=True)) | {("all",): sum(numbers)}
    with database.begin() as db:
        return publish(db, subject, counts, SUMS)


def test_a_release_stands_until_enough_people_came(database: Database) -> None:
    first = release(database, 40, 30, 20)
    assert first.figures[("all",)] == 90
    clock.advance(timedelta(days=7))
    assert release(database, 42, 34, 23) == first  # nine more
    assert release(database, 40, 30, 20, subject="other").at == clock.now()
    second = release(database, 52, 42, 31)
    assert (second.at, second.figures[("LS",)]) == (clock.now(), 52)
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Release)) == 3


def test_a_median_stands_and_falls_with_its_figure(database: Database) -> None:
    """One that moved beside a figure that stands would tell what the newcomer said."""

    def medians(lesotho: int, median: float) -> object:
        counts = {("LS",): lesotho, ("MW",): 40, ("MU",): 29, ("all",): lesotho + 69}
        with database.begin() as db:
            found = publish(db, "fees", counts, SUMS, medians=dict.fromkeys(SUMS[0].parts, median))
        return found.medians

    assert medians(40, 4.5) == medians(41, 4.8) == {("LS",): 4.5, ("MW",): 4.5}
    assert medians(55, 5.0) == {("LS",): 5.0, ("MW",): 5.0}


def test_a_later_release_hides_what_differs_by_few_from_any_earlier_one(database: Database) -> None:
    first = release(database, 40, 30, 20)
    clock.advance(timedelta(days=7))
    second = release(database, 43, 50, 40)
    assert second.figures[("LS",)] is None
    least, most = bounds_of_two(first.figures, second.figures, SUMS, ("LS",))
    assert most - least > 9.5
    third = release(database, 44, 70, 60)  # thirteen behind the first, and few behind what nobody saw
    assert third.figures[("LS",)] is None
