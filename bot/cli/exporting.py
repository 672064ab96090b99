"""export: the answers of a survey as files. exports: what became of earlier ones."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.exports import ordering, service, weighting
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
Formats = Annotated[str, typer.Option(help="csv, long, xlsx, parquet, sav, dta and jsonl, separated by commas.")]
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
    begun, result = _run(form, options, to, by)
    rows = {str(path): file.rows for path, file in result.files.items()}
    if as_json:
        told = {"respondents": result.respondents, "answers": result.answers, "files": rows}
        show_json(told | {"anonymity": result.anonymity, "excluded": begun.excluded})
        return
    show_table(f"{result.respondents} respondents, {result.answers} answers", ["file", "rows"], rows.items())
    if identified:
        typer.echo(f"{begun.excluded} did not agree to sharing and are not in it. Send it in a safe way.")
    _warn(result.anonymity)


def _run(form: str, options: Options, to: Path | None, by: str) -> tuple[Export, service.ExportResult]:
    """Begin, write and finish in three transactions: members can go on writing while a large export is read."""
    with installation() as opened:
        with opened.database.begin() as db:
            begun = _begin(db, form, options, by)
        folder = to or opened.settings.data_dir / "exports" / str(begun.id)
        with opened.database.read() as db:
            result = service.write(db, begun, folder)
        with opened.database.begin() as db:
            service.finish(db, begun, result)
    return begun, result


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


def _begin(db: Session, form: str, options: Options, by: str) -> Export:
    survey = newest_published(db, form)
    if survey is None:
        raise Trouble(f"There is no survey {form}: publish it with `outreach survey publish FILE`")
    if options.identified:
        return ordering.order(db, survey, options, _staff(db, by))
    begun = service.begin(db, survey, options, BY)
    audit.record(db, None, "export.begun", "export", begun.id, {"survey": survey.id, "options": options.as_json()})
    return begun


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
