"""broadcast: the console's steps, for scripts."""

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot import clock
from bot.cli import rules
from bot.cli.opened import acting, installation
from bot.cli.output import AsJson, Trouble, show_json, show_table

if TYPE_CHECKING:
    from bot.app import App
    from bot.broadcasts.checks import Problem
    from bot.broadcasts.models import Broadcast
    from bot.broadcasts.service import Draft
    from bot.staff.models import StaffUser

app = typer.Typer(help="Announcements: new, dry-run, approve (another person), send, status.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="Number of the broadcast.")]
By = Annotated[str, typer.Option("--by", help="E-mail address of the member of staff who does it.")]

#: What a file for `broadcast new` holds; audience, template, variables and link may be.
SHAPE = (
    '{"title": "...", "purpose": "news", "texts": {"en": "..."}, "audience": {"origins": ["LS"]}, '
    '"template": "...", "variables": {"en": {"name": "..."}}, '
    '"link": "event:17"}'
)


_NOT_ATTACHABLE = {
    "attachment_type": "it is no JPEG or PNG picture and no PDF: choose another, whatever its name says",
    "attachment_too_large": "it is too large for WhatsApp: pictures may have 5 MB, PDFs 16 MB",
    "attachment_broken": "the picture cannot be read: save it anew",
    "attachment_sides": "the picture is too large or too long for Telegram: at most 10,000 pixels in width and height",
}


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help=f"JSON: {SHAPE}")],
    by: By,
    attach: Annotated[
        list[str],
        typer.Option("--attach", help="Picture (JPEG, PNG) or PDF for everybody, or for a language: fr=FILE."),
    ] = [],  # noqa: B006 - typer's way to say that there may be none
    paid: Annotated[
        bool, typer.Option("--paid", help="Send it at Telegram's paid rate; the dry run says what that may cost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a broadcast from a file; nothing is sent."""
    from bot.broadcasts import service

    what = _draft(file)
    what = replace(what, paid=paid or what.paid)
    with _acting(by) as (opened, db, staff):
        what = replace(what, attachments=dict(_attached(db, one) for one in attach))
        made = service.draft(db, opened.content, staff, what).id
    show_json({"id": made}) if as_json else typer.echo(
        f"Broadcast {made} is written: look at `broadcast dry-run {made}`."
    )


@app.command()
def count(
    audience: Annotated[str, typer.Argument(help=f"JSON, such as {rules.EXAMPLE}.")],
    as_json: AsJson = False,
) -> None:
    """Say how many people a rule finds now, before anything is written."""
    from bot.broadcasts import audience as audiences

    rule = rules.audience(audience)
    with installation() as opened, opened.database.read() as db:
        people = audiences.count(db, rule)
    show_json({"people": people}) if as_json else typer.echo(f"{people} people")


@app.command("dry-run")
def dry_run(id: Id, as_json: AsJson = False) -> None:
    """Say who would get it and who would not, and why."""
    from bot.broadcasts import forecast, service

    with installation() as opened, opened.database.begin() as db:
        broadcast = _find(db, id)
        found = forecast.dry_run(db, opened.content, broadcast, opened.policy, clock.now())
        rule = {name: codes for name, codes in broadcast.audience.items() if codes}
        problems = [_told(problem) for problem in service.problems(db, opened.content, broadcast, opened.policy)]
    lines = [(line.count, line.when, line.reason, line.channel, line.language, line.form) for line in found.lines]
    if as_json:
        show_json(
            {
                "audience": found.audience,
                "rule": rule,
                "reasons": found.by("reason"),
                "when": found.by("when"),
                "file": found.by("file"),
                "stars": found.stars,
                "cost_usd": found.cost.dollars if found.cost else None,
                "problems": problems,
            }
        )
        return
    for problem in problems:
        typer.echo(problem)
    if found.stars:
        typer.echo(f"At the paid rate it costs {found.stars} Telegram Stars at most.")
    typer.echo(f"Meant for {json.dumps(rule)}")
    show_table(
        f"{found.audience} people", ["people", "when", "why", "channel", "language", "form"], sorted(lines, key=str)
    )


@app.command()
def approve(id: Id, by: By) -> None:
    """Approve what somebody else wrote."""
    from bot.broadcasts import rendering, service

    with _acting(by) as (opened, db, staff):
        broadcast = _find(db, id)
        seen = rendering.content_hash(opened.content, broadcast)
        service.approve(db, opened.content, broadcast, staff, opened.policy, seen=seen)
    typer.echo(f"Broadcast {id} is approved.")


@app.command()
def send(id: Id, by: By, as_json: AsJson = False) -> None:
    """Freeze the audience and begin to send; `outreach run` or `work` delivers."""
    from bot.broadcasts import service

    with _acting(by) as (opened, db, staff):
        broadcast = _find(db, id)
        count = service.send(db, opened.content, broadcast, staff, opened.policy)
    show_json({"audience": count}) if as_json else typer.echo(f"Broadcast {id} is on its way to {count} people.")


@app.command()
def status(id: Id, as_json: AsJson = False) -> None:
    """Show how many recipients stand where; the numbers add up to the audience."""
    from bot.broadcasts import progress

    with installation() as opened, opened.database.read() as db:
        broadcast = _find(db, id)
        counts = progress.statuses(db, broadcast)
        facts: dict[str, Any] = {"status": broadcast.status, "audience": broadcast.audience_count, **counts}
    show_json(facts) if as_json else show_table(f"Broadcast {id}", ["", ""], facts.items())


def _acting(by: str) -> AbstractContextManager[tuple["App", Session, "StaffUser"]]:
    from bot.broadcasts.service import NotPossible

    return acting(by, NotPossible)


def _find(db: Session, id: int) -> "Broadcast":
    from bot.broadcasts.models import Broadcast

    found = db.get(Broadcast, id)
    if found is None:
        raise Trouble(f"There is no broadcast {id}: the console lists them")
    return found


def _draft(file: Path) -> "Draft":
    """Read what an author decides from a file."""
    from bot.broadcasts.audience import Audience, BadAudience
    from bot.broadcasts.service import Draft

    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Trouble(f"{file} is not JSON: {error}") from None
    try:
        return Draft(
            title=_text(given["title"]),
            purpose=_text(given["purpose"]),
            texts={language: _text(text) for language, text in given["texts"].items()},
            audience=Audience.from_json(given.get("audience", {})),
            paid=given.get("paid", False) is True,
            template=given.get("template"),
            link=_link(given["link"]) if "link" in given else None,
            variables={language: dict(values) for language, values in given.get("variables", {}).items()},
        )
    except BadAudience as error:
        raise Trouble(f"{file}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Trouble(f"{file} must hold {SHAPE}") from None


def _link(code: Any) -> tuple[str, int]:
    """Read what the first button leads to."""
    from bot.broadcasts import targets

    link = targets.read(_text(code))
    if link is None:
        raise Trouble(f"{code} is no link: write {', '.join(f'{kind}:NUMBER' for kind in targets.PURPOSES)}")
    return link


def _attached(db: Session, option: str) -> tuple[str, dict[str, Any]]:
    """Keep the file that an option names; return the language it is for and what a broadcast notes of it."""
    from bot.broadcasts import attachments
    from bot.content.languages import LANGUAGES, SOURCE

    language, named, rest = option.partition("=")
    path = Path(rest if named and language in LANGUAGES else option)
    try:
        noted = attachments.store(db, path.read_bytes(), path.name)
    except OSError:
        raise Trouble(f"{path} cannot be read: check the path") from None
    except attachments.NotAttachable as reason:
        raise Trouble(f"{path}: {_NOT_ATTACHABLE[str(reason)]}") from None
    return language if named and language in LANGUAGES else SOURCE, noted


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _told(problem: "Problem") -> str:
    return " ".join(filter(None, [problem.code, problem.language, problem.detail]))
