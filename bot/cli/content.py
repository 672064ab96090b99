"""check: is messages/ complete? templates sync: are they at the provider?"""

import asyncio
from typing import Annotated

import typer

from bot import settings
from bot.cli.output import Trouble, show_json, show_table

templates_app = typer.Typer(help="WhatsApp's approved templates.", no_args_is_help=True)


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    drafts: Annotated[bool, typer.Option("--drafts", help="List every wording that nobody has reviewed.")] = False,
) -> None:
    """Find what is missing or wrong in messages/: wording, keywords, templates, surveys."""
    from bot.content.check import check as find_problems
    from bot.content.check import is_error

    problems = find_problems(settings.load().messages)
    errors = [problem for problem in problems if is_error(problem)]
    if as_json:
        show_json([str(problem) for problem in problems])
    else:
        for problem in problems if drafts else errors:
            typer.echo(str(problem))
        typer.echo(f"{len(errors)} errors, {len(problems) - len(errors)} wordings to review (--drafts lists them)")
    if errors:
        raise typer.Exit(1)


@templates_app.command()
def sync(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Make the templates of messages/templates at Twilio, ask for approval, and show how far it is."""
    from bot.app import App

    app = App(settings.load())
    if "whatsapp" not in app.channels:
        raise Trouble("WhatsApp is off: set OUTREACH_TWILIO_ACCOUNT_SID and the settings beside it first")
    states = asyncio.run(app.sync_templates())
    app.close()
    if as_json:
        show_json(states)
    else:
        show_table("Templates", ["template", "approval"], sorted(states.items()))
