"""contacts: what a member agreed to on a day; members who may be one person, merged or kept apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.orm import Session

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table

if TYPE_CHECKING:
    from bot.app import App
    from bot.contacts.models import Contact
    from bot.staff.models import StaffUser
    from bot.staff.roles import Permission

app = typer.Typer(help="Members, and lists of people to invite.", no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="E-mail address of the member of staff who does it.")]
_SHOWN = 50


@contextmanager
def acting(by: str, permission: "Permission") -> Iterator[tuple["App", Session, "StaffUser"]]:
    """Open the installation for somebody who may do this, in one transaction."""
    from bot.staff import service
    from bot.staff.roles import Forbidden, require

    try:
        with installation() as opened, opened.database.begin() as db:
            user = service.find(db, by)
            if user is None or not user.active:
                raise Trouble("No active member of staff has this e-mail address: see `outreach staff add`")
            require(user, permission)
            yield opened, db, user
    except Forbidden as error:
        raise Trouble(str(error)) from None


@app.command()
def proof(
    contact: Annotated[int, typer.Argument(help="Number of the member.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why: question, consent, data_request, technical, fraud.")],
    on: Annotated[str, typer.Option(help="The day, as 2026-03-04; without it: today.")] = "",
    to: Annotated[Path | None, typer.Option(help="Write a PDF here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove what a member had agreed to by the end of a day: every word, and the text it answers."""
    from bot.conversations import proof, proof_paper
    from bot.staff.roles import Permission

    if reason not in proof.REASONS:
        raise Trouble(f"There is no reason {reason}: use {', '.join(proof.REASONS)}")
    at = _end_of(on)
    with acting(by, Permission.MEMBERS_IDENTITY) as (opened, db, user):
        made = proof.give(db, _found(db, contact), at, user, reason)
        pdf = proof_paper.make(opened.content, opened.settings.messages / "proof.typ", made, "en", str) if to else b""
    if to:
        to.write_bytes(pdf)
    if as_json:
        show_json(made.to_json())
        return
    words = [(word.at.isoformat(timespec="minutes"), word.purpose, word.decision, word.wording) for word in made.words]
    show_table(
        f"Member {contact}, {at:%Y-%m-%d}: {', '.join(made.granted) or 'nothing'}", ["at", "", "", "wording"], words
    )
    if to:
        typer.echo(f"Written to {to}. It shows the member's number: keep it where nobody else reads.")


def _end_of(day: str) -> datetime:
    from bot import clock
    from bot.contacts.service import HOME_ZONE

    zone = ZoneInfo(HOME_ZONE)
    today = clock.now().astimezone(zone).date()
    try:
        on = date.fromisoformat(day) if day else today
    except ValueError:
        raise Trouble(f"{day} is no day: write it as 2026-03-04") from None
    if on > today:
        raise Trouble(f"{day} has not been yet: a proof tells what was")
    return datetime.combine(on, time(), zone) + timedelta(days=1, microseconds=-1)


@app.command()
def alike(by: By, as_json: AsJson = False) -> None:
    """List members who may be one person, until somebody merges them or keeps them apart."""
    from bot.conversations import alike
    from bot.staff.roles import Permission

    with acting(by, Permission.MEMBERS_ERASE) as (_, db, _user):
        alike.find(db)
        total = alike.count_waiting(db)
        pairs = [(one.id, other.id, str(row.kind)) for row, one, other in alike.waiting(db, _SHOWN)]
    if as_json:
        show_json({"total": total, "pairs": [{"one": one, "other": other, "same": same} for one, other, same in pairs]})
        return
    show_table(f"{total} pairs wait for a decision", ["member", "member", "the same"], pairs)


@app.command()
def merge(
    gone: Annotated[int, typer.Argument(help="Number of the member who goes.")],
    into: Annotated[int, typer.Argument(help="Number of the member who stays, with the history of both.")],
    by: By,
    sure: Annotated[bool, typer.Option("--sure", help="It cannot be undone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make two members one: one history, one set of answers, and a no of either stays a no."""
    from bot.conversations import merging
    from bot.staff.roles import Permission

    if not sure:
        raise Trouble("That cannot be undone: say --sure when the two are one person")
    with acting(by, Permission.MEMBERS_ERASE) as (_, db, user):
        try:
            merging.merge(db, *_both(db, gone, into), user)
        except merging.CannotMerge as error:
            raise Trouble(str(error)) from None
    show_json({"into": into}) if as_json else typer.echo(f"Members {gone} and {into} are one now: member {into}.")


@app.command()
def apart(
    one: Annotated[int, typer.Argument(help="Number of a member.")],
    other: Annotated[int, typer.Argument(help="Number of another member.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Keep two members apart for good: they are not suggested again."""
    from bot.conversations import alike, merging
    from bot.staff.roles import Permission

    with acting(by, Permission.MEMBERS_ERASE) as (_, db, user):
        try:
            alike.keep_apart(db, *_both(db, one, other), user)
        except merging.CannotMerge as error:
            raise Trouble(str(error)) from None
    show_json({"apart": [one, other]}) if as_json else typer.echo(f"Members {one} and {other} are two people.")


def _both(db: Session, one: int, other: int) -> tuple["Contact", "Contact"]:
    return _found(db, one), _found(db, other)


def _found(db: Session, id: int) -> "Contact":
    from bot.contacts.models import Contact

    contact = db.get(Contact, id, with_for_update=True)
    if contact is None:
        raise Trouble(f"There is no member {id}: the console's list of members has the numbers")
    return contact
