"""Every format, read back by software of others, holds what the database holds: values, accents, and why not."""

import csv
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import openpyxl
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.db import Database
from bot.exports import service
from bot.exports.cases import RECORDED, Missing, place
from bot.exports.formats.csv_files import original
from bot.exports.models import ExportMember
from bot.exports.names import SPSS_CODES, short_names
from bot.exports.options import ExportError, Format, Options
from bot.surveys.form import Form
from bot.surveys.models import Answer, Disposition, Run
from bot.surveys.models import Missing as Recorded
from tests.exports.towns import BEGAN, SHEET, add_answer, add_run, add_survey

pytestmark = pytest.mark.usefixtures("frozen")
EVERYTHING = Options(formats=frozenset(Format), free_text=True, xlsx_labels=False)
SPOKEN = 'L’île, «été» — "ça" ; Ŵ\n=1+1'
#: By respondent, question and number of the repeat: the value, and why there is none.
Held = dict[tuple[str, str, str], tuple[Any, str]]
NUMBERS = {"amount", "twice", "data/language", "age"}


@pytest.fixture
def written(database: Database, directory: Path) -> tuple[Path, Held]:
    """An export in every format, and what the database says."""
    with database.begin() as db:
        survey = add_survey(db)
        full: dict[str, Any] = {"origin": "MU", "skills": "tech health", "city": SPOKEN, "amount": "4999.10"}
        add_run(db, survey, {**full, "twice": "-9998.2", "child 1 age": "7", "child 1 child_name": "Thérèse’é"})
        refused: dict[str, Any] = {"origin": ("pnts", Recorded.REFUSED), "skills": ("pnts", Recorded.REFUSED)}
        refused["amount"] = Recorded.INVALID
        add_run(
            db,
            survey,
            {**refused, "city": Recorded.SKIPPED, "moved": "2001-01-31", "amount": Recorded.INVALID},
            source=None,
        )
        silent = {"origin": "LS", "skills": "tech", "child 2 age": "9", "language": Recorded.TIMED_OUT}
        add_run(db, survey, silent, Disposition.EXPIRED, source="été")
        add_run(db, survey, {"origin": "ZZ", "language": "12"}, Disposition.PARTIAL)
        add_run(db, survey, {}, Disposition.QUOTA_FULL)
        export = service.begin(db, survey, EVERYTHING, "1")
        service.write(db, export, directory)
        rows = db.execute(
            select(ExportMember.respondent, Answer)
            .join(Run, Run.id == ExportMember.run_id)
            .join(Answer, Answer.run_id == Run.id)
        )
        held: Held = {}
        for respondent, answer in rows:
            path, numbers = place(answer.path)
            name = "data/language" if answer.name == "language" else path.rsplit("/", 1)[1]
            value = answer.value or answer.private
            reason = RECORDED[answer.missing] if answer.missing else ""
            number = float(value) if value and name in NUMBERS else value
            held[respondent, name, ".".join(map(str, numbers))] = (number, reason)
    return directory, held


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def told(name: str, value: str) -> Any:
    return (float(value) if name in NUMBERS else value) if value else None


def from_long(folder: Path) -> Held:
    return {
        (row["respondent"], row["question"], row["number"]): (
            told(row["question"], original(row["value"])),
            row["missing"],
        )
        for row in lines(folder / "towns-3-long.csv")
    }


def cells(rows: list[dict[str, Any]], reason: Callable[[dict[str, Any], str], tuple[Any, str]]) -> Held:
    found: Held = {}
    for row in rows:
        number = str(int(row["child_number"])) if "child_number" in row else ""
        for name in CHILD if number else MAIN:
            found[row["respondent"], name, number] = reason(row, name)
    return found


MAIN = ("origin", "skills", "city", "amount", "greeting", "twice", "data/language", "moved")
CHILD = ("child_name", "age")


def from_xlsx(folder: Path) -> Held:
    book = openpyxl.load_workbook(folder / "towns-3.xlsx", read_only=True)

    def cell(row: dict[str, Any], name: str) -> tuple[Any, str]:
        value = row[name].date().isoformat() if hasattr(row[name], "date") else row[name]
        return (None, value) if value in set(Missing) else (value, ".r" if value == "pnts" else "")

    found: Held = {}
    for sheet in ("data", "data child"):
        header, *rows = book[sheet].iter_rows(values_only=True)
        found |= cells([dict(zip(header, row, strict=True)) for row in rows], cell)
    return found


def from_parquet(folder: Path) -> Held:
    def cell(row: dict[str, Any], name: str) -> tuple[Any, str]:
        value = row[name].isoformat() if hasattr(row[name], "isoformat") else row[name]
        return value, row[f"{name}.missing"] or ""

    return frames(folder, "parquet", cell)


def frames(folder: Path, ending: str, cell: Callable[[dict[str, Any], str], tuple[Any, str]]) -> Held:
    found: Held = {}
    for name in ("towns-3", "towns-3-child"):
        table = duckdb.sql(f"SELECT * FROM '{folder / name}.{ending}'")
        found |= cells([dict(zip(table.columns, row, strict=True)) for row in table.fetchall()], cell)
    return found


def from_jsonl(folder: Path) -> Held:
    def cell(row: dict[str, Any], name: str) -> tuple[Any, str]:
        value = row.get(name)
        return " ".join(value) if isinstance(value, list) else value, row["missing"].get(name, "")

    found: Held = {}
    for name in ("towns-3", "towns-3-child"):
        text = (folder / f"{name}.jsonl").read_text("utf-8")
        found |= cells([json.loads(line) for line in text.splitlines()], cell)
    return found


def from_sav(folder: Path) -> Held:
    codes = {float(code): str(missing) for missing, code in SPSS_CODES.items()}
    return statistics(folder, "sav", pyreadstat.read_sav, codes)


def from_dta(folder: Path) -> Held:
    return statistics(folder, "dta", pyreadstat.read_dta, {missing[1]: str(missing) for missing in Missing})


DAY_ZERO = {"sav": date(1582, 10, 14), "dta": date(1960, 1, 1)}
DAY_LENGTH = {"sav": 86_400, "dta": 1}
CODES = {"Lesotho": "LS", "Mauritius": "MU", "Prefer not to say": "pnts"}
TEXTS = {"skills", "city", "child_name"}


def statistics(folder: Path, ending: str, read: Callable[..., Any], missing: dict[Any, str]) -> Held:
    found: Held = {}
    for name in ("towns-3", "towns-3-child"):
        frame, meta = read(folder / f"{name}.{ending}", user_missing=True, disable_datetime_conversion=True)

        def cell(row: dict[str, Any], name: str, labels: Any = meta.variable_value_labels) -> tuple[Any, str]:
            value = row[short := name.replace("/", "_")]
            if name in TEXTS:
                if name == "skills":  # the reason stands in the options
                    return value or None, missing.get(row["skills_health"], "")
                return value or None, row[f"{short}_missing"]
            if value in missing:
                return "pnts" if name == "origin" and missing[value] == ".r" else None, missing[value]
            if name == "moved":
                return (DAY_ZERO[ending] + timedelta(value / DAY_LENGTH[ending])).isoformat(), ""
            if name == "origin":
                label = labels[short][value]
                return CODES.get(label, label), ""
            return value, ""

        found |= cells(frame.to_dict("records"), cell)
    return found


MAIN_PATHS = ("g_you/origin", "g_you/skills", "g_you/city", "g_you/amount", "greeting", "twice", "language", "moved")


def from_xml(folder: Path) -> Held:
    found: Held = {}
    with zipfile.ZipFile(folder / "towns-3-submissions.zip") as package:
        rows = csv.DictReader(package.read("missing.csv").decode("utf-8-sig").splitlines())
        why = {(row["instanceID"], row["path"]): row["missing"] for row in rows}
        for file in package.namelist():
            if file.endswith("submission.xml"):
                instance = ElementTree.fromstring(package.read(file))
                who = instance.findtext("{*}meta/{*}instanceID") or ""
                assert file == f"instances/{who}/submission.xml"
                found |= {
                    (who, name, ""): (told(name, instance.findtext(path) or ""), why.get((who, f"/data/{path}"), ""))
                    for path in MAIN_PATHS
                    for name in ["data/language" if path == "language" else path.rsplit("/", 1)[-1]]
                }
                found |= {
                    (who, name, str(number)): (told(name, said), missing)
                    for number, child in enumerate(instance.findall("child"), 1)
                    for name in CHILD
                    for said, missing in [(child.findtext(name), why.get((who, f"/data/child[{number}]/{name}"), ""))]
                    if said or missing  # an empty turn before another keeps its place
                }
    return found


def from_floip(folder: Path) -> Held:
    package = json.loads((folder / "towns-3-flow-results-package.json").read_text("utf-8"))
    (resource,) = package["resources"]
    questions = resource["schema"]["questions"]
    found: Held = {}
    for row in json.loads((folder / resource["path"]).read_text("utf-8")):
        at, _, who, session, question, response, about = row
        assert (session, at[10:], question in questions) == (who, " 00:00:00+00:00", True)
        value = " ".join(response) if isinstance(response, list) else response
        number = ".".join(map(str, about.get("repeat", ())))
        found[who, question.removeprefix("child/"), number] = (value, about.get("missing", ""))
    assert len({row[1] for row in json.loads((folder / resource["path"]).read_text("utf-8"))}) == len(found)
    assert questions["origin"]["type_options"]["choices"] == ["LS", "MU", "pnts"]
    return found


READERS = [from_long, from_xlsx, from_parquet, from_jsonl, from_sav, from_dta, from_xml, from_floip]


@pytest.mark.parametrize("read", READERS)
def test_a_reader_of_others_finds_what_the_database_holds(
    written: tuple[Path, Held], read: Callable[[Path], Held]
) -> None:
    folder, held = written
    found = read(folder)
    assert {key: found[key] for key in held} == held
    assert found == from_long(folder)


def test_a_submission_has_the_elements_of_its_form_in_their_order(written: tuple[Path, Held], form: Form) -> None:
    primary = ElementTree.fromstring(form.xform).find(".//{*}model/{*}instance/*")
    assert primary is not None
    wanted = tuple(dict.fromkeys(each.tag.rpartition("}")[2] for each in primary.iter()))
    seen = set()
    with zipfile.ZipFile(written[0] / "towns-3-submissions.zip") as package:
        for name in package.namelist():
            if name.startswith("instances/"):
                root = ElementTree.fromstring(package.read(name))
                assert (root.get("id"), root.get("version")) == ("towns", "3")
                tags = tuple(dict.fromkeys(each.tag.rpartition("}")[2] for each in root.iter()))
                assert tags == tuple(tag for tag in wanted if tag in tags)
                seen.add(tags)
    assert wanted in seen


def labels(folder: Path, ending: str) -> Any:
    read = {"sav": pyreadstat.read_sav, "dta": pyreadstat.read_dta}[ending]
    return read(folder / f"towns-3.{ending}", user_missing=True)[1]


def test_spss_and_stata_say_what_questions_and_codes_mean_in_the_language_asked_for(
    database: Database, directory: Path
) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        add_run(db, survey, {"origin": "MU", "skills": "health"})
        formats = frozenset({Format.SPSS, Format.STATA})
        service.run(db, survey, Options(formats=formats, language="Français (fr)"), directory, by="1")
    assert {path.suffix for path in directory.iterdir()} == {".sav", ".dta", ".csv", ".json", ".sps"}
    syntax = (directory / "towns-3-sets.sps").read_text("utf-8")
    assert 'NAME=$skills CATEGORYLABELS=VARLABELS\n    LABEL="Quelles compétences ?"' in syntax
    assert "VARIABLES=skills_health skills_tech skills_pnts\n    VALUE=1." in syntax
    spss, stata = labels(directory, "sav"), labels(directory, "dta")
    for meta in (spss, stata):
        assert meta.column_names_to_labels["origin"] == "De quel pays venez-vous ?"
        assert meta.column_names_to_labels["skills_health"] == "Santé: Quelles compétences ?"
        assert meta.variable_value_labels["origin"][2] == "l'île Maurice"
    assert spss.missing_ranges["skills_health"] == [{"lo": -9999999.0, "hi": -9999991.0}]
    assert spss.variable_value_labels["origin"][SPSS_CODES[Missing.TIMED_OUT]] == "timed out"
    assert stata.variable_value_labels["origin"]["t"] == "timed out"
    book = {(row["variable"], row["code"]): row for row in lines(directory / "towns-3-codebook.csv")}
    assert (book["origin", "MU"]["number"], book["data/language", ""]["short_name"]) == ("2", "data_language")
    assert book["skills", "health"]["short_name"] == "skills_health"


def test_a_calculation_that_gives_words_is_text_where_types_count(database: Database, directory: Path) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        for value in ("12.5", "much", ""):
            add_run(db, survey, {"twice": value})
        service.run(db, survey, EVERYTHING, directory, by="1")
    table = duckdb.sql(f"SELECT twice, \"twice.missing\" FROM '{directory / 'towns-3.parquet'}'")
    assert set(table.fetchall()) == {("12.5", None), ("much", None), (None, ".n")}
    frame, _ = pyreadstat.read_sav(directory / "towns-3.sav")
    assert set(zip(frame["twice"], frame["twice_missing"], strict=True)) == {("12.5", ""), ("much", ""), ("", ".n")}


def test_a_number_that_means_missing_in_spss_is_refused_and_a_long_text_is_named(
    database: Database, directory: Path
) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        run = add_run(db, survey, {"origin": "LS", "city": "é" * 1500, "amount": "-9999993"})
        with pytest.raises(ExportError, match="amount holds a number that means missing in SPSS"):
            service.run(db, survey, EVERYTHING, directory, by="1")
        stata = replace(EVERYTHING, formats=frozenset({Format.STATA}))
        result = service.run(db, survey, stata, directory, by="1")
    assert json.loads(result.manifest.read_text("utf-8"))["shortened"] == ["towns-3.dta: city"]
    frame, _ = pyreadstat.read_dta(directory / "towns-3.dta")
    assert (frame["city"][0], run.disposition) == ("é" * 1022, "completed")


@given(st.lists(st.text(max_size=50), unique=True, max_size=30))
@settings(max_examples=30, deadline=None)
def test_every_name_becomes_one_of_its_own_that_spss_and_stata_take(names: list[str]) -> None:
    found = short_names(names)
    assert list(found) == names
    assert len({name.lower() for name in found.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", name) for name in found.values())


VERSION_4 = (
    SHEET.replace("| towns | 3 |", "| towns | 4 |")
    .replace("Which country are you from?", "Where are you from?")
    .replace("| | origin | MU | Mauritius |", "| | origin | MW | Malawi | Malawi |\n| | origin | MU | Mauritius |")
    .replace("| | integer | language |", "| | text | language |")
    .replace("| | date | moved |", "| | integer | moved_in |")
)


def test_versions_are_one_table_in_which_each_person_stands_once(database: Database, directory: Path) -> None:
    with database.begin() as db:
        old = add_survey(db)
        add_run(db, old, {"origin": "MU", "language": "2", "moved": "2001-01-31"})
        twice = add_run(db, old, {"origin": "LS"})
        new = add_survey(db, VERSION_4)
        add_run(db, new, {"origin": "MW", "skills": "tech"})
        again = add_run(db, new, {}, Disposition.INVITED)
        again.contact_id = twice.contact_id
        db.flush()
        options = replace(EVERYTHING, all_versions=True)
        result = service.run(db, new, options, directory, by="1")
    rows = lines(directory / "towns-4-wide.csv")
    seen = {row["origin"]: (row["version"], row["data/language_v3"], row["moved"], row["moved_in"]) for row in rows}
    assert seen == {"MU": ("3", "2", "2001-01-31", ".n"), "LS": ("3", ".n", ".n", ".n"), "MW": ("4", ".n", ".n", ".n")}
    book = [row for row in lines(directory / "towns-4-codebook.csv") if row["variable"] == "origin"]
    assert [(row["version"], row["code"], row["text::English (en)"], row["answered"]) for row in book] == [
        ("4", "", "Where are you from?", "3"),
        *(("4", "LS", "Lesotho", "1"), ("4", "MW", "Malawi", "1"), ("4", "MU", "Mauritius", "1")),
        ("4", "pnts", "Prefer not to say", "0"),
        ("3", "", "Which country are you from?", ""),
    ]
    manifest = json.loads(result.manifest.read_text("utf-8"))
    assert (manifest["versions"], list(manifest["older_versions"])) == ({"3": 2, "4": 1}, ["3"])
    table = duckdb.sql(f"SELECT origin, moved FROM '{directory / 'towns-4.parquet'}'")
    assert set(table.fetchall()) == {("MU", date(2001, 1, 31)), ("LS", None), ("MW", None)}


def test_corrections_are_told_on_request_without_what_is_withheld(database: Database, directory: Path) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        run = add_run(db, survey, {"origin": "LS", "child 1 age": "7"})
        for name, value in (("origin", "MU"), ("child 1 age", "6"), ("city", "Roma")):
            add_answer(db, run, name, value, superseded_at=BEGAN + timedelta(days=2))
        result = service.run(db, survey, Options(corrections=True), directory, by="1")
    rows = lines(directory / "towns-3-corrections.csv")
    told = {(row["question"], row["number"], row["value"], row["label"], row["replaced_on"]) for row in rows}
    assert told == {("origin", "", "MU", "Mauritius", "2026-03-03"), ("age", "1", "6", "", "2026-03-03")}
    assert result.files[directory / "towns-3-corrections.csv"].rows == 2


def test_how_long_each_answer_took_is_told_on_request_and_never_when(database: Database, directory: Path) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        run = add_run(db, survey, {"origin": "LS", "city": "Roma", "twice": "14", "moved": Recorded.TIMED_OUT})
        add_answer(db, run, "skills", "tech", superseded_at=BEGAN + timedelta(days=2))
        add_answer(db, run, "child 2 age", "7")
        took = {"origin": 4.4, "city": 9, "skills": 86_400, "age": -3, "moved": 100}
        for answer in db.scalars(select(Answer)):
            if answer.name in took:
                answer.shown_at = answer.at - timedelta(seconds=took[answer.name])
        service.run(db, survey, Options(timings=True), directory, by="1")
    rows = lines(directory / "towns-3-timings.csv")
    assert len({row.pop("respondent") for row in rows}) == 1
    assert [tuple(row.values()) for row in rows] == [
        ("1", "origin", "", "4", "0"),
        ("3", "skills", "", "86400", "1"),
        ("4", "age", "2", "0", "0"),
    ]


def test_a_language_that_the_form_has_not_is_refused_with_those_it_has(database: Database, directory: Path) -> None:
    with database.begin() as db, pytest.raises(ExportError, match=r"no language fr: it has English \(en\), Français"):
        service.run(db, add_survey(db), Options(language="fr"), directory, by="1")
