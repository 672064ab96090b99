"""export: the answers of a survey as files. exports: what became of earlier ones."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot import background, loop
from bot.background import Finish, Hand, State
from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.db import Database
from bot.exports import making, ordering, service, weighting
from bot.exports.models import Export
from bot.exports.options import Format, Options
from bot.staff import audit
from bot.staff import service as staff
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, allows
from bot.surveys.publishing import newest_published

BY = "command line"
app = typer.Typer(help="Earlier exports.", no_args_is_help=True)


#: What the options of `export` say of themselves.
Form = Annotated[str, typer.Argument(help="Id of the form, such as diaspora_mapping.")]
To = Annotated[Path | None, typer.Option(help="Folder; default: where the console finds it, in DATA_DIR.")]
Language = Annotated[str | None, typer.Option(help="Labels, as the form names them: English (en).")]
Formats = Annotated[
    str, typer.Option(help="csv, long, xlsx, parquet, sav, dta, jsonl, xml, floip; with commas between.")
]
AllVersions = Annotated[bool, typer.Option("--all-versions", help="With the form's other versions.")]
Corrections = Annotated[bool, typer.Option("--corrections", help="With what was answered before.")]
Timings = Annotated[bool, typer.Option("--timings", help="With the seconds that each answer took.")]
LeaveOut = Annotated[
    str, typer.Option(help="Questions to withhold, separated by commas: what is rare may name people.")
]
Identifying = Annotated[
    str, typer.Option(help="What may give people away together; default: origin, residence, age, sex.")
]
Bands = Annotated[str, typer.Option(help="Numbers to make coarser, with how wide: arrival_year:10.")]
Mask = Annotated[bool, typer.Option("--mask", help="Withhold combinations that fewer than five share.")]
Targets = Annotated[Path | None, typer.Option(help="Totals to weight to: CSV of question, code, total, source, as_of.")]
FreeText = Annotated[bool, typer.Option("--free-text", help="Include free text, which may name people.")]
Identified = Annotated[
    bool, typer.Option("--identified", help="With addresses and files of who agreed to sharing, and nobody else.")
]
Reason = Annotated[str, typer.Option(help="Why names leave, such as the agreement it rests on.")]
Recipient = Annotated[str, typer.Option(help="Who gets the names.")]
By = Annotated[str, typer.Option("--by", help="E-mail address of who takes names: a role that may.")]


@app.callback()
def _group() -> None:
    """Keep `exports withdrawn` a command of a group."""


def export(
    form: Form,
    to: To = None,
    language: Language = None,
    formats: Formats = "csv,long,xlsx",
    all_versions: AllVersions = False,
    corrections: Corrections = False,
    timings: Timings = False,
    leave_out: LeaveOut = "",
    identifying: Identifying = "",
    bands: Bands = "",
    mask: Mask = False,
    targets: Targets = None,
    free_text: FreeText = False,
    identified: Identified = False,
    reason: Reason = "",
    recipient: Recipient = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Write the answers to the form's newest version as files with labels and codebook; pseudonymous."""
    options = Options(
        formats=_formats(formats),
        all_versions=all_versions,
        corrections=corrections,
        timings=timings,
        language=language,
        free_text=free_text,
        leave_out=_names(leave_out),
        identifying=_names(identifying),
        bands=_names(bands),
        mask=mask,
        targets=weighting.read(_text(targets)) if targets else (),
        identified=identified,
        reason=reason,
        recipient=recipient,
    )
    made, folder = _run(form, options, to, by)
    rows = {str(folder / name): file["rows"] for name, file in made.files.items()}
    if as_json:
        told = {"export": made.id, "respondents": made.respondents, "answers": made.answers, "files": rows}
        show_json(told | {"anonymity": made.anonymity, "excluded": made.excluded})
        return
    show_table(f"{made.respondents} respondents, {made.answers} answers", ["file", "rows"], rows.items())
    if identified:
        typer.echo(f"{made.excluded} did not agree to sharing and are not in it. Send it in a safe way.")
    _warn(made.anonymity)


def _run(form: str, options: Options, to: Path | None, by: str) -> tuple[Export, Path]:
    """Do at once what a process would do in the background, and say how far it is."""
    with installation() as opened:
        database, data = opened.database, opened.settings.data_dir
        with database.begin() as db:
            asked = _ask(db, form, options, by)
            background.take(asked, opened.worker)
        folder = to or data / "exports" / str(asked.id)
        with _shown(asked) as hand:
            try:
                loop.run(_make(database, asked, opened.worker, folder, hand))
            except KeyboardInterrupt:
                with database.begin() as db:
                    background.cancel(db.get_one(Export, asked.id))
                raise
        with database.read() as db:
            made = db.get_one(Export, asked.id)
            db.expunge(made)
    if made.state != State.READY:
        raise Trouble(made.trouble or "The export was interrupted: the service makes it, or ask for it again")
    return made, folder


async def _make(database: Database, asked: Export, worker: str, folder: Path, hand: Hand) -> None:
    async def make(export: Export, hand: Hand) -> Finish[Export]:
        return await making.make(database, folder, export, hand)

    while not await background.make_one(database, asked, worker, make, hand):
        again = await database.run(_take_again, asked.id, worker)
        if again is None:
            break
        asked = again


def _take_again(db: Session, export_id: int, worker: str) -> Export | None:
    """Take an export that has to be made anew, since somebody in it was erased meanwhile."""
    export = db.get_one(Export, export_id)
    if export.state != State.ASKED or export.attempts >= background.MOST:
        return None
    background.take(export, worker)
    return export


@contextmanager
def _shown(asked: Export) -> Iterator[Hand]:
    """Show on a terminal how far each format is."""
    if not sys.stderr.isatty():
        yield Hand()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as screen:
        lines = {name: screen.add_task(name, total=None) for name in asked.options["formats"]}

        class _Told(Hand):
            def tell(self, part: str, done: int) -> None:
                super().tell(part, done)
                screen.update(lines[part], completed=done, total=self.total)

        yield _Told()


def _warn(anonymity: dict[str, Any]) -> None:
    """Say who is nearly alone with what others know of them, and what would help."""
    if people := anonymity["people_below"]:
        names = ", ".join(anonymity["questions"])
        typer.echo(f"{people} people share their {names} with fewer than {anonymity['least'] - 1} others:", err=True)
        for combination in anonymity["combinations_below"]:
            typer.echo(f"  {combination}", err=True)
        left = ", ".join(f"{name} ({count} left)" for name, count in anonymity["people_below_without"].items())
        typer.echo(f"Before you pass it on, take it again with --mask, --bands or --leave-out one of {left}.", err=True)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Trouble(f"{path} cannot be read: it must be a CSV file in UTF-8") from None


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, (name.strip() for name in text.split(","))))


def _formats(text: str) -> frozenset[str]:
    found = _names(text)
    if not found or found - set(Format):
        raise Trouble(f"--formats takes {', '.join(Format)}, separated by commas, and not {text!r}")
    return found


def _ask(db: Session, form: str, options: Options, by: str) -> Export:
    survey = newest_published(db, form)
    if survey is None:
        raise Trouble(f"There is no survey {form}: publish it with `outreach survey publish FILE`")
    if options.identified:
        return ordering.order(db, survey, options, _staff(db, by))
    asked = service.ask(db, survey, options, BY)
    audit.record(db, None, "export.asked", "export", asked.id, {"survey": survey.id, "options": options.as_json()})
    return asked


def _staff(db: Session, by: str) -> StaffUser:
    user = staff.find(db, by) if by else None
    if user is None or not allows(user, Permission.EXPORTS_IDENTIFIED):
        raise Trouble("Names leave only by a member of staff whose role may export them: write --by EMAIL")
    return user


@app.command()
def withdrawn(
    id: Annotated[int, typer.Argument(metavar="EXPORT", help="Number of the export, as the console lists it.")],
    to: Annotated[Path | None, typer.Option(help="Write the list as CSV here, for whoever holds the export.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the lines of an export to delete: the people were erased since."""
    from bot.exports import withdrawals

    with installation() as opened, opened.database.read() as db:
        if db.get(Export, id) is None:
            raise Trouble(f"There is no export {id}: the console lists them")
        lines = service.all_withdrawn(db).get(id, [])
    if to:
        to.write_text(withdrawals.as_csv(lines), "utf-8")
    if as_json:
        show_json({"export": id, "respondents": lines})
    else:
        show_table(f"Export {id}: {len(lines)} lines to delete", ["respondent"], [(line,) for line in lines])
