"""Exports that are made again and again: under a name, at an hour, the last few kept."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot import clock
from bot.background import OPEN, State
from bot.contacts.service import HOME_ZONE
from bot.exports import making, ordering
from bot.exports.models import Export, SavedExport
from bot.exports.options import ExportError, Options
from bot.sentences import Sentence
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Forbidden, Permission, require
from bot.surveys.models import Survey

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
MOST_KEPT = 50


class Rhythm(StrEnum):
    """How often it is made by itself."""

    NEVER = "never"
    DAY = "day"
    WEEK = "week"  #: on Mondays
    MONTH = "month"  #: on the first


def save(
    db: Session, name: str, survey: Survey, options: Options, rhythm: Rhythm, hour: int, keep: int, user: StaffUser
) -> SavedExport:
    """Save an export, and make it for the first time; raise ExportError with the cure for what cannot be."""
    require(user, Permission.EXPORTS_RUN)
    if not _NAME.fullmatch(name):
        raise ExportError(Sentence("A name stands in an address: write small letters, digits, - and _, as in monthly"))
    if db.scalar(select(SavedExport.id).where(SavedExport.name == name)):
        raise ExportError(Sentence("Another saved export has the name %(name)s: choose another", name=name))
    if options.may_name:
        raise ExportError(Sentence("What may name people is never made by itself: take such an export by hand"))
    if not 0 <= hour < 24 or not 1 <= keep <= MOST_KEPT:
        raise ExportError(
            Sentence("Write an hour from 0 to 23, and from 1 to %(most)s exports to keep", most=MOST_KEPT)
        )
    row = SavedExport(
        name=name,
        form_id=survey.form_id,
        options=options.as_json(),
        rhythm=rhythm,
        hour=hour,
        next_at=next_time(rhythm, hour, clock.now()),
        paused=False,
        keep=keep,
        by_id=user.id,
        created_at=clock.now(),
    )
    db.add(row)
    db.flush()
    run(db, row, user)
    said = {"name": name, "form": row.form_id, "options": row.options, "rhythm": rhythm, "hour": hour}
    audit.record(db, user, "export.saved", "saved_export", row.id, said)
    return row


def run(db: Session, row: SavedExport, user: StaffUser) -> Export:
    """Order it now; one that is still being made is not ordered twice."""
    waiting = select(Export).where(Export.saved_id == row.id, Export.state.in_(OPEN)).order_by(Export.id).limit(1)
    if under_way := db.scalars(waiting).one_or_none():
        return under_way
    newest = select(Survey).where(Survey.form_id == row.form_id).order_by(Survey.published_at.desc(), Survey.id.desc())
    survey = db.scalars(newest.where(Survey.published_at.is_not(None)).limit(1)).one_or_none()
    if survey is None:
        raise ExportError(Sentence("No version of the survey %(form)s was ever published", form=row.form_id))
    export = ordering.order(db, survey, Options.from_json(row.options), user)
    export.saved_id, row.problem = row.id, None
    db.flush()
    return export


def pause(db: Session, row: SavedExport, user: StaffUser, paused: bool) -> None:
    """Let it rest, or go on from the next time."""
    require(user, Permission.EXPORTS_RUN)
    row.paused, row.problem = paused, None
    row.next_at = next_time(Rhythm(row.rhythm), row.hour, clock.now())
    audit.record(db, user, "export.paused" if paused else "export.resumed", "saved_export", row.id)


def delete(db: Session, row: SavedExport, user: StaffUser) -> None:
    """Forget it; the exports that it made stay as long as others."""
    require(user, Permission.EXPORTS_RUN)
    audit.record(db, user, "export.forgotten", "saved_export", row.id, {"name": row.name})
    db.delete(row)
    db.flush()


def run_due(db: Session) -> int:
    """Order what is due, for whoever saved it; what is not possible any more pauses and says why."""
    now = clock.now()
    due = select(SavedExport).where(~SavedExport.paused, SavedExport.next_at <= now).order_by(SavedExport.id)
    rows = db.scalars(due.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.next_at = next_time(Rhythm(row.rhythm), row.hour, now)
        try:
            run(db, row, db.get_one(StaffUser, row.by_id))
        except (ExportError, Forbidden) as reason:
            row.paused, row.problem = True, str(reason)
    return len(rows)


def thin(db: Session, exports_dir: Path) -> int:
    """Delete the files of older ones than the last few; return how many exports."""
    gone = 0
    for row in db.scalars(select(SavedExport)):
        for export in db.scalars(_ready(row).offset(row.keep)):
            making.expire(db, export, exports_dir)
            gone += 1
    return gone


def latest(db: Session, row: SavedExport) -> Export | None:
    """Return the newest one that is ready."""
    return db.scalars(_ready(row).limit(1)).one_or_none()


def find(db: Session, name: str) -> SavedExport | None:
    """Return the saved export of this name."""
    return db.scalars(select(SavedExport).where(SavedExport.name == name)).one_or_none()


def stable(export: Export) -> dict[str, str]:
    """Return the files by names that hold for every version of the form: wide.csv, data.xlsx, manifest.json."""
    before = (export.manifest or "").removesuffix("-manifest.json")
    names = {}
    for name in [*(export.files or {}), *filter(None, [export.manifest])]:
        rest = name.removeprefix(before)
        names[f"data{rest}" if rest.startswith(".") else rest.removeprefix("-")] = name
    return names


def next_time(rhythm: Rhythm, hour: int, now: datetime) -> datetime | None:
    """Return when it is due next, by the clock at home."""
    if rhythm is Rhythm.NEVER:
        return None
    wall = now.astimezone(ZoneInfo(HOME_ZONE)).replace(tzinfo=None)
    day = wall.replace(hour=hour, minute=0, second=0, microsecond=0)
    if rhythm is Rhythm.WEEK:
        day -= timedelta(days=day.weekday())
    if rhythm is Rhythm.MONTH:
        day = day.replace(day=1)
    steps = {Rhythm.DAY: 1, Rhythm.WEEK: 7, Rhythm.MONTH: monthrange(day.year, day.month)[1]}
    at = day if day > wall else day + timedelta(days=steps[rhythm])
    return at.replace(tzinfo=ZoneInfo(HOME_ZONE)).astimezone(UTC)


def _ready(row: SavedExport) -> Select[Export]:
    ready = select(Export).where(Export.saved_id == row.id, Export.state == State.READY)
    return ready.order_by(Export.id.desc())
