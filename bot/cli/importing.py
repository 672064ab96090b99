"""contacts: import a list of people, each of whom is invited once; undo a list."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.cli.members import By, acting
from bot.cli.output import AsJson, Trouble, show_json, show_table

if TYPE_CHECKING:
    from bot.app import App
    from bot.contacts.importing import Verdict
    from bot.contacts.sheets import Sheet
    from bot.staff.models import StaffUser

app = typer.Typer()
_SHOWN = 20  #: lines on the screen; --report has all


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, with a header.")],
    by: By,
    source: Annotated[str, typer.Option(help='Who gave us the list, as the invitation says: "the embassy in ...".')],
    region: Annotated[
        str | None, typer.Option(help="Country (LS, MW, MU, ...) of numbers that are written without theirs.")
    ] = None,
    map: Annotated[
        list[str] | None, typer.Option(help="COLUMN=phone, COLUMN=region or COLUMN=language, if the header misleads.")
    ] = None,
    sheet: Annotated[
        str, typer.Option(help="Sheet of the workbook; without it the first that is shown and not empty.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of each row, and why.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write line, what becomes of it and why to this CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Invite everybody of a list once; nobody when anything fails, and nobody twice when it is run again."""
    from bot.contacts import importing
    from bot.conversations import inviting
    from bot.staff import audit

    found = _read(file, map or [], sheet)
    with _opened(by) as (opened, db, staff):
        sender, country = _sender(opened), _country(region)
        with _progress("Reading numbers", len(found.rows)) as progress:
            verdicts = importing.judge(db, found.rows, sender, country, progress, opened.content.keywords.language)
        batch = None
        if not dry_run:
            _require_template(db, opened)
            people = sum(verdict.standing == importing.Standing.IN for verdict in verdicts)
            with _progress("Writing people", people) as progress:
                batch = importing.take(db, verdicts, sender, source[:64], str(staff.id), progress)
        if batch:
            inviting.invite(db, batch)
            reasons = importing.tally(verdicts)
            audit.record(db, staff, "contacts.imported", "import_batch", batch.id, {"source": batch.source, **reasons})
    if report:
        _write_report(report, verdicts)
    _show(found, verdicts, batch.id if batch else None, as_json=as_json)


@app.command()
def undo(batch: Annotated[int, typer.Argument(help="Number of the import.")], by: By, as_json: AsJson = False) -> None:
    """Remove the people of an import who have not answered since; those who did are members like any other."""
    from bot.contacts.models import ImportBatch
    from bot.conversations import inviting
    from bot.staff import audit

    with _opened(by) as (_, db, staff):
        found = db.get(ImportBatch, batch)
        if found is None:
            raise Trouble(f"There is no import {batch}: `contacts import` prints its number")
        removed = inviting.undo(db, found)
        audit.record(db, staff, "contacts.import_undone", "import_batch", batch, {"removed": removed})
    show_json({"removed": removed}) if as_json else typer.echo(f"{removed} people of import {batch} are removed.")


@contextmanager
def _opened(by: str) -> Iterator[tuple["App", Session, "StaffUser"]]:
    from bot.staff.roles import Permission

    try:
        with acting(by, Permission.MEMBERS_EDIT) as opened:
            yield opened
    except IntegrityError:
        raise Trouble("Somebody of the list wrote to us this very moment: nothing was imported, run it again") from None


def _read(file: Path, pairs: Sequence[str], sheet: str) -> "Sheet":
    from bot.contacts import sheets

    mapping = {}
    for pair in pairs:
        column, _, field = pair.rpartition("=")
        mapping[column] = field
    try:
        return sheets.read(file, mapping, sheet)
    except sheets.SheetError as error:
        raise Trouble(f"{file}: {error}") from None


def _country(region: str | None) -> str | None:
    import phonenumbers

    if region and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise Trouble(f"There is no country {region}: write its two letters, such as LS, MW, MU")
    return region.upper() if region else None


def _sender(opened: "App") -> str:
    from bot.contacts.importing import CHANNEL

    channel = opened.channels.get(CHANNEL)
    if channel is None:
        raise Trouble("WhatsApp is off, and only there can we write first: set it up as docs/go-live.md says")
    return channel.sender


def _require_template(db: Session, opened: "App") -> None:
    from bot.conversations import inviting

    if not inviting.is_approved(db, opened.content):
        raise Trouble(
            f"The template {inviting.TEMPLATE} is not approved, so nobody could be invited: "
            "run `outreach templates sync` until it is"
        )


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; it goes to stderr, so that --json stays JSON."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.advance(task, count)


def _write_report(path: Path, verdicts: Sequence["Verdict"]) -> None:
    from bot.contacts.importing import REASONS

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "standing", "reason", "explanation"])
        for verdict in verdicts:
            writer.writerow([verdict.line, verdict.standing, verdict.reason, REASONS[verdict.reason][1]])


def _show(sheet: "Sheet", verdicts: Sequence["Verdict"], batch: int | None, *, as_json: bool) -> None:
    from bot.contacts.importing import REASONS, Standing, tally

    reasons = tally(verdicts)
    if as_json:
        rows = [[verdict.line, verdict.standing, verdict.reason] for verdict in verdicts]
        show_json(
            {
                "batch": batch,
                "columns": sheet.columns,
                "unread": [*sheet.unread, *sheet.others],
                "reasons": reasons,
                "rows": rows,
            }
        )
        return
    typer.echo(f"Read: {', '.join(f'{name} ({field})' for field, name in sheet.columns.items())}.")
    typer.echo(f"Not looked at: {', '.join((*sheet.unread, *sheet.others)) or 'nothing'}.")
    told = [(count, *REASONS[reason]) for reason, count in reasons.items()]
    show_table(f"{len(verdicts)} rows", ["rows", "", "why"], told)
    others = [verdict for verdict in verdicts if verdict.standing != Standing.IN]
    if others:
        shown = [(verdict.line, *REASONS[verdict.reason]) for verdict in others[:_SHOWN]]
        show_table(f"The first of {len(others)} rows that stay out", ["line", "", "why"], shown)
    typer.echo(f"Import {batch}: to undo it, `outreach contacts undo {batch}`." if batch else "Nobody was imported.")
