"""report: the mapping report of a form, as page, paper and pictures."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json


def report(
    out: Annotated[Path, typer.Option("--out", help="Folder into which the files are written.")],
    survey: Annotated[str, typer.Option(help="Id of the form, such as diaspora_mapping.")] = "diaspora_mapping",
    country: Annotated[str | None, typer.Option(help="Country of origin as the plan has it: LS. Default: all.")] = None,
    targets: Annotated[
        Path | None, typer.Option(help="CSV of totals to weight to, kept with the survey; an empty file keeps none.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or fr.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Draw the report of a survey: HTML in one file, PDF, and each figure as SVG and PNG; small numbers hidden."""
    from bot.exports.options import ExportError
    from bot.reports import service
    from bot.staff import audit

    with installation() as opened:
        messages = opened.settings.messages
        try:
            with opened.database.begin() as db:
                if targets:
                    service.declare(db, survey, targets.read_text("utf-8-sig"))
                material = service.publish(db, messages, survey, opened.settings.publish_least)
        except (ExportError, OSError, UnicodeDecodeError) as error:
            raise Trouble(str(error)) from None
        files = service.write(material, messages, country, language, out)
        with opened.database.begin() as db:
            audit.record(db, None, "report.made", "survey", survey, {"country": country, "language": language})
    paths = {kind: str(out / name) for kind, name in files.items()}
    if as_json:
        show_json({"files": paths})
    else:
        for path in paths.values():
            typer.echo(path)
