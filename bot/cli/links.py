"""links: join links with a code that says where people came from, and their posters."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.members import By, acting
from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table

app = typer.Typer(help="Join links and posters.", no_args_is_help=True)


@app.command()
def new(
    label: Annotated[str, typer.Argument(help="Where it will be, for staff.")],
    by: By,
    kind: Annotated[str, typer.Option(help="embassy, association, poster, session, online, other.")] = "other",
    code: Annotated[str, typer.Option(help="What people send; without it we make one.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a join link, and print its addresses."""
    from bot.contacts import links
    from bot.contacts.models import LinkKind
    from bot.staff import audit
    from bot.staff.roles import Permission

    if kind not in set(LinkKind):
        raise Trouble(f"There is no kind {kind}: use {', '.join(one for one in LinkKind if one != LinkKind.MEMBER)}")
    with acting(by, Permission.MEMBERS_EDIT) as (opened, db, user):
        try:
            link = links.create(db, label, LinkKind(kind), code, str(user.id))
        except links.LinkError as error:
            raise Trouble(str(error)) from None
        audit.record(db, user, "link.created", "join_link", link.code, {"kind": link.kind, "label": link.label})
        made, addresses = link.code, opened.settings.join_addresses(link.code)
    if as_json:
        show_json({"code": made, "addresses": addresses})
    else:
        show_table(f"Code {made}", ["channel", "address"], addresses.items())


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List where members came from; small numbers are hidden."""
    from bot.contacts import links

    with installation() as opened, opened.database.begin() as db:
        rows = [
            (row.link.code if row.link else "", row.link.label if row.link else row.name, row.people)
            for row in links.origins(db, opened.settings.publish_least)
        ]
    if as_json:
        show_json([{"code": code, "place": place, "people": people} for code, place, people in rows])
        return
    show_table("Where members came from", ["code", "place", "members"], [(*row[:2], _shown(row[2])) for row in rows])


def _shown(people: int | None) -> str:
    return "*" if people is None else str(people)


@app.command()
def poster(
    code: Annotated[str, typer.Argument(help="Code of the link.")],
    to: Annotated[Path, typer.Option(help="Write the PDF here.")],
) -> None:
    """Write the poster of a link: one page A4 in every language, with a QR code for each channel."""
    from bot.contacts import links
    from bot.conversations import posters

    with installation() as opened:
        with opened.database.read() as db:
            link = links.find(db, code)
        if link is None:
            raise Trouble(f"There is no link {code}: `outreach links list` names them")
        addresses = opened.settings.join_addresses(link.code)
        if not addresses:
            raise Trouble("There is no address to join at: write OUTREACH_TELEGRAM_USERNAME or OUTREACH_WHATSAPP_FROM")
        to.write_bytes(posters.make(opened.content, opened.settings.messages / "poster.typ", link.code, addresses))
    typer.echo(f"Written to {to}.")
