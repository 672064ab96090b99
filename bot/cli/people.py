"""staff: who may use the console. audit: is the trail whole?"""

from typing import Annotated

import typer

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json
from bot.staff import audit, service
from bot.staff.models import Role

app = typer.Typer(help="Members of staff.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit trail.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `staff add` a command of a group."""


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="E-mail address, the name to sign in with.")],
    name: Annotated[str, typer.Option(help="Name that colleagues see.")],
    role: Annotated[str, typer.Option(help=f"{', '.join(Role)}.")],
    as_json: AsJson = False,
) -> None:
    """Add a member of staff and print a one-time link to set a password."""
    if role not in set(Role):
        raise Trouble(f"There is no role {role}: use {', '.join(Role)}")
    with installation() as opened:
        try:
            with opened.database.begin() as db:
                _, token = service.add(db, email, name, Role(role))
        except service.AlreadyStaff as error:
            raise Trouble(str(error)) from None
        base = opened.settings.public_url or opened.settings.local_url
    link = f"{base}/console/welcome/{token}"
    show_json({"link": link}) if as_json else typer.echo(f"One-time link to set a password: {link}")


@audit_app.callback()
def _audit_group() -> None:
    """Keep `audit verify` a command of a group."""


@audit_app.command()
def verify(as_json: AsJson = False) -> None:
    """Follow the chain of the audit trail, say where it is broken, and print its last hash to note elsewhere."""
    with installation() as opened, opened.database.read() as db:
        broken, head = audit.verify(db), audit.head(db)
    if broken is not None:
        raise Trouble(f"The audit trail is broken at entry {broken.id}: somebody changed or removed an entry")
    show_json({"head": head}) if as_json else typer.echo(f"The audit trail is whole. Its last hash: {head}")
