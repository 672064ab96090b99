"""How long people took for each answer: seconds from when the question was put first, and never a time of day."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.exports.cases import place, stream
from bot.exports.formats.csv_files import CsvFile
from bot.exports.models import Export, ExportMember
from bot.surveys.form import Form
from bot.surveys.models import Answer, Missing, Run

if TYPE_CHECKING:
    from bot.exports.package import Package

HEAD = ("respondent", "step", "question", "number", "seconds", "corrected")
_COLUMNS = (Answer.path, Answer.shown_at, Answer.at, Answer.superseded_at)


def write(db: Session, export: Export, forms: Mapping[int, Form], package: "Package", path: Path) -> int:
    """Write a line for each answer in the order given, those corrected later too; return how many.

    What an export withholds, and what nobody answered, is not in it.
    """
    versions = {id: number for number, id in enumerate(forms)}
    known = package.cells_by_name()
    answers = (
        select(ExportMember.respondent, Run.survey_id, *_COLUMNS)
        .join(Run, Run.id == ExportMember.run_id)
        .join(Answer, Answer.run_id == Run.id)
        .where(ExportMember.export_id == export.id, Answer.shown_at.is_not(None))
        .where(or_(Answer.missing.is_(None), Answer.missing != Missing.TIMED_OUT))
        .order_by(ExportMember.respondent, Answer.id)
    )
    file = CsvFile(path, HEAD)
    for respondent, given in groupby(stream(db, answers), key=itemgetter(0)):
        for step, (_, survey_id, where, shown_at, at, replaced_at) in enumerate(given, 1):
            bare, numbers = place(where)
            if found := known.get((bare, versions[survey_id])):
                seconds = max(0, round((at - shown_at).total_seconds()))  # a clock may have been set back meanwhile
                number = ".".join(map(str, numbers))
                corrected = str(int(replaced_at is not None))
                file.write((respondent, str(step), found[0].name, number, str(seconds), corrected))
    file.close()
    return file.rows
