import csv
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from bot.exports.formats import workbook as workbooks
from bot.exports.formats.csv_files import CsvFile, neutral, original
from bot.exports.formats.workbook import XlsxFile
from bot.exports.options import ExportError
from bot.exports.variables import Kind

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
cell = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["=1+1", "'=x", "''", "'nete", "-5", "+27", "\r\n"]
)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@given(st.lists(st.lists(cell, min_size=2, max_size=4), max_size=5))
def test_every_text_comes_back_from_csv_as_it_was_and_none_begins_like_a_formula(rows: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        file = CsvFile(Path(folder) / "x.csv", ["a", "b"])
        for row in rows:
            file.write(row)
        file.close()
        _, *got = read(file.path)
    assert [[original(each) for each in row] for row in got] == rows
    assert file.rows == len(rows)
    for each in (each for row in got for each in row):
        assert not each.startswith(DANGEROUS) or float(each) < 0


def test_a_negative_number_stays_a_number_and_a_sesotho_apostrophe_stays_alone() -> None:
    assert [neutral(each) for each in ("-5", "-0.25", "'nete", "’Nete", "é")] == ["-5", "-0.25", "'nete", "’Nete", "é"]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-", "'=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_a_csv_begins_with_a_byte_order_mark_and_ends_its_lines_as_excel_does(tmp_path: Path) -> None:
    file = CsvFile(tmp_path / "x.csv", ["ville"])
    file.write(["Curepipe – été"])
    file.close()
    assert file.path.read_bytes() == b"\xef\xbb\xbfville\r\n" + "Curepipe – été\r\n".encode()


def workbook(path: Path, rows: list[list[str]], kinds: list[Kind]) -> list[tuple[object, ...]]:
    book = XlsxFile(path)
    sheet = book.sheet("data", [kind.value for kind in kinds], kinds)
    for row in rows:
        sheet.write(row)
    book.close(date(2026, 3, 4))
    return list(load_workbook(path)["data"].iter_rows(min_row=2, values_only=True))


def test_a_workbook_keeps_numbers_days_and_texts_apart(tmp_path: Path) -> None:
    rows = [["5.5", "2026-03-04", "5.5"], [".s", ".n", "=1+1"], ["007", "1850-01-01", "http://x.y"], ["", "", "é’ô"]]
    got = workbook(tmp_path / "x.xlsx", rows, [Kind.NUMBER, Kind.DATE, Kind.TEXT])
    assert got == [
        (5.5, datetime(2026, 3, 4), "5.5"),  # noqa: DTZ001 - a spreadsheet's days have no zone
        (".s", ".n", "=1+1"),
        ("007", "1850-01-01", "http://x.y"),
        (None, None, "é’ô"),
    ]
    cells = load_workbook(tmp_path / "x.xlsx")["data"]
    assert [cells["C3"].data_type, cells["C4"].hyperlink] == ["s", None]


@pytest.mark.parametrize("text", ["<r><t>x</t></r>", "<b>&amp;", "a\x00b\x1f", " spaced "])
def test_no_text_breaks_a_workbook(tmp_path: Path, text: str) -> None:
    ((got,),) = workbook(tmp_path / "x.xlsx", [[text]], [Kind.TEXT])
    assert isinstance(got, str)
    assert got.strip().replace("\ufffd", "") == text.strip().replace("\x00", "").replace("\x1f", "")


def test_a_table_longer_than_a_worksheet_goes_on_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "_LAST_ROW", 3)
    workbook(tmp_path / "x.xlsx", [[str(number)] for number in range(5)], [Kind.NUMBER])
    book = load_workbook(tmp_path / "x.xlsx")
    assert book.sheetnames == ["data", "data 2", "data 3"]
    assert [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in book] == [
        ["number", 0, 1],
        ["number", 2, 3],
        ["number", 4],
    ]


def test_a_table_wider_than_a_worksheet_is_refused_with_the_cure(tmp_path: Path) -> None:
    book = XlsxFile(tmp_path / "x.xlsx")
    with pytest.raises(ExportError, match="leave questions out"):
        book.sheet("data", ["x"] * 16_385)
    book.close(date(2026, 3, 4))


def test_sheet_names_are_made_allowed_and_unique(tmp_path: Path) -> None:
    book = XlsxFile(tmp_path / "x.xlsx")
    for name in ("data a/b", "DATA a_b", "x" * 40, "x" * 31):
        book.sheet(name, ["x"])
    book.close(date(2026, 3, 4))
    assert load_workbook(tmp_path / "x.xlsx").sheetnames == ["data a_b", "DATA a_b 2", "x" * 31, "x" * 27 + " 2"]
