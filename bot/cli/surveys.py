"""survey: check, trace, try, preview and publish an XLSForm; what is done with its people is beside it."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from bot import clock
from bot.cli import responding, survey_people
from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json
from bot.content.languages import LANGUAGES
from bot.surveys.form import FormError
from bot.surveys.xform import load

if TYPE_CHECKING:
    from bot.surveys.publishing import Prepared

app = typer.Typer(help="Surveys: XLSForms answered in chat.", no_args_is_help=True)
app.command("list")(survey_people.list_)
app.command()(survey_people.invite)
app.command()(survey_people.terms)
app.command()(survey_people.nudge)
app.command()(survey_people.close)
app.command()(responding.response)
File = Annotated[Path, typer.Argument(help="An XLSForm (.xlsx .xls .csv .md) or XForm (.xml).")]


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Say what is wrong with a form, by sheet, row and column, and what is lost in chat."""
    try:
        problems, fit = list(load(file).warnings), True
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
    from bot.surveys.trace import ScriptError
    from bot.surveys.trace import trace as run
    from bot.surveys.xpath.values import EvaluationError

    try:
        ops = json.loads(script.read_text("utf-8"))
        zone = ZoneInfo(tz)
        at = datetime.fromisoformat(now)
        if not isinstance(ops, list):
            raise ValueError("the script is no list")
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise Trouble(
            f"{error}: --script is a JSON list, --now like 2026-03-04T10:00:00+00:00, --tz like Africa/Maseru"
        ) from None
    form = load(file, chat=False)
    try:
        show_json(run(form, ops, at if at.tzinfo else at.replace(tzinfo=zone), zone))
    except ScriptError as error:
        raise Trouble(str(error)) from None
    except EvaluationError as error:
        raise Trouble(f"{error.place} has an expression that cannot be computed: {error}") from None


@app.command("try")
def try_(
    file: File,
    language: Annotated[str, typer.Option(help=f"{', '.join(LANGUAGES)}.")] = "en",
    channel: Annotated[str, typer.Option(help="telegram (buttons) or whatsapp (few of them).")] = "telegram",
    as_json: AsJson = False,
) -> None:
    """Answer a form in the terminal, as in chat; nothing is kept.

    Each line is a message: [Label] presses a button, @photo (@audio @video @file) sends one,
    @language fr changes the language. Reads a script from standard input as well.
    """
    from bot.cli.trying import CHANNELS, converse

    if language not in LANGUAGES or channel not in CHANNELS:
        raise Trouble(f"Use --language {'|'.join(LANGUAGES)} and --channel {'|'.join(CHANNELS)}")
    ended = converse(prepare(file).survey(), language, channel, speak=not as_json)
    if as_json:
        show_json(ended.as_json())
    else:
        for path, value in ended.answers.items():
            typer.echo(f"{path} = {value}")
        typer.echo(f"The survey is {ended.disposition}.")
    if not ended.over:
        raise Trouble("The answers ended before the survey did")


@app.command()
def preview(
    file: File,
    port: Annotated[
        int, typer.Option(min=1, max=65000, help="Port of the phones; the next free one is taken when it is in use.")
    ] = 8100,
) -> None:
    """Try a form on emulated phones, one of each channel and language, until Ctrl-C; nothing is kept."""
    from bot import logs, loop
    from bot.cli import listening
    from bot.demo.preview import preview as on_phones
    from bot.demo.stage import free_port

    prepared = prepare(file)
    logs.configure("ERROR")

    async def show() -> None:
        async with on_phones(prepared, free_port(port)) as shown:
            typer.echo(f"Phones: {shown.url}")
            await listening.sleep_until_told()

    loop.run(show())


@app.command()
def publish(file: File, as_json: AsJson = False) -> None:
    """Publish a form, with the lists beside it that it names: members get it with SURVEY from now on."""
    from bot.staff import audit
    from bot.surveys import publishing

    prepared, began = prepare(file), clock.now()
    with installation() as opened, opened.database.begin() as db:
        survey = publishing.release(db, publishing.keep(db, prepared))
        if survey.published_at and survey.published_at >= began:  # the same file again changes nothing
            audit.record(db, None, "survey.published", "survey", survey.id, {"sha256": survey.sha256})
        facts = {"id": survey.id, "form": survey.form_id, "version": survey.version, "status": survey.status}
    show_json(facts) if as_json else typer.echo(f"{facts['form']} {facts['version']} is {facts['status']}.")


def prepare(file: Path) -> "Prepared":
    """Compile a form with the files beside it that it names; raise FormError when it cannot be published."""
    from bot.surveys import publishing

    return publishing.prepare(file.read_bytes(), file.name, load(file).media)
