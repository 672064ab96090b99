"""token: what programs show to use the JSON API."""

from datetime import timedelta
from typing import Annotated

import typer

from bot.cli.opened import acting, installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.staff import service, tokens
from bot.staff.models import ApiToken
from bot.staff.scopes import Scope

app = typer.Typer(help="Tokens of programs that use the JSON API.", no_args_is_help=True)

By = Annotated[str, typer.Option("--by", help="E-mail address of the administrator who does this.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the program is for.")],
    by: By,
    owner: Annotated[str, typer.Option("--for", help="E-mail address of whom it acts for.")],
    scopes: Annotated[str, typer.Option(help=f"Separated by commas, of: {', '.join(Scope)}.")],
    days: Annotated[int, typer.Option(min=1, max=tokens.LONGEST.days, help="Until it ends.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Grant a token and print it, once: it is kept hashed."""
    asked = [part.strip() for part in scopes.split(",") if part.strip()]
    if unknown := sorted(set(asked) - set(Scope)):
        raise Trouble(f"There is no scope {', '.join(unknown)}: use {', '.join(Scope)}")
    with acting(by, tokens.NotGranted) as (_, db, user):
        whose = service.find(db, owner)
        if whose is None or not whose.active:
            raise Trouble("No active member of staff has the address of --for: see `outreach staff add`")
        row = tokens.grant(db, user, whose, name, asked, timedelta(days=days))
        secret = tokens.fetch(db, row, whose)
    said = {"token": secret, "id": row.id, "expires_at": row.expires_at.isoformat(timespec="seconds")}
    show_json(said) if as_json else typer.echo(f"Token {row.id}, not shown again: {secret}")


@app.command("list")
def listing(as_json: AsJson = False) -> None:
    """List the tokens, never what they are."""
    with installation() as opened, opened.database.read() as db:
        rows = [
            {
                "id": row.id,
                "name": row.name,
                "owner": row.user_id,
                "scopes": row.scopes,
                "expires_at": row.expires_at.isoformat(timespec="seconds"),
                "used_at": row.used_at.isoformat(timespec="seconds") if row.used_at else None,
                "revoked": row.revoked_at is not None,
            }
            for row in tokens.listed(db)
        ]
    head = ("id", "name", "owner", "scopes", "expires_at", "used_at", "revoked")
    show_json(rows) if as_json else show_table("Tokens", head, [list(row.values()) for row in rows])


@app.command()
def revoke(token: Annotated[int, typer.Argument(help="Its number, as `token list` shows it.")], by: By) -> None:
    """End a token at once, for good."""
    with acting(by) as (_, db, user):
        row = db.get(ApiToken, token)
        if row is None:
            raise Trouble(f"There is no token {token}: see `outreach token list`")
        tokens.revoke(db, row, user)
    typer.echo(f"Token {token} does not count any more.")
