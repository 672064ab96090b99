"""survey: list, invite, terms, nudge and close: whom a survey asks, and when."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.cli import rules
from bot.cli.opened import installation
from bot.cli.output import AsJson, Trouble, show_json, show_table
from bot.contacts.models import Contact
from bot.contacts.service import HOME_ZONE

if TYPE_CHECKING:
    from bot.app import App
    from bot.staff.models import StaffUser
    from bot.surveys.models import Survey

Form = Annotated[str, typer.Argument(help="Id of the form, such as diaspora_mapping: its newest published version.")]
By = Annotated[str, typer.Option("--by", help="E-mail address of the member of staff who does it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many.")]
Codes = list[str]
_WHEN = "%Y-%m-%d %H:%M"


def list_(as_json: AsJson = False) -> None:
    """List the surveys, with how many people came how far."""
    from bot.surveys import figures
    from bot.surveys.models import Survey

    with installation() as opened, opened.database.read() as db:
        rows = [
            (row.id, row.form_id, row.version, str(row.status), _local(row.opens_at), _local(row.closes_at),
             figures.dispositions(db, row.id))
            for row in db.scalars(select(Survey).order_by(Survey.id))
        ]  # fmt: skip
    names = ("id", "form", "version", "status", "opens", "closes", "people")
    if as_json:
        show_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    told = [(*row[:-1], ", ".join(f"{count} {code}" for code, count in row[-1].items())) for row in rows]
    show_table("Surveys", names, told)


def invite(
    form: Form,
    by: By,
    origin: Annotated[Codes, typer.Option(help="Only people from there: LS, MW, MU, multi, other.")] = [],  # noqa: B006
    residence: Annotated[Codes, typer.Option(help="Only people who live there, by country: ZA.")] = [],  # noqa: B006
    language: Annotated[Codes, typer.Option(help="Only people of this language.")] = [],  # noqa: B006
    interest: Annotated[Codes, typer.Option(help="Only people with this interest.")] = [],  # noqa: B006
    channel: Annotated[Codes, typer.Option(help="Only people who prefer this channel.")] = [],  # noqa: B006
    source: Annotated[Codes, typer.Option(help="Only people who came by this join link.")] = [],  # noqa: B006
    audience: Annotated[str, typer.Option(help=f"More conditions as JSON, such as {rules.EXAMPLE}.")] = "{}",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Invite members who agreed to surveys, once each; options may be repeated, and all must hold."""
    from bot.staff import audit
    from bot.surveys import inviting
    from bot.surveys.models import Status

    named = {
        "origins": tuple(origin), "residences": tuple(residence), "languages": tuple(language),
        "interests": tuple(interest), "channels": tuple(channel), "sources": tuple(source),
    }  # fmt: skip
    rule = replace(rules.audience(audience), **{name: codes for name, codes in named.items() if codes})
    with _opened(by) as (_, db, staff):
        survey = _find(db, form)
        if survey.status != Status.OPEN:
            raise Trouble(f"{form} is {survey.status}: only an open survey can be answered")
        people = select(Contact.id).where(rule.condition())
        done = inviting.preview(db, survey, people) if dry_run else inviting.invite(db, survey, people)
        if not dry_run:
            facts = {"audience": rule.to_json(), "chosen": done.chosen, "invited": done.invited}
            audit.record(db, staff, "survey.invited", "survey", survey.id, facts)
    if as_json:
        show_json({**asdict(done), "dry_run": dry_run})
        return
    will = "would be" if dry_run else "are"
    others = f"{done.known} were before or have answers, {done.without_consent} have not agreed to surveys"
    typer.echo(f"{done.chosen} chosen: {done.invited} {will} invited, {others}.")


def terms(
    form: Form,
    by: By,
    opens: Annotated[str | None, typer.Option(help='Maseru time, "2026-03-05 08:00"; "" for none.')] = None,
    closes: Annotated[str | None, typer.Option(help='Maseru time, "2026-04-01 18:00"; "" for none.')] = None,
    quota: Annotated[
        list[str] | None, typer.Option(help='A cell, "residence=ZA, gender=female: 50"; may be repeated; "" for none.')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say from when until when a survey takes answers, and how many of whom; what is not named stays."""
    from bot.staff import audit
    from bot.surveys import quotas
    from bot.surveys.terms import BadDays, schedule

    with _opened(by) as (_, db, staff):
        survey = _find(db, form)
        opens_at = survey.opens_at if opens is None else _moment(opens)
        closes_at = survey.closes_at if closes is None else _moment(closes)
        try:
            wanted = dict(survey.quotas) if quota is None else quotas.read("\n".join(quota))
            schedule(db, survey, opens_at, closes_at)
        except quotas.BadQuota as line:
            raise Trouble(f'"{line}" is no quota: write "residence=ZA, gender=female: 50"') from None
        except BadDays:
            raise Trouble("A survey opens before it closes: write the days the other way round") from None
        if unknown := quotas.unknown(survey, wanted):
            raise Trouble(f"{', '.join(unknown)}: neither a question of the form nor {', '.join(quotas.PROFILE)}")
        survey.quotas = wanted
        told = {"opens": _local(opens_at), "closes": _local(closes_at), "quotas": wanted}
        audit.record(db, staff, "survey.terms", "survey", survey.id, told)
    show_json(told) if as_json else typer.echo(
        f"{form} opens {told['opens'] or 'at once'} and closes {told['closes'] or 'by hand'} (Maseru time)."
    )


def nudge(form: Form, by: By, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remind everybody who has been silent half-way for a day, and was not reminded since."""
    from bot.staff import audit
    from bot.surveys import nudging

    with _opened(by) as (opened, db, staff):
        survey = _find(db, form)
        if dry_run:
            count = nudging.count_silent(db, survey, clock.now())
        else:
            count = nudging.nudge_now(db, opened.content, survey, clock.now())
            audit.record(db, staff, "survey.nudged", "survey", survey.id, {"reminded": count})
    show_json({"reminded": count, "dry_run": dry_run}) if as_json else typer.echo(
        f"{count} people {'would be' if dry_run else 'are'} reminded."
    )


def close(form: Form, by: By, as_json: AsJson = False) -> None:
    """Take no more answers, and cancel invitations that have not left; it cannot be opened again."""
    from bot.broadcasts import targets
    from bot.staff import audit
    from bot.surveys import terms
    from bot.surveys.models import Status

    with _opened(by) as (_, db, staff):
        survey = _find(db, form)
        if survey.status == Status.CLOSED:
            raise Trouble(f"{form} is closed already")
        cancelled = terms.close(db, survey) + targets.stop(db, (targets.SURVEY, survey.id))
        audit.record(db, staff, "survey.closed", "survey", survey.id, {"cancelled": cancelled})
    show_json({"cancelled": cancelled}) if as_json else typer.echo(
        f"{form} is closed; {cancelled} messages that had not left were cancelled."
    )


@contextmanager
def _opened(by: str) -> Iterator[tuple["App", Session, "StaffUser"]]:
    from bot.staff import service
    from bot.staff.roles import Forbidden, Permission, require

    try:
        with installation() as opened, opened.database.begin() as db:
            user = service.find(db, by)
            if user is None or not user.active:
                raise Trouble("No active member of staff has this e-mail address: see `outreach staff add`")
            require(user, Permission.SURVEYS_MANAGE)
            yield opened, db, user
    except Forbidden as error:
        raise Trouble(str(error)) from None


def _find(db: Session, form: str) -> "Survey":
    from bot.surveys.models import Survey

    newest = select(Survey).where(Survey.form_id == form, Survey.published_at.is_not(None))
    survey = db.scalars(newest.order_by(Survey.published_at.desc(), Survey.id.desc()).limit(1)).one_or_none()
    if survey is None:
        raise Trouble(f"There is no published survey {form}: see `outreach survey list`")
    return survey


def _moment(text: str) -> datetime | None:
    """Read a time of the office; nothing written is none."""
    if not text.strip():
        return None
    try:
        local = datetime.strptime(text.strip().replace("T", " "), _WHEN).replace(tzinfo=ZoneInfo(HOME_ZONE))
    except ValueError:
        raise Trouble(f'"{text}" is no time: write it like "2026-03-05 08:00"') from None
    return local.astimezone(UTC)


def _local(moment: datetime | None) -> str:
    return f"{moment.astimezone(ZoneInfo(HOME_ZONE)):{_WHEN}}" if moment else ""
