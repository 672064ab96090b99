"""survey: check, trace, try and publish an XLSForm."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from bot import clock
from bot.cli.opened import installation
from bot.cli.output import Trouble, show_json

app = typer.Typer(help="Surveys: XLSForms answered in chat.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="An XLSForm (.xlsx .xls .csv .md) or XForm (.xml).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Say what is wrong with a form, by sheet, row and column, and what is lost in chat."""
    from bot.surveys.form import FormError
    from bot.surveys.xform import load

    try:
        form = load(file)
        problems, fit = list(form.warnings), True
    except FormError as error:
        problems, fit = list(error.problems), False
    if as_json:
        show_json({"fit": fit, "problems": [str(problem) for problem in problems]})
    else:
        for problem in problems:
            typer.echo(str(problem))
        typer.echo("The form can be published." if fit else "The form cannot be published yet.")
    if not fit:
        raise typer.Exit(1)


@app.command()
def trace(
    file: File,
    script: Annotated[Path, typer.Option(help="JSON list of ops: set, add, remove, language.")],
    now: Annotated[str, typer.Option(help="The whole clock, ISO 8601.")],
    tz: Annotated[str, typer.Option(help="IANA time zone.")] = "UTC",
) -> None:
    """Print the state of every node at the start and after each op, as JSON."""
    from bot.surveys.trace import trace as run
    from bot.surveys.xform import load

    try:
        ops = json.loads(script.read_text("utf-8"))
        zone = ZoneInfo(tz)
        at = datetime.fromisoformat(now)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise Trouble(
            f"{error}: --script is a JSON list, --now like 2026-03-04T10:00:00+00:00, --tz like Africa/Maseru"
        ) from None
    form = load(file, chat=False)
    show_json(run(form, ops, at if at.tzinfo else at.replace(tzinfo=zone), zone))


@app.command("try")
def try_(file: File, language: Annotated[str, typer.Option(help="en, fr, st, ny or mfe.")] = "en") -> None:
    """Answer a form in the terminal, as in chat; nothing is stored."""
    from bot.cli.trying import converse

    converse(file, language)


@app.command()
def publish(file: File, as_json: AsJson = False) -> None:
    """Publish a form: members get it with SURVEY from now on."""
    from bot.surveys import service

    with installation() as opened, opened.database.begin() as db:
        survey = service.publish(db, file.read_bytes(), file.name)
        facts = {"id": survey.id, "form": survey.form_id, "version": survey.version, "at": clock.now().isoformat()}
    show_json(facts) if as_json else typer.echo(f"{facts['form']} {facts['version']} is open.")
