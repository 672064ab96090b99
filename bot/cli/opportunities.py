"""opportunity, costs: what a program may want of investment cards and of the costs of sending money."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table

app = typer.Typer(help="Investment cards: list.", no_args_is_help=True)
costs_app = typer.Typer(help="Costs of sending money: list, import.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of the only command."""


@app.command("list")
def list_cards(as_json: AsJson = False) -> None:
    """List the cards that members may see, with how many did what."""
    from bot.opportunities import service, touches

    with installation() as opened, opened.database.read() as db:
        cards = service.visible(db, opened.content)
        rows = [
            {
                "id": card.id,
                "title": card.texts["en"]["title"],
                "country": card.country,
                "valid_until": card.valid_until,
                "review_on": card.review_on,
                **touches.figures(db, card),
            }
            for card in cards
        ]
    if as_json:
        show_json(rows)
    else:
        show_table("Cards that members see", list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows])


@costs_app.command("list")
def list_costs(as_json: AsJson = False) -> None:
    """List the figures that members may see, the cheapest first."""
    from bot.opportunities import costs

    with installation() as opened, opened.database.read() as db:
        rows = [
            {
                "from": row.origin,
                "to": row.destination,
                "provider": row.provider,
                "fee_usd": row.fee,
                "margin_usd": costs.margin_of(row),
                "total_usd": costs.total(row),
                "source": row.source,
                "as_of": row.as_of,
                "old": costs.is_old(row),
            }
            for row in costs.shown(db)
        ]
    if as_json:
        show_json(rows)
    else:
        show_table("Sending 200 USD", list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows])


@costs_app.command("import")
def import_costs(
    file: Annotated[Path, typer.Argument(help="CSV: from, to, provider, fee_usd, margin_percent, source, as_of.")],
    by: Annotated[str, typer.Option("--by", help="E-mail address of the member of staff who does it.")],
    as_json: AsJson = False,
) -> None:
    """Keep the figures of a CSV; one wrong line refuses all of it."""
    from bot.opportunities import costs, costs_sheet
    from bot.staff import service as staff
    from bot.staff.roles import Forbidden

    try:
        with installation() as opened, opened.database.begin() as db:
            user = staff.find(db, by)
            if user is None or not user.active:
                raise Trouble("No active member of staff has this e-mail address: see `outreach staff add`")
            count = costs.record(db, user, costs_sheet.read(file.read_bytes()))
    except (costs_sheet.CostsError, Forbidden) as error:
        raise Trouble(str(error)) from None
    show_json({"figures": count}) if as_json else typer.echo(f"{count} figures are kept.")
