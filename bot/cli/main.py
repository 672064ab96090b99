"""The commands by name, and one clear sentence for everything that can go wrong."""

import os
import sys

import typer

from bot.cli import (
    broadcasts,
    content,
    database,
    doctor,
    exporting,
    importing,
    keys,
    links,
    members,
    opportunities,
    people,
    reporting,
    serving,
    sessions,
    surveys,
    tokens,
    webhooks,
)
from bot.cli.output import complain

app = typer.Typer(
    name="outreach",
    help="Diaspora Outreach: Telegram and WhatsApp to members, a console for staff, exports for analysts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serving.run)
app.command()(serving.web)
app.command()(serving.work)
app.command()(serving.demo)
app.command()(doctor.doctor)
app.command()(content.check)
app.command()(exporting.export)
app.command()(reporting.report)
app.add_typer(database.app, name="db")
app.add_typer(surveys.app, name="survey")
app.add_typer(broadcasts.app, name="broadcast")
app.add_typer(sessions.app, name="session")
app.add_typer(opportunities.app, name="opportunity")
app.add_typer(opportunities.costs_app, name="costs")
members.app.add_typer(importing.app)
app.add_typer(members.app, name="contacts")
app.add_typer(exporting.app, name="exports")
app.add_typer(keys.app, name="keys")
app.add_typer(links.app, name="links")
app.add_typer(people.app, name="staff")
app.add_typer(tokens.app, name="token")
app.add_typer(people.audit_app, name="audit")
app.add_typer(content.templates_app, name="templates")
app.add_typer(webhooks.app, name="webhooks")


def main() -> None:
    """Run the command line; an expected trouble is one sentence and exit code 1."""
    os.umask(0o077)  # what we make is for the user that we run as
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        sentence = complain(error)
        if sentence is None:
            raise
        typer.echo(f"outreach: {sentence}", err=True)
        sys.exit(1)
