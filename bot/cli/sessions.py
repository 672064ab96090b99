"""session: the console's steps, for scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy.orm import Session

from bot.cli import rules, session_file
from bot.cli.opened import acting, installation
from bot.cli.output import AsJson, Trouble, show_json, show_table

if TYPE_CHECKING:
    from bot.app import App
    from bot.events.models import Event
    from bot.staff.models import StaffUser

app = typer.Typer(help="Sessions: new, list, publish, invite, move, cancel, attendance, figures.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="Number of the session.")]
By = Annotated[str, typer.Option("--by", help="E-mail address of the member of staff who does it.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do it; without this you only read who would be told.")]
Ids = Annotated[list[int], typer.Option(help="Member id; may be given several times.")]


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help=f"JSON: {session_file.SHAPE}")], by: By, as_json: AsJson = False
) -> None:
    """Write a draft from a file; nobody is told."""
    from bot.events import series, service
    from bot.staff import audit

    values, together = session_file.read(file)
    with _acting(by) as (opened, db, staff):
        service.refuse_links(values, opened.policy.session_domains)
        for name in ("requires_id", "run_of"):
            if values.get(name):
                _find(db, values[name])
        if together:
            values["series_id"] = series.named(db, together).id
        made = service.create(db, created_by=str(staff.id), **values).id
        audit.record(db, staff, "session.created", "event", made)
    show_json({"id": made}) if as_json else typer.echo(f"Session {made} is a draft: `session publish {made}` opens it.")


@app.command("list")
def list_sessions(as_json: AsJson = False) -> None:
    """List the latest sessions with how many people come."""
    from sqlalchemy import select

    from bot.events import service
    from bot.events.models import Event

    with installation() as opened, opened.database.read() as db:
        rows = [
            {
                "id": event.id,
                "title": next(iter(event.title.values()), ""),
                "starts": f"{event.starts_local:%Y-%m-%d %H:%M}",
                "zone": event.zone,
                "status": event.status,
                "places": event.capacity,
                **service.figures(db, event),
            }
            for event in db.scalars(select(Event).order_by(Event.id.desc()).limit(100))
        ]
    if as_json:
        show_json(rows)
    else:
        show_table("Sessions", list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows])


@app.command()
def publish(id: Id, by: By) -> None:
    """Open a draft: members can register, and people can be invited."""
    from bot.events import service
    from bot.staff import audit

    with _acting(by) as (_, db, staff):
        service.publish(db, _find(db, id))
        audit.record(db, staff, "session.published", "event", id)
    typer.echo(f"Session {id} is open.")


@app.command()
def invite(
    id: Id,
    by: By,
    audience: Annotated[
        str, typer.Option("--audience", help=f"JSON, such as {rules.EXAMPLE}; without it, whom the session is for.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Invite everybody who fits, has not been invited and has not answered; only who agreed gets it."""
    from sqlalchemy import select

    from bot.broadcasts.audience import Audience
    from bot.contacts.models import Contact
    from bot.events import service
    from bot.staff import audit

    given = rules.audience(audience) if audience else None
    with _acting(by) as (opened, db, staff):
        event = _find(db, id)
        rule = given or Audience.from_json(event.audience)
        count = service.invite(db, opened.content, event, select(Contact.id).where(rule.condition()))
        audit.record(db, staff, "session.invited", "event", id, {"people": count, "audience": rule.to_json()})
    show_json({"invited": count}) if as_json else typer.echo(f"{count} invitations wait to be sent.")


@app.command()
def move(
    id: Id,
    by: By,
    starts: Annotated[str, typer.Option("--starts", help="New local time: 2027-03-27 17:00.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="New time zone, such as Africa/Maseru.")] = "",
    minutes: Annotated[int, typer.Option("--minutes", min=0, help="New length.")] = 0,
    place: Annotated[str | None, typer.Option("--place", help="New place; an empty one means online.")] = None,
    link: Annotated[str | None, typer.Option("--link", help="New address to join.")] = None,
    sure: Sure = False,
) -> None:
    """Change time or place; without --yes only say how many people would be told."""
    from bot.events import service, times
    from bot.staff import audit

    wall = session_file.wall(starts, "--starts") if starts else None
    with _acting(by) as (opened, db, staff):
        event = _find(db, id)
        at: tuple[datetime, str] = (wall or event.starts_local, zone or event.zone)
        service.refuse_move(event, *at)
        service.refuse_links({"place": place, "link": link}, opened.policy.session_domains)
        if not sure:
            told = service.concerned(db, event, times.instant(*at))
            raise Trouble(f"{told} people would be told. Nothing is changed yet: add --yes")
        told = service.move(
            db, opened.content, event, wall, zone=zone or None, minutes=minutes or None, place=place, link=link
        )
        audit.record(db, staff, "session.moved", "event", id, {"told": told, "starts": f"{event.starts_local}"})
    typer.echo(f"Session {id} is moved; {told} people are told.")


@app.command()
def cancel(id: Id, by: By, sure: Sure = False) -> None:
    """Call a session off; without --yes only say how many people would be told."""
    from bot.broadcasts import targets
    from bot.events import service
    from bot.staff import audit

    with _acting(by) as (opened, db, staff):
        event = _find(db, id)
        if not sure:
            told = service.concerned(db, event)
            raise Trouble(f"{told} people would be told, for good. Nothing is changed yet: add --yes")
        told = service.cancel(db, opened.content, event)
        targets.stop(db, (targets.SESSION, event.id))
        audit.record(db, staff, "session.cancelled", "event", id, {"told": told})
    typer.echo(f"Session {id} is cancelled; {told} people are told.")


@app.command()
def attendance(
    id: Id,
    by: By,
    there: Ids = [],  # noqa: B006 - typer's way to say that there may be none
    not_there: Ids = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Note who was there and who was not, and list who was: member ids, and how it is known."""
    from sqlalchemy import select

    from bot.events import attendance as presence
    from bot.events.models import Attendance
    from bot.staff import audit

    with _acting(by) as (_, db, staff):
        event = _find(db, id)
        changed = presence.mark(db, event, there, str(staff.id)) + presence.unmark(db, event, not_there)
        if changed:
            facts = {"there": sorted(there), "not_there": sorted(not_there)}
            audit.record(db, staff, "session.attendance", "event", id, facts)
        found = select(Attendance).where(Attendance.event_id == id).order_by(Attendance.contact_id)
        rows = [{"member": row.contact_id, "how": row.how} for row in db.scalars(found)]
    if as_json:
        show_json({"changed": changed, "there": rows})
    else:
        show_table(
            f"{changed} changed, {len(rows)} were there", ["member", "how"], [list(row.values()) for row in rows]
        )


@app.command()
def figures(id: Id, as_json: AsJson = False) -> None:
    """Count who was invited, came and was missed, by group and by tests; small numbers are hidden."""
    from bot.events import turnout
    from bot.exports import session_figures

    with installation() as opened, opened.database.begin() as db:
        event, least = _find(db, id), opened.settings.publish_least
        found = session_figures.figures(db, event, least)
        tests = session_figures.compare(db, event, least)
    if as_json:
        show_json({"all": found.totals, "groups": found.groups, "tests": asdict(tests) if tests else None})
        return
    lines = [("all", "", found.totals)]
    lines += [(group, code, row) for group, codes in found.groups.items() for code, row in codes.items()]
    rows = [[group, code, *("*" if n is None else n for n in row.values())] for group, code, row in lines]
    show_table(f"Session {id}; * is hidden", ["group", "code", *turnout.MEASURES], rows)
    if tests and tests.before is not None:
        typer.echo(f"Tests: {tests.people} people, {tests.before:.1f} points before, {tests.after:.1f} after")


@contextmanager
def _acting(by: str) -> Iterator[tuple["App", Session, "StaffUser"]]:
    from bot.events.service import NotPossible
    from bot.staff.roles import Permission, require

    with acting(by, NotPossible) as (opened, db, staff):
        require(staff, Permission.SESSIONS_MANAGE)
        yield opened, db, staff


def _find(db: Session, id: int) -> "Event":
    from bot.events.models import Event

    found = db.get(Event, id)
    if found is None:
        raise Trouble(f"There is no session {id}: `session list` shows them")
    return found
