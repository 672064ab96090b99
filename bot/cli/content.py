"""check: is messages/ complete? templates sync: are they at the provider?"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot import settings
from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.cli.probing import require_providers
from bot.content.check import Problem, Severity, is_error
from bot.content.check import check as check_wording

templates_app = typer.Typer(help="WhatsApp's approved templates.", no_args_is_help=True)


@templates_app.callback()
def _group() -> None:
    """Keep `templates sync` a command of a group."""


def check(
    as_json: AsJson = False,
    drafts: Annotated[bool, typer.Option("--drafts", help="List every wording that nobody has reviewed.")] = False,
) -> None:
    """Find what is missing or wrong in messages/: wording, keywords, templates, surveys."""
    errors, to_review = content_problems(settings.load().messages)
    if as_json:
        show_json([str(problem) for problem in (*errors, *to_review)])
    else:
        for problem in (*errors, *to_review) if drafts else errors:
            typer.echo(str(problem))
        typer.echo(f"{len(errors)} errors, {len(to_review)} wordings to review (--drafts lists them)")
    if errors:
        raise typer.Exit(1)


def content_problems(messages: Path) -> tuple[list[Problem], list[Problem]]:
    """Return what must be put right, and the drafts."""
    if not messages.is_dir():
        raise Trouble(f"There is no folder {messages}: correct OUTREACH_MESSAGES_DIR, or leave it out for ours")
    problems = [*check_wording(messages), *_surveys(messages), *_report_plans(messages)]
    return [one for one in problems if is_error(one)], [one for one in problems if not is_error(one)]


def _surveys(messages: Path) -> list[Problem]:
    from bot.surveys.form import FormError
    from bot.surveys.xform import load

    found = []
    for file in sorted((messages / "surveys").glob("*.xls*")):
        try:
            load(file)
        except FormError as error:
            found += [Problem(Severity.ERROR, f"surveys/{file.name}", str(problem)) for problem in error.problems]
    return found


def _report_plans(messages: Path) -> list[Problem]:
    from bot.content import ContentError
    from bot.reports import plan

    found = []
    for form in plan.forms(messages):
        try:
            plan.load(messages, form)
        except ContentError as error:
            found.append(Problem(Severity.ERROR, f"reports/{form}.yaml", str(error)))
    return found


@templates_app.command()
def sync(as_json: AsJson = False) -> None:
    """Make the templates of messages/templates at Twilio, ask for approval, and show how far it is."""
    from twilio.base.exceptions import TwilioException

    with installation() as opened:
        if "whatsapp" not in opened.channels:
            raise Trouble("WhatsApp is off: write OUTREACH_TWILIO_ACCOUNT_SID and the settings beside it first")
        require_providers(opened.settings)
        try:
            states = asyncio.run(opened.sync_templates())
        except TwilioException as error:
            raise Trouble(f"Twilio refuses a template: {error}. Correct it, or ask again later") from None
    if as_json:
        show_json(states)
    else:
        show_table("Templates", ["template", "approval"], sorted(states.items()))
