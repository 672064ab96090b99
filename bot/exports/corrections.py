"""What was answered before it was corrected: one line for each answer that another has replaced."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.exports.cases import RECORDED, Given, day_of, place, stream
from bot.exports.formats.csv_files import CsvFile
from bot.exports.models import Export, ExportMember
from bot.exports.options import Options
from bot.surveys.form import Form
from bot.surveys.models import Answer, Run

if TYPE_CHECKING:
    from bot.exports.package import Package

HEAD = ("respondent", "question", "number", "value", "label", "missing", "day", "replaced_on")


def write(
    db: Session, export: Export, options: Options, forms: Mapping[int, Form], package: "Package", path: Path
) -> int:
    """Write the file; return how many answers were replaced. What an export withholds is not in it either."""
    versions = {id: number for number, id in enumerate(forms)}
    known = package.cells_by_name()
    words = (Answer.private,) if options.free_text else ()
    replaced = (
        select(
            *(ExportMember.respondent, Run.survey_id, Answer.path, Answer.value, Answer.missing),
            *(day_of(db, Answer.at), day_of(db, Answer.superseded_at), *words),
        )
        .join(Run, Run.id == ExportMember.run_id)
        .join(Answer, Answer.run_id == Run.id)
        .where(ExportMember.export_id == export.id, Answer.superseded_at.is_not(None))
        .order_by(ExportMember.respondent, Answer.id)
    )
    file = CsvFile(path, HEAD)
    for respondent, survey_id, where, value, missing, day, until, *private in stream(db, replaced):
        bare, numbers = place(where)
        if found := known.get((bare, versions[survey_id])):
            variable, cells = found
            text = value or (private[0] if private else None) or ""
            shown = cells.long(Given(text, RECORDED[missing] if missing else None))
            file.write((respondent, variable.name, ".".join(map(str, numbers)), *shown, day, until))
    file.close()
    return file.rows
