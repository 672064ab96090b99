"""opportunity, costs: the console's steps with investment cards and the costs of sending money, for scripts."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy.orm import Session

from bot.cli import card_file
from bot.cli.opened import acting, installation
from bot.cli.output import AsJson, Trouble, show_json, show_table

if TYPE_CHECKING:
    from bot.app import App
    from bot.opportunities.models import Opportunity
    from bot.staff.models import StaffUser

app = typer.Typer(
    help="Investment cards: new, list, approve (another person), announce, leads, hand-over.", no_args_is_help=True
)
costs_app = typer.Typer(help="Costs of sending money: list, import.", no_args_is_help=True)


Id = Annotated[int, typer.Argument(help="Number of the card.")]
By = Annotated[str, typer.Option("--by", help="E-mail address of the member of staff who does it.")]


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help=f"JSON: {card_file.SHAPE}")], by: By, as_json: AsJson = False
) -> None:
    """Write a card from a file, and say what is left to put right before it can be approved."""
    from bot.opportunities import gate, service

    what = card_file.read(file)
    with _acting(by) as (opened, db, staff):
        card = service.draft(db, staff, what)
        made = card.id
        found = gate.problems(opened.content, card, service.today(), opened.policy.domains)
    problems = [" ".join(filter(None, (one.field, one.language, one.code, one.detail))) for one in found]
    if as_json:
        show_json({"id": made, "problems": problems})
        return
    typer.echo(f"Card {made} is a draft: another person may approve it.")
    for problem in problems:
        typer.echo(f"Put right first: {problem}")


@app.command()
def approve(id: Id, by: By) -> None:
    """Approve and publish a card that somebody else wrote."""
    from bot.opportunities import gate, service

    with _acting(by) as (opened, db, staff):
        card = _find(db, id)
        seen = gate.content_hash(card)
        service.approve(db, opened.content, card, staff, seen=seen, domains=opened.policy.domains)
    typer.echo(f"Card {id} is published.")


@app.command()
def announce(
    id: Id,
    by: By,
    to_all: Annotated[bool, typer.Option("--all", help="To all who agreed, whether it matches or not.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a broadcast from a card; it is approved and sent like any other."""
    from bot.conversations import announcing

    with _acting(by) as (opened, db, staff):
        made = announcing.announce(db, opened.content, _find(db, id), staff, matched=not to_all).id
    show_json({"broadcast": made}) if as_json else typer.echo(
        f"Broadcast {made} announces it: look at `broadcast dry-run {made}`; another person approves it."
    )


@app.command("leads")
def list_leads(id: Id, as_json: AsJson = False) -> None:
    """List who is interested in a card, without names: reference, word, list, outcome."""
    from bot.opportunities import leads

    with installation() as opened, opened.database.read() as db:
        rows = [
            {
                "reference": lead.reference,
                "authority": lead.authority,
                "agreed": standing,
                "handed_over": handed,
                "heard": lead.heard,
                "outcome": lead.outcome,
            }
            for lead, standing, handed in leads.rows(db, _find(db, id))
        ]
    if as_json:
        show_json(rows)
    else:
        show_table(f"Leads of card {id}", list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows])


@app.command("hand-over")
def hand_over(
    authority: Annotated[str, typer.Argument(help="Name of the authority, as on the cards.")],
    file: Annotated[Path, typer.Argument(help="New file to write: .csv or .xlsx.")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why, such as the agreement it rests on.")],
) -> None:
    """Write the list of an authority with names and numbers, and note in the audit trail that it got it."""
    from bot.exports import lead_lists
    from bot.opportunities import handover

    write = {".csv": lead_lists.as_csv, ".xlsx": lead_lists.as_xlsx}.get(file.suffix.lower())
    if write is None:
        raise Trouble(f"{file} must end in .csv or .xlsx")
    with _acting(by) as (_, db, staff):
        if authority not in (waiting := [one.authority for one in handover.pending(db)]):
            raise Trouble(f"Nothing waits for {authority}; something does for: {', '.join(waiting) or 'nobody'}")
        made = handover.make(db, authority, staff, reason)
        _write_new(file, write(made))  # within the transaction: a list that was not written was not handed over
    typer.echo(f"{file} holds {len(made.rows)} lines. Send it in a safe way and delete it afterwards.")


def _write_new(file: Path, content: bytes) -> None:
    """Write a file that nobody else may read, and never over another."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
    except FileExistsError:
        raise Trouble(f"{file} exists: name a new file") from None


def _acting(by: str) -> AbstractContextManager[tuple["App", Session, "StaffUser"]]:
    from bot.broadcasts import service as broadcasts
    from bot.opportunities import service

    return acting(by, service.NotPossible, broadcasts.NotPossible)


def _find(db: Session, id: int) -> "Opportunity":
    from bot.opportunities.models import Opportunity

    found = db.get(Opportunity, id)
    if found is None:
        raise Trouble(f"There is no card {id}: the console lists them")
    return found


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
    by: By,
    as_json: AsJson = False,
) -> None:
    """Keep the figures of a CSV; one wrong line refuses all of it."""
    from bot.opportunities import costs, costs_sheet

    with acting(by, costs_sheet.CostsError) as (_, db, user):
        count = costs.record(db, user, costs_sheet.read(file.read_bytes()))
    show_json({"figures": count}) if as_json else typer.echo(f"{count} figures are kept.")
