import csv
import json
from collections import Counter
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import delete, insert, select

from bot import clock
from bot.contacts.models import Contact
from bot.db import Database
from bot.exports import service
from bot.exports.models import Export, ExportMember
from bot.exports.options import Format, Options
from bot.surveys.models import Answer, Disposition, Missing, Run
from tests.exports.towns import BEGAN, SHEET, add_answer, add_run, add_survey

SALT = b"s" * 16
pytestmark = pytest.mark.usefixtures("frozen")


def read(directory: Path, ending: str) -> list[dict[str, str]]:
    with (directory / f"towns-3{ending}").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sheet(directory: Path, name: str) -> list[dict[str, Any]]:
    header, *rows = load_workbook(directory / "towns-3.xlsx")[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def export(
    database: Database, directory: Path, options: Options | None = None, salt: bytes | None = SALT
) -> service.ExportResult:
    with database.begin() as db:
        survey = db.scalars(select(service.Survey)).one()
        return service.run(db, survey, options or Options(), directory, by="staff:1", salt=salt)


@pytest.fixture
def people(database: Database) -> None:
    """Three who answered: one in full, one who refused and skipped, one who fell silent."""
    with database.begin() as db:
        survey = add_survey(db)
        full = {"origin": "LS", "skills": "health tech", "city": "=Maseru’é", "amount": "4999.10", "twice": "9998.20"}
        add_run(db, survey, {**full, "child 1 age": "7", "child 2 age": "3", "language": "2", "moved": "2019-05-01"})
        refused = {"origin": ("pnts", Missing.REFUSED), "skills": ("pnts", Missing.REFUSED)}
        add_run(db, survey, {**refused, "language": Missing.SKIPPED, "moved": "2001-01-31"}, source=None)
        silent = {"origin": "MU", "skills": "tech", "child 1 age": "9", "language": Missing.TIMED_OUT}
        add_run(db, survey, silent, Disposition.EXPIRED, began=BEGAN + timedelta(days=1))


def row_of(rows: list[dict[str, Any]], origin: str) -> dict[str, Any]:
    return next(row for row in rows if row["origin"] == origin)


@pytest.mark.usefixtures("people")
def test_the_wide_csv_says_of_every_question_what_was_answered_or_why_not(database: Database, directory: Path) -> None:
    export(database, directory)
    rows = read(directory, "-wide.csv")
    full, refused, silent = (row_of(rows, origin) for origin in ("LS", "pnts", "MU"))
    assert full == {
        **{
            "respondent": full["respondent"],
            "version": "3",
            "disposition": "completed",
            "language": "fr",
            "channel": "telegram",
        },
        **{"day_started": "2026-03-01", "day_completed": "2026-03-01", "source": "leaflet", "origin": "LS"},
        **{"occasion": ""},
        **{"skills": "health tech", "skills/health": "1", "skills/tech": "1", "skills/pnts": "0"},
        **{"amount": "4999.10", "twice": "9998.20", "data/language": "2", "moved": "2019-05-01"},
    }
    skills = ("skills", "skills/health", "skills/tech", "skills/pnts")
    assert [refused[name] for name in skills] == ["pnts", ".r", ".r", "1"]
    assert [refused[name] for name in ("amount", "data/language", "moved")] == [".n", ".s", "2001-01-31"]
    assert [silent[name] for name in ("amount", "data/language", "moved")] == [".n", ".t", ".t"]
    assert (silent["day_started"], silent["day_completed"]) == ("2026-03-02", "")


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        (Disposition.INVITED, ".o"),
        (Disposition.PARTIAL, ".o"),
        (Disposition.WITHDRAWN, ".w"),
        (Disposition.REFUSED, ".w"),
        (Disposition.INELIGIBLE, ".e"),
        (Disposition.EXPIRED, ".t"),
    ],
)
def test_what_was_still_to_come_is_told_apart_by_how_the_interview_ended(
    database: Database, directory: Path, disposition: Disposition, code: str
) -> None:
    with database.begin() as db:
        add_run(db, add_survey(db), {}, disposition)
    export(database, directory)
    (row,) = read(directory, "-wide.csv")
    assert {row[name] for name in ("origin", "skills", "skills/tech", "amount", "moved")} == {code}


def test_a_later_answer_decides_though_its_text_is_withheld(database: Database, directory: Path) -> None:
    with database.begin() as db:
        add_run(db, add_survey(db), {"origin": "LS", "city": "Roma"}, Disposition.PARTIAL)
    export(database, directory)
    (row,) = read(directory, "-wide.csv")
    assert [row[name] for name in ("origin", "skills", "amount")] == ["LS", ".n", ".o"]


@pytest.mark.usefixtures("people")
def test_repeats_are_a_table_linked_by_respondent_and_number(database: Database, directory: Path) -> None:
    export(database, directory)
    ids = {row["origin"]: row["respondent"] for row in read(directory, "-wide.csv")}
    rows = {(row["respondent"], row["child_number"], row["age"]) for row in read(directory, "-wide-child.csv")}
    assert rows == {(ids["LS"], "1", "7"), (ids["LS"], "2", "3"), (ids["MU"], "1", "9")}


@pytest.mark.usefixtures("people")
def test_the_long_csv_holds_the_same_as_the_wide_one(database: Database, directory: Path) -> None:
    result = export(database, directory)
    long = read(directory, "-long.csv")
    wide = read(directory, "-wide.csv")
    names = ("origin", "skills", "amount", "twice", "data/language", "moved")
    told = {(row["respondent"], row["question"]): row["value"] or row["missing"] for row in long if not row["number"]}
    assert told == {(row["respondent"], name): row[name] for row in wide for name in names}
    assert sum(not row["missing"] for row in long) == result.answers == 12
    chosen = [row for row in long if row["question"] == "origin"]
    assert {(row["value"], row["label"], row["missing"], row["day"]) for row in chosen} == {
        ("LS", "Lesotho", "", "2026-03-01"),
        ("MU", "Mauritius", "", "2026-03-02"),
        ("pnts", "Prefer not to say", ".r", "2026-03-01"),
    }


@pytest.mark.usefixtures("people")
def test_the_workbook_shows_labels_in_the_language_asked_for_and_numbers_as_numbers(
    database: Database, directory: Path
) -> None:
    export(database, directory, Options(language="Français (fr)"))
    rows = sheet(directory, "data")
    full, silent = row_of(rows, "Lesotho"), row_of(rows, "l'île Maurice")
    assert (full["skills"], full["skills/health"], full["amount"]) == ("Santé; Technologie", 1, 4999.1)
    assert full["moved"] == datetime(2019, 5, 1)  # noqa: DTZ001 - a spreadsheet's days have no zone
    assert silent["amount"] == ".n"
    assert {row["age"] for row in sheet(directory, "data child")} == {7, 3, 9}
    codes = [row["code"] for row in sheet(directory, "missing codes")]
    assert codes == [".n", ".s", ".r", ".t", ".w", ".o", ".m", ".i", ".e"]
    about = {(row["about"], row["detail"]): row["value"] for row in sheet(directory, "about")}
    assert (about["form", "id"], about["respondents", None], about["recruitment sources", "leaflet"]) == ("towns", 3, 2)


@pytest.mark.usefixtures("people")
def test_the_codebook_tells_texts_conditions_and_counts(database: Database, directory: Path) -> None:
    export(database, directory)
    book = {(row["variable"], row["code"]): row for row in read(directory, "-codebook.csv")}
    assert book["skills", ""]["text::Français (fr)"] == "Quelles compétences ?"
    assert book["origin", "MU"]["text::Français (fr)"] == "l'île Maurice"
    assert [book["skills", code]["answered"] for code in ("health", "tech", "pnts")] == ["1", "2", "1"]
    amount, language = book["amount", ""], book["data/language", ""]
    assert (amount["asked_when"], amount["asked"], amount["not_asked"]) == (
        "origin = 'LS' and selected(skills, 'health')",
        *("1", "2"),
    )
    assert amount["asked_when::en"] == "asked when origin is Lesotho and skills includes Health"
    assert amount["asked_when::fr"] == "posée quand origin est Lesotho et skills comprend Santé"
    assert language["asked_when::fr"] == "posée à tout le monde"
    assert (language["answered"], language["skipped"], language["timed_out"]) == ("1", "1", "1")
    assert book["twice", ""]["calculated_as"] == "amount * 2"
    assert (book["city", ""]["withheld"], book["city", ""]["answered"]) == ("free text", "")
    assert [row["variable"] for row in sheet(directory, "codebook")] == [
        row["variable"] for row in read(directory, "-codebook.csv")
    ]


@pytest.mark.usefixtures("people")
def test_no_file_holds_free_text_a_phone_or_a_moment_finer_than_a_day(database: Database, directory: Path) -> None:
    result = export(database, directory)
    book = load_workbook(directory / "towns-3.xlsx")
    cells = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    text = "\n".join([*(path.read_text("utf-8-sig") for path in result.files if path.suffix == ".csv"), *cells])
    for secret in ("Maseru", "said so", "09:30"):
        assert secret not in text


@pytest.mark.usefixtures("people")
def test_free_text_comes_when_asked_for_accents_intact_and_formulas_neutralised(
    database: Database, directory: Path
) -> None:
    export(database, directory, Options(free_text=True))
    assert row_of(read(directory, "-wide.csv"), "LS")["city"] == "'=Maseru’é"
    cell = row_of(sheet(directory, "data"), "Lesotho")["city"]
    assert cell == "=Maseru’é"


@pytest.mark.usefixtures("people")
def test_the_same_data_options_and_salt_give_the_same_bytes(database: Database, tmp_path: Path) -> None:
    options = Options(formats=frozenset(Format), free_text=True)
    first = export(database, tmp_path / "a", options)
    clock.advance(timedelta(days=40))
    with database.begin() as db:  # the same rows in another order
        answers = Answer.__table__
        rows = [dict(row) for row in db.execute(select(answers).order_by(Answer.id.desc())).mappings()]
        db.execute(delete(answers))
        db.execute(insert(answers), [row | {"id": number} for number, row in enumerate(rows, 1000)])
    second = export(database, tmp_path / "b", options)
    assert [file.sha256 for file in first.files.values()] == [file.sha256 for file in second.files.values()]
    assert first.manifest_sha256 == second.manifest_sha256


@pytest.mark.usefixtures("people")
def test_two_exports_cannot_be_joined_by_id(database: Database, tmp_path: Path) -> None:
    export(database, tmp_path / "a", salt=None)
    export(database, tmp_path / "b", salt=None)
    ids = [{row["respondent"] for row in read(tmp_path / name, "-wide.csv")} for name in "ab"]
    assert not ids[0] & ids[1]


def test_lines_stand_in_the_order_of_their_ids_not_of_the_database(database: Database, directory: Path) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        for number in range(40):
            add_run(db, survey, {"origin": "LS", "language": str(number)})
    export(database, directory)
    rows = read(directory, "-wide.csv")
    assert [row["respondent"] for row in rows] == sorted(row["respondent"] for row in rows)
    assert [row["data/language"] for row in rows] != [str(number) for number in range(40)]
    assert {row["data/language"] for row in rows} == {str(number) for number in range(40)}


def test_corrections_and_moot_answers_do_not_count(database: Database, directory: Path) -> None:
    with database.begin() as db:
        run = add_run(db, add_survey(db), {"origin": "MU", "moved": "2020-02-02"})
        add_answer(db, run, "amount", "5", relevant=False)
        db.execute(delete(Answer).where(Answer.name == "origin"))
        add_answer(db, run, "origin", "LS", superseded_at=BEGAN)
        add_answer(db, run, "origin", "pnts")
    export(database, directory)
    (row,) = read(directory, "-wide.csv")
    assert (row["origin"], row["amount"]) == ("pnts", ".n")


def test_a_calculation_that_came_to_nothing_was_not_asked(database: Database, directory: Path) -> None:
    with database.begin() as db:
        add_run(db, add_survey(db), {"origin": "MU", "twice": ""})
    result = export(database, directory)
    assert [row["twice"] for row in read(directory, "-wide.csv")] == [".n"]
    assert result.answers == 1


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("options", "origins"),
    [
        (Options(until=date(2026, 3, 1)), {"LS", "pnts"}),
        (Options(since=date(2026, 3, 2)), {"MU"}),
        (Options(dispositions=frozenset({"completed"}), until=date(2026, 3, 1)), {"LS", "pnts"}),
        (Options(dispositions=frozenset({"partial"})), set()),
    ],
)
def test_filters_choose_interviews(database: Database, directory: Path, options: Options, origins: set[str]) -> None:
    result = export(database, directory, options)
    assert {row["origin"] for row in read(directory, "-wide.csv")} == origins
    assert result.respondents == len(origins)


@pytest.mark.usefixtures("people")
def test_the_manifest_and_the_row_say_who_took_what(database: Database, directory: Path) -> None:
    result = export(database, directory, Options(leave_out=frozenset({"moved"})))
    manifest = json.loads(result.manifest.read_text("utf-8"))
    assert manifest["options"]["leave_out"] == ["moved"]
    assert (manifest["respondents"], manifest["first_day"], manifest["last_day"]) == (3, "2026-03-01", "2026-03-02")
    assert manifest["recruitment_sources"] == {"(none)": 1, "leaflet": 2}
    for path, file in result.files.items():
        assert manifest["files"][path.name] == {"rows": file.rows, "sha256": sha256(path.read_bytes()).hexdigest()}
    assert {path.name: file.rows for path, file in result.files.items()} == {
        **{"towns-3-wide.csv": 3, "towns-3-wide-child.csv": 3, "towns-3-long.csv": 18, "towns-3.xlsx": 3},
        "towns-3-codebook.csv": len(read(directory, "-codebook.csv")),
    }
    with database.read() as db:
        row = db.scalars(select(Export)).one()
    assert (row.by, row.respondents, row.sha256, row.files) == (
        *("staff:1", 3, sha256(result.manifest.read_bytes()).hexdigest()),
        manifest["files"],
    )
    assert (row.salt, row.created_at, row.finished_at) == (SALT.hex(), clock.now(), clock.now())


@pytest.mark.usefixtures("people")
def test_after_an_erasure_earlier_exports_name_the_lines_to_delete(database: Database, directory: Path) -> None:
    result = export(database, directory)
    gone = row_of(read(directory, "-wide.csv"), "pnts")["respondent"]
    with database.begin() as db:
        (contact_id,) = db.scalars(select(Run.contact_id).join(Contact).where(Contact.source.is_(None)))
        ((held, respondent),) = service.holding(db, contact_id)
        assert (held.id, respondent) == (result.export_id, gone)
        assert service.withdrawn(db, held) == []
        db.execute(delete(Contact).where(Contact.id == contact_id))
        assert service.withdrawn(db, held) == [gone]
    export(database, directory)
    assert gone not in {row["respondent"] for row in read(directory, "-wide.csv")}


@pytest.mark.usefixtures("people")
def test_a_new_person_with_an_erased_persons_number_does_not_hide_the_erasure(
    database: Database, directory: Path
) -> None:
    export(database, directory)
    with database.begin() as db:
        held = db.scalars(select(Export)).one()
        db.execute(delete(Run))
        db.execute(delete(Contact))
        clock.advance(timedelta(days=1))
        survey = db.scalars(select(service.Survey)).one()
        add_run(db, survey, {}, began=clock.now())
        assert len(service.withdrawn(db, held)) == 3


@pytest.mark.usefixtures("people")
def test_what_is_erased_while_an_export_runs_is_not_in_it(database: Database, directory: Path) -> None:
    with database.begin() as db:
        survey = db.scalars(select(service.Survey)).one()
        held = service.begin(db, survey, Options(), "staff:1")
        first = db.scalars(select(ExportMember).order_by(ExportMember.respondent)).first()
        assert first is not None
        db.execute(delete(Contact).where(Contact.id == first.contact_id))
        result = service.write(db, held, directory)
    assert result.respondents == 2
    assert first.respondent not in {row["respondent"] for row in read(directory, "-wide.csv")}


@pytest.mark.usefixtures("people")
def test_an_export_that_fails_leaves_no_file_behind(
    database: Database, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("bot.exports.package.Package.finish", full)
    with pytest.raises(OSError, match="disk full"):
        export(database, directory)
    assert list(directory.iterdir()) == []


def test_a_survey_nobody_answered_gives_empty_tables(database: Database, directory: Path) -> None:
    with database.begin() as db:
        add_survey(db)
    result = export(database, directory)
    assert Counter(file.rows for file in result.files.values())[0] == 4
    assert (result.respondents, result.answers) == (0, 0)


def test_the_names_of_files_cannot_leave_the_directory(database: Database, directory: Path) -> None:
    with database.begin() as db:
        add_survey(db, SHEET.replace("| towns | 3 |", "| ../../x | 1/2 |"))
    result = export(database, directory)
    assert {path.parent for path in result.files} == {directory}


@pytest.mark.usefixtures("people")
def test_progress_ends_with_everybody(database: Database, directory: Path) -> None:
    seen: list[tuple[str, int]] = []
    with database.begin() as db:
        survey = db.scalars(select(service.Survey)).one()
        service.run(db, survey, Options(), directory, "staff:1", lambda *done: seen.append(done))
    assert dict(seen) == {"csv": 3, "long": 3, "xlsx": 3}
