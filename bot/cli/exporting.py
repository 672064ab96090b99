"""export: the answers of a survey as files."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.exports import service
from bot.exports.models import Export
from bot.exports.options import Options
from bot.staff import audit
from bot.surveys.models import Survey

BY = "command line"


def export(
    form: Annotated[str, typer.Argument(help="Id of the form, such as diaspora_mapping.")],
    to: Annotated[Path | None, typer.Option(help="Folder; default: where the console finds it, in DATA_DIR.")] = None,
    language: Annotated[str | None, typer.Option(help="Labels, as the form names them: English (en).")] = None,
    leave_out: Annotated[
        str, typer.Option(help="Questions to withhold, by name, separated by commas: what is rare may name people.")
    ] = "",
    free_text: Annotated[bool, typer.Option("--free-text", help="Include free text, which may name people.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the answers to the form's newest version as CSV and XLSX with labels and codebook; pseudonymous."""
    withheld = frozenset(filter(None, (name.strip() for name in leave_out.split(","))))
    options = Options(language=language, free_text=free_text, leave_out=withheld)
    with installation() as opened:
        # Three transactions: members can go on writing while a large export is read.
        with opened.database.begin() as db:
            begun = _begin(db, form, options)
        folder = to or opened.settings.data_dir / "exports" / str(begun.id)
        with opened.database.read() as db:
            result = service.write(db, begun, folder)
        with opened.database.begin() as db:
            service.finish(db, begun, result)
    rows = {str(path): file.rows for path, file in result.files.items()}
    if as_json:
        show_json({"respondents": result.respondents, "answers": result.answers, "files": rows})
    else:
        show_table(f"{result.respondents} respondents, {result.answers} answers", ["file", "rows"], rows.items())


def _begin(db: Session, form: str, options: Options) -> Export:
    newest = select(Survey).where(Survey.form_id == form, Survey.published_at.is_not(None))
    survey = db.scalars(newest.order_by(Survey.published_at.desc(), Survey.id.desc()).limit(1)).one_or_none()
    if survey is None:
        raise Trouble(f"There is no survey {form}: publish it with `outreach survey publish FILE`")
    begun = service.begin(db, survey, options, BY)
    audit.record(db, None, "export.begun", "export", begun.id, {"survey": survey.id, "options": options.as_json()})
    return begun
