"""export: a survey's answers as files for analysts."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.opened import installation
from bot.cli.output import Trouble, show_json, show_table


def export(
    form: Annotated[str, typer.Argument(help="Id of the form, such as diaspora_mapping.")],
    to: Annotated[Path | None, typer.Option(help="Folder; default: exports/ in DATA_DIR.")] = None,
    language: Annotated[str | None, typer.Option(help="Labels, as the form names them: English (en).")] = None,
    free_text: Annotated[bool, typer.Option("--free-text", help="Include free text, which may name people.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write the answers as CSV and XLSX with labels and codebook; pseudonymous."""
    from sqlalchemy import select

    from bot.exports import service
    from bot.exports.options import Options
    from bot.surveys.models import Survey

    with installation() as opened, opened.database.begin() as db:
        survey = db.scalars(
            select(Survey).where(Survey.form_id == form).order_by(Survey.published_at.desc()).limit(1)
        ).one_or_none()
        if survey is None:
            raise Trouble(f"There is no survey {form}: publish it with `outreach survey publish FILE`")
        folder = to or opened.settings.data_dir / "exports"
        result = service.run(db, survey, Options(language=language, free_text=free_text), folder, by="command line")
    rows = {str(path): file.rows for path, file in result.files.items()}
    if as_json:
        show_json({"respondents": result.respondents, "answers": result.answers, "files": rows})
    else:
        show_table(f"{result.respondents} respondents, {result.answers} answers", ["file", "rows"], rows.items())
