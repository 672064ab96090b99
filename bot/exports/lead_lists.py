"""A list of leads as a file for an authority."""

import csv
import io

from bot.exports.formats.csv_files import neutral
from bot.opportunities.handover import HEADER, HandoverList


def as_csv(made: HandoverList) -> bytes:
    """Return the list as CSV, with the mark by which Excel knows UTF-8."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADER)
    writer.writerows([neutral(cell) for cell in row] for row in made.rows)
    return file.getvalue().encode("utf-8-sig")


def as_xlsx(made: HandoverList) -> bytes:
    """Return the list as a workbook in which every cell is text."""
    from xlsxwriter import Workbook

    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("leads")
        for line, row in enumerate([HEADER, *made.rows]):
            for column, cell in enumerate(row):
                sheet.write_string(line, column, cell)
    return file.getvalue()
