"""Lists of people: read from what offices have, judged row by row, taken as a whole or not at all."""

import zipfile
from datetime import date, time
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from bot.contacts import importing, service, sheets
from bot.contacts.importing import Known, Standing, Verdict
from bot.contacts.models import Address, AskedOnce, Consent, Contact, ImportBatch, Imported, State
from bot.contacts.numbers import Trouble
from bot.contacts.sheets import Row, SheetError
from bot.db import Database

US = "+26622000000"


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_encoding_are_found_out(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = ["Prénom;Numéro de téléphone", "Zoé;+23052512345", ";", "Élie;52512346"]
    path = write(tmp_path, "\r\n".join(lines).replace(";", delimiter), encoding)
    sheet = sheets.read(path, {})
    assert sheet.columns == {"phone": "Numéro de téléphone"}
    assert sheet.unread == ("Prénom",)
    assert sheet.rows == [Row(2, "+23052512345", None), Row(4, "52512346", None)]


def test_a_workbook_is_read_with_numbers_that_lost_their_form(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for cells in (["Name", "Mobile number", "Country code"], ["A", 26650123456.0, "LS"], ["B", "0991234567", "mw"]):
        book.active.append(cells)
    book.save(tmp_path / "list.xlsx")
    sheet = sheets.read(tmp_path / "list.xlsx", {})
    assert sheet.rows == [Row(2, "26650123456", "LS"), Row(3, "0991234567", "MW")]


def workbook(folder: Path, **contents: list[list[object]]) -> tuple[Path, Workbook]:
    path, book = folder / "list.xlsx", Workbook()
    book.remove(book.worksheets[0])
    for title, rows in contents.items():
        sheet = book.create_sheet(title)
        for cells in rows:
            sheet.append(cells)
    book.save(path)
    return path, book


def test_lines_are_numbered_as_the_spreadsheet_shows_them(tmp_path: Path) -> None:
    path, _ = workbook(tmp_path, List=[[], [None], [None, "Phone"], [], ["x", "+26650123456"]])
    assert sheets.read(path, {}).rows == [Row(5, "+26650123456", None)]
    text = write(tmp_path, "\n;;\nName;Phone\n\nA;+26650123456\n")
    assert sheets.read(text, {}).rows == [Row(5, "+26650123456", None)]


def test_formulas_dates_and_errors_are_cells_like_others(tmp_path: Path) -> None:
    cells: list[object] = ["Phone", date(2026, 1, 2), time(3, 4), True, 5012.5, 26650123456, "=A1", "#N/A", "'50123456"]
    path, book = workbook(tmp_path, List=[[cell, "here"] for cell in cells])
    book["List"]["A8"].data_type = "e"
    book.save(path)
    found = [row.phone for row in sheets.read(path, {}).rows]
    # Of a formula its value counts; this one was never calculated.
    assert found == ["2026-01-02", "03:04:00", "True", "5012.5", "26650123456", "", "", "'50123456"]


def test_the_first_sheet_that_is_shown_and_filled_is_read_or_the_one_that_is_named(tmp_path: Path) -> None:
    one, two = [["Phone"], ["+26650123456"]], [["Phone"], ["+26658000001"]]
    path, book = workbook(tmp_path, Codes=[["code"]], Empty=[], Members=one, Others=two)
    book["Codes"].sheet_state = "hidden"
    book.save(path)
    sheet = sheets.read(path, {})
    assert ([row.phone for row in sheet.rows], sheet.others) == (["+26650123456"], ("Empty", "Others"))
    assert [row.phone for row in sheets.read(path, {}, "Others").rows] == ["+26658000001"]
    with pytest.raises(SheetError, match="no sheet of this name"):
        sheets.read(path, {}, "Nobody")


def test_a_cell_in_the_last_corner_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    path, book = workbook(tmp_path, List=[["Phone"], ["+26650123456"]])
    book["List"].cell(1_048_576, 16_384, "here")
    book.save(path)
    with pytest.raises(SheetError, match="more than 512 MB"):
        sheets.read(path, {})


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path, _ = workbook(tmp_path, List=[["Phone"], ["+26650123456"]])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    strings = b"<si><t>" + b"a" * 32_000 + b"</t></si>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            if name != "xl/sharedStrings.xml":
                book.writestr(name, part)
        with book.open("xl/sharedStrings.xml", "w", force_zip64=True) as out:
            out.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
            for _ in range(700):
                out.write(strings * 32)
            out.write(b"</sst>")
    assert path.stat().st_size < 5_000_000
    with pytest.raises(SheetError, match="more than 512 MB"):
        sheets.read(path, {})


def test_a_column_may_be_named_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, "Phone,WhatsApp\n1,+26650123456\n")
    with pytest.raises(SheetError, match="More than one column may be the phone"):
        sheets.read(path, {})
    assert sheets.read(path, {"WhatsApp": "phone"}).rows == [Row(2, "+26650123456", None)]


@pytest.mark.parametrize(
    ("text", "mapping", "words"),
    [
        ("", {}, "no header"),
        ("Name,City\n", {}, "No column looks like a phone number"),
        ("Phone\n", {"Cell": "phone"}, "There is no column Cell"),
        ("Phone,Name\n", {"Name": "name"}, "There is no field name"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_cure(
    tmp_path: Path, text: str, mapping: dict[str, str], words: str
) -> None:
    with pytest.raises(SheetError, match=words):
        sheets.read(write(tmp_path, text), mapping)


def test_a_file_that_only_claims_to_be_a_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.xlsx").write_text("Phone\n1\n")
    with pytest.raises(SheetError, match="no XLSX workbook"):
        sheets.read(tmp_path / "list.xlsx", {})


ROWS = [
    Row(2, "5012 3456", None),
    Row(3, "+266 50123456", None),
    Row(4, "0991234567", "MW"),
    Row(5, "+230 251 2345", None),
    Row(6, "58000001", None),
    Row(7, "", None),
]


def judge(database: Database, rows: list[Row] = ROWS) -> list[Verdict]:
    with database.read() as db:
        return importing.judge(db, rows, US, "LS")


def take(database: Database, verdicts: list[Verdict], source: str = "the embassy") -> ImportBatch | None:
    with database.begin() as db:
        return importing.take(db, verdicts, US, source, "7")


def test_every_row_is_in_out_or_doubtful_and_says_why(database: Database) -> None:
    with database.begin() as db:
        service.find_or_create(db, importing.CHANNEL, US, "whatsapp:+26658000001")
    done: list[int] = []
    with database.read() as db:
        verdicts = importing.judge(db, ROWS, US, "LS", done.append)
    assert [(verdict.line, verdict.standing, verdict.reason) for verdict in verdicts] == [
        (2, Standing.IN, Known.NEW),
        (3, Standing.OUT, Known.TWICE),
        (4, Standing.IN, Known.NEW),
        (5, Standing.DOUBTFUL, Trouble.OLD_MAURITIAN),
        (6, Standing.OUT, Known.IN_REGISTER),
        (7, Standing.OUT, Trouble.EMPTY),
    ]
    assert sum(importing.tally(verdicts).values()) == sum(done) == len(ROWS)


def test_nothing_is_written_before_it_is_confirmed(database: Database) -> None:
    judge(database)
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Contact)) == 0


def test_of_an_imported_person_only_address_source_and_recorder_are_kept(database: Database, frozen: object) -> None:
    batch = take(database, judge(database))
    assert batch is not None
    with database.read() as db:
        people = db.scalars(select(Contact).join(Imported).where(Imported.batch_id == batch.id)).all()
        addresses = [(one.value, one.channel, one.sender) for one in db.scalars(select(Address).order_by(Address.id))]
        assert batch.recorded_by == "7"
        assert {(one.state, one.source, one.channel) for one in people} == {(State.INVITED, "the embassy", "whatsapp")}
        unknown = ("language", "origin", "residence", "city", "zone", "joined_at")
        assert {getattr(one, name) for one in people for name in unknown} == {None}
        assert db.scalar(select(func.count()).select_from(Consent)) == 0
    numbers = ["+26650123456", "+265991234567", "+26658000001"]
    assert addresses == [(f"whatsapp:{number}", "whatsapp", US) for number in numbers]


def test_the_same_list_again_adds_nothing(database: Database) -> None:
    assert take(database, judge(database)) is not None
    again = judge(database)
    assert Standing.IN not in {verdict.standing for verdict in again}
    assert take(database, again) is None


def test_a_person_who_writes_between_look_and_import_stops_the_whole(database: Database) -> None:
    verdicts = judge(database)
    with database.begin() as db:
        service.find_or_create(db, importing.CHANNEL, US, "whatsapp:+265991234567")
    with pytest.raises(IntegrityError):
        take(database, verdicts)
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Contact)) == 1
        assert db.scalar(select(func.count()).select_from(AskedOnce)) == 0
    assert take(database, judge(database)) is not None
