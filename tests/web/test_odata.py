"""Feeds as OData: read by a client that others wrote and by hand, while people answer, correct and are erased."""

import json
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from bot import clock
from bot.contacts.models import Contact
from bot.db import Database
from bot.feeds.shapes import Column, Edm, EntitySet, Kind
from bot.staff.models import AuditEntry, Role
from bot.staff.scopes import Scope
from bot.surveys.answers import supersede
from bot.surveys.models import Answer, Missing, Run, Survey
from bot.web.odata import filters
from bot.web.odata.problems import Refused
from tests.exports.towns import SHEET, add_answer, add_run, add_survey
from tests.web.api_program import granted
from tests.web.console_browser import build
from tests.web.feed_reader import FeedReader, others_client, plain

FULL = {"origin": "LS", "skills": "health tech", "city": "Maseru", "amount": "4999.10", "twice": "9998.20"}


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        add_survey(db)
    return build(database, messages_dir, tmp_path, api_rate=100_000)


@pytest.fixture
def reader(app: FastAPI, database: Database) -> FeedReader:
    return FeedReader(app, granted(database, Role.ANALYST, [Scope.FEEDS]))


def answer(database: Database, *people: dict[str, Any]) -> list[int]:
    """Let people answer; return the numbers of their runs."""
    with database.begin() as db:
        survey = db.scalars(select(Survey)).first()
        assert survey
        return [add_run(db, survey, given).id for given in people]


def many(database: Database, number: int) -> list[int]:
    return answer(database, *({"origin": "LS" if each % 2 else "MU", "language": str(each)} for each in range(number)))


def erase(database: Database, run_id: int) -> None:
    with database.begin() as db:
        db.execute(delete(Contact).where(Contact.id == db.get_one(Run, run_id).contact_id))


def correct(database: Database, run_id: int, name: str, value: str) -> None:
    with database.begin() as db:
        run = db.get_one(Run, run_id)
        supersede(db, run, f"/data/{name}")
        add_answer(db, run, name, value)
        run.updated_at = clock.now()


def test_a_client_of_others_reads_everybody_once_while_people_come_and_go(app: FastAPI, database: Database) -> None:
    runs = many(database, 25)
    service = others_client(app, granted(database, Role.ANALYST, [Scope.FEEDS]), size=4)
    towns = service.entities["towns"]
    read = []
    for number, each in enumerate(service.query(towns)):
        read.append(plain(each))
        if number == 5:
            many(database, 3)
            for run in runs[::5]:
                erase(database, run)
    assert len({row["respondent"] for row in read}) == len(read)
    with database.begin() as db:
        left = db.scalars(select(Answer.value).where(Answer.name == "language", Answer.run_id.in_(runs)))
        assert set(map(int, left)) <= {row["data_language"] for row in read} <= set(range(25))
    again = [plain(each) for each in service.query(towns)]
    with database.begin() as db:
        there = [tuple(row) for row in db.execute(select(Answer.name, Answer.value))]
    expected = sorted(int(value) for name, value in there if name == "language")
    assert sorted(row["data_language"] for row in again) == expected
    assert sum(row["origin"] == "LS" for row in again) == there.count(("origin", "LS"))
    old = service.query(towns).filter(towns.data_language >= 20).filter(towns.origin == "LS")
    found = [plain(each)["data_language"] for each in old.order_by(towns.data_language.desc())]
    assert found == [number for number in expected[::-1] if number >= 20 and number % 2]
    assert service.query(towns).count() == len(expected)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_values_are_typed_say_why_they_are_missing_and_name_nobody(
    reader: FeedReader, database: Database
) -> None:
    answer(
        database,
        {**FULL, "child 1 age": "7", "child 2 age": "3", "language": "two", "moved": "2019-05-01"},
        {"origin": ("pnts", Missing.REFUSED), "language": Missing.SKIPPED},
    )
    full, refused = sorted(await reader.rows("towns"), key=lambda row: row["origin"])
    assert (full["amount"], full["moved"], full["skills"]) == (4999.1, "2019-05-01", "health tech")
    assert (full["skills_health"], full["skills_pnts"], refused["skills_tech"]) == (1, 0, None)
    assert (full["data_language"], full["data_language_missing"]) == (None, ".i")  # no number
    assert (refused["origin"], refused["origin_missing"], refused["data_language_missing"]) == ("pnts", ".r", ".s")
    assert refused["amount_missing"] == ".n"
    assert (full["day_started"], full["version"]) == ("2026-03-01", "3")
    whole = json.dumps([await reader.rows(name) for name in ("towns", "towns_child", "towns_answers")])
    assert "Maseru" not in whole
    assert "said so" not in whole
    assert "09:30" not in whole
    children = await reader.rows("towns_child")
    assert [(row["respondent"], row["child_number"], row["age"]) for row in children] == [
        (full["respondent"], 1, 7),
        (full["respondent"], 2, 3),
    ]
    told = {(row["respondent"], row["question"], row["number"]): row for row in await reader.rows("towns_answers")}
    assert told[full["respondent"], "data_language", ""]["value"] == "two"
    assert told[full["respondent"], "skills", ""]["label"] == "Health; Technology"
    assert told[full["respondent"], "age", "2"]["value"] == "3"
    words = {(row["question"], row["code"]): row["label"] for row in await reader.rows("towns_codebook")}
    assert words["origin", ""] == "Which country are you from?"
    assert words["origin", "MU"] == "Mauritius"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_each_table_comes_whole_whatever_the_page(reader: FeedReader, database: Database) -> None:
    answer(database, *({**FULL, "child 1 age": "1", "child 2 age": "2", "child 3 age": "3"} for _ in range(4)))
    for name, size in (("towns_child", 5), ("towns_answers", 7), ("towns", 1), ("towns_codebook", 4)):
        whole = await reader.rows(name)
        pages = [page["value"] async for page in reader.pages(name, f"odata.maxpagesize={size}")]
        assert [row for page in pages for row in page] == whole
        assert all(len(page) == size for page in pages[:-1])
        against = await reader.rows(name, "maxpagesize=3", orderby=f"{next(iter(whole[0]))} desc")
        assert against == whole[::-1]


async def test_who_follows_changes_is_told_who_is_new_different_and_gone(
    reader: FeedReader, database: Database
) -> None:
    runs = many(database, 6)
    *_, last = [page async for page in reader.pages("towns", "odata.track-changes, odata.maxpagesize=4")]
    rows = {row["data_language"]: row for row in await reader.rows("towns")}
    assert (await reader.get(last["@odata.deltaLink"])).json()["value"] == []
    erase(database, runs[0])
    correct(database, runs[1], "language", "100")
    answer(database, {"origin": "LS", "language": "7"})
    answer(database)
    passing = many(database, 1)
    told = [page async for page in reader.pages(last["@odata.deltaLink"], "odata.maxpagesize=2")]
    erase(database, passing[0])
    changed = [row for page in told for row in page["value"]]
    assert [row for row in changed if "@removed" in row] == [
        {
            "@removed": {"reason": "deleted"},
            "@id": f"towns('{rows[0]['respondent']}')",
            "respondent": rows[0]["respondent"],
        }
    ]
    assert {row["data_language"] for row in changed if "@removed" not in row} == {100, 7, 0}
    assert {row["respondent"]: row["data_language"] for row in changed if "data_language" in row}[
        rows[1]["respondent"]
    ] == 100
    after = (await reader.get(told[-1]["@odata.deltaLink"])).json()
    assert [row["@removed"]["reason"] for row in after["value"]] == ["deleted"]
    gone = {row["respondent"]: row["day"] for row in await reader.rows("towns_withdrawn")}
    assert gone[rows[0]["respondent"]] == clock.now().date().isoformat()
    assert len(gone) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_who_is_erased_between_two_pages_is_not_on_the_next(reader: FeedReader, database: Database) -> None:
    runs = many(database, 5)
    pages = reader.pages("towns", "odata.maxpagesize=2")
    first = (await anext(pages))["value"]
    for run in runs:
        erase(database, run)
    assert [row async for page in pages for row in page["value"]] == []
    assert (await reader.get(f"towns('{first[0]['respondent']}')")).status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_ids_are_one_feeds_own_and_stay(app: FastAPI, reader: FeedReader, database: Database) -> None:
    runs = many(database, 3)
    before = {row["respondent"]: row["data_language"] for row in await reader.rows("towns")}
    correct(database, runs[0], "language", "9")
    after = {row["respondent"] for row in await reader.rows("towns")}
    other = FeedReader(app, granted(database, Role.ANALYST, [Scope.FEEDS]))
    assert after == set(before)
    assert not after & {row["respondent"] for row in await other.rows("towns")}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_a_reading_is_noted_once_a_day_with_how_many_people_are_in_it(
    reader: FeedReader, database: Database
) -> None:
    many(database, 3)
    for _ in range(2):
        await reader.rows("towns", "odata.maxpagesize=1")
    clock.advance(timedelta(days=1))
    await reader.rows("towns_answers")
    with database.begin() as db:
        entries = db.scalars(select(AuditEntry).where(AuditEntry.action == "feed.read").order_by(AuditEntry.id)).all()
        assert [entry.detail["people"] for entry in entries] == [3, 3]
        assert {entry.detail["form"] for entry in entries} == {"towns"}
        assert all(entry.detail["token"] for entry in entries)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_a_new_version_joins_the_feed_each_person_once(reader: FeedReader, database: Database) -> None:
    answer(database, {"origin": "LS"})
    with database.begin() as db:
        newer = add_survey(db, SHEET.replace("| | Towns / Villes | towns | 3 |", "| | Towns / Villes | towns | 4 |"))
        add_run(db, newer, {"origin": "MU"})
        person = db.scalars(select(Run.contact_id)).first()
        run = add_run(db, newer, {"origin": "MU"})
        run.contact_id = person
    rows = await reader.rows("towns")
    assert sorted(row["version"] for row in rows) == ["4", "4"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_who_may_not_read_is_told_what_to_do(app: FastAPI, database: Database) -> None:
    many(database, 1)
    nobody = await FeedReader(app, "wrong").get("towns")
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Basic realm=")
    assert "granted in the console" in nobody.json()["error"]["message"]
    exports = granted(database, Role.ANALYST, [Scope.EXPORTS_READ, Scope.EXPORTS_WRITE])
    assert (await FeedReader(app, exports).get("towns")).status_code == 403
    bearer = FeedReader(app, "")
    bearer.client.auth = None
    bearer.client.headers["Authorization"] = f"Bearer {granted(database, Role.ANALYST, [Scope.FEEDS])}"
    assert len(await bearer.rows("towns")) == 1
    bearer.client.headers["Authorization"] = "Basic é"
    assert (await bearer.get("towns")).status_code == 401


#: What cannot be answered, and what is said.
WRONG = [
    ("nothing", "/odata/ lists"),
    ("towns?$filter=origin eq", "ends too early"),
    ("towns?$filter=origin eq 5", "cannot be compared"),
    ("towns?$filter=city eq 'x'", "no column city"),
    ("towns?$filter=origin", "neither true nor false"),
    ("towns?$filter=soundex(origin) eq 'x'", "no function soundex"),
    ("towns?$filter=contains(data_language,'x')", "contains takes"),
    ("towns?$filter=moved eq 2026-02-30", "no day"),
    (f"towns?$filter={'(' * 500}", "brackets in one another"),
    (f"towns?$filter={'tolower(' * 400}", "brackets in one another"),
    (f"towns?$filter={'x' * 5000}", "characters"),
    ("towns?$filter=origin eq 'LS' 'x'", "one too many"),
    ("towns?$filter=origin eq ~", "cannot be read"),
    ("towns?$select=origin,nothing", "no column nothing"),
    ("towns?$orderby=origin up", "asc or desc"),
    ("towns?$orderby=origin&$skip=20000", "nextLink"),
    ("towns?$top=-1", "whole number"),
    ("towns?$count=yes", "true or false"),
    ("towns?$expand=child", "not known here"),
    ("towns?$top=1&$top=2", "twice"),
    ("towns?$skiptoken=nonsense", "begin anew"),
    ("towns?$skiptoken=W1sxXSwwLG51bGwsbnVsbF0", "begin anew"),
    ("towns?$deltatoken=W10", "begin anew"),
    ("towns?$format=xml", "JSON"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_what_cannot_be_answered_says_what_to_write(reader: FeedReader) -> None:
    for path, says in WRONG:
        answered = await reader.get(path)
        assert 400 <= answered.status_code < 500, path
        assert says in answered.json()["error"]["message"], path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_rows_are_chosen_sorted_and_counted_as_asked(reader: FeedReader, database: Database) -> None:
    many(database, 12)
    answer(database, {"origin": "LS"})
    found = await reader.get("towns", filter="origin eq 'LS'", count="true", top="2", orderby="data_language desc")
    page = found.json()
    assert page["@odata.count"] == 7
    assert [row["data_language"] for row in page["value"]] == [11, 9]
    assert "@odata.nextLink" not in page
    ordered = await reader.rows(
        "towns", "odata.maxpagesize=3", orderby="origin,data_language desc", select="data_language"
    )
    assert [row["data_language"] for row in ordered] == [11, 9, 7, 5, 3, 1, None, 10, 8, 6, 4, 2, 0]
    assert all(list(row) == ["data_language"] for row in ordered)
    skipped = await reader.rows("towns", "odata.maxpagesize=3", orderby="data_language", skip="4", top="5")
    assert [row["data_language"] for row in skipped] == [3, 4, 5, 6, 7]
    everybody = await reader.rows("towns")
    assert await reader.rows("towns", "odata.maxpagesize=3", skip="4", top="5") == everybody[4:9]
    assert (await reader.get("towns/$count", filter="data_language eq null")).text == "1"
    assert (await reader.get("towns/$count")).text == "13"
    one = (await reader.get(f"towns('{everybody[0]['respondent']}')")).json()
    assert {name: one[name] for name in everybody[0]} == everybody[0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing of it depends on the database
async def test_what_there_is_says_its_types_and_words(reader: FeedReader) -> None:
    listed = (await reader.get("")).json()
    assert [each["name"] for each in listed["value"]] == [
        "towns",
        "towns_child",
        "towns_answers",
        "towns_withdrawn",
        "towns_codebook",
    ]
    types = await reader.get("$metadata")
    assert types.headers["content-type"] == "application/xml"
    assert types.headers["odata-version"] == "4.0"
    assert '<Property Name="amount" Type="Edm.Decimal" Nullable="true" Scale="variable">' in types.text
    assert 'String="Which country are you from?"' in types.text
    assert '<PropertyRef Name="child_number"/>' in types.text


SET = EntitySet(
    "things",
    Kind.TABLE,
    (Column("a", Edm.INTEGER), Column("b", Edm.DECIMAL), Column("s", Edm.STRING), Column("d", Edm.DATE)),
)
texts = st.text("ab'é ", max_size=4)
rows_of_things = st.tuples(
    st.none() | st.integers(-3, 3),
    st.none() | st.sampled_from([-1.5, 0.0, 2.25]),
    st.none() | texts,
    st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3)).map(date.isoformat),
)
#: The text of a filter, and what it means in Python: True, False or None.
Meaning = tuple[str, Any]
_PYTHON = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: None if a is None or b is None else a < b,
    "ge": lambda a, b: None if a is None or b is None else a >= b,
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def compared(place: int, name: str, written: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Meaning]:
    def make(operator: str, value: Any) -> Meaning:
        test = _PYTHON[operator]
        return f"{name} {operator} {'null' if value is None else written(value)}", lambda row: test(row[place], value)

    return st.builds(make, st.sampled_from(sorted(_PYTHON)), st.none() | values)


def both(words: str, left: Meaning, right: Meaning) -> Meaning:
    def test(row: Any) -> bool | None:
        a, b = left[1](row), right[1](row)
        decides = words == "or"
        if decides in (a, b):
            return decides
        return None if a is None or b is None else not decides

    return f"({left[0]}) {words} ({right[0]})", test


def denied(inner: Meaning) -> Meaning:
    return f"not ({inner[0]})", lambda row: None if inner[1](row) is None else not inner[1](row)


simple = st.one_of(
    compared(0, "a", str, st.integers(-3, 3)),
    compared(1, "b", str, st.sampled_from([-1.5, 0.0, 2.25])),
    compared(2, "s", quoted, texts),
    compared(3, "d", str, st.dates(date(2026, 1, 1), date(2026, 1, 3)).map(date.isoformat)),
    st.lists(texts, min_size=1, max_size=3).map(
        lambda listed: (f"s in ({','.join(map(quoted, listed))})", lambda row: row[2] in listed)
    ),
    texts.map(lambda t: (f"contains(s,{quoted(t)})", lambda row: None if row[2] is None else t in row[2])),
    texts.map(lambda t: (f"startswith(s, {quoted(t)})", lambda row: None if row[2] is None else row[2].startswith(t))),
)
meanings = st.recursive(
    simple, lambda inner: st.builds(both, st.sampled_from(["and", "or"]), inner, inner) | st.builds(denied, inner)
)


@settings(max_examples=100, deadline=None)
@given(meanings, st.lists(rows_of_things, max_size=6))
def test_a_filter_means_what_it_means_in_python(meaning: Meaning, rows: list[Any]) -> None:
    text, test = meaning
    assert [row for row in rows if filters.compiled(text, SET)(row)] == [row for row in rows if test(row) is True]


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("()',.asbd eqornt-15n"), max_size=40))
def test_no_text_breaks_the_filter(text: str) -> None:
    with suppress(Refused):
        filters.compiled(text, SET)((1, 2.0, "x", "2026-01-01"))
