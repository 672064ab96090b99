"""Make an export: freeze who is in it, write its files, note what left; later say whose lines must be deleted."""

import base64
import hashlib
import hmac
import os
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import Select, and_, case, func, insert, select
from sqlalchemy.orm import Session

from bot import clock
from bot.background import Again, State
from bot.contacts import consent
from bot.contacts.models import Purpose
from bot.exports import anonymity, identified, weighting, writing
from bot.exports.models import Export, ExportMember
from bot.exports.options import Options
from bot.exports.package import check
from bot.exports.writing import ExportResult, Tell, clear, listed
from bot.surveys.form import Form
from bot.surveys.models import Disposition, Run, Survey
from bot.surveys.publishing import form_of
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind

_CHUNK = 1000


class Gone(Again):
    """Somebody whose answers were written was erased meanwhile: nobody may find them in the files."""


def run(
    db: Session,
    survey: Survey,
    options: Options,
    directory: Path,
    by: str,
    tell: Tell = lambda _format, _done: None,
    salt: bytes | None = None,
) -> ExportResult:
    """Export a survey into the directory, in one transaction; `salt` only to repeat an earlier export."""
    export = begin(db, survey, options, by, salt)
    try:
        result = write(db, export, directory, tell)
    except Exception:
        clear(directory, export.id)
        raise
    finish(db, export, result)
    return result


def ask(db: Session, survey: Survey, options: Options, by: str, salt: bytes | None = None) -> Export:
    """Note who wants what; it is made in the background. Raise ExportError for options that do not fit the form."""
    forms = list(forms_of(db, survey, options).values())
    check(forms, options)
    anonymity.check(forms, options)
    identified.check(options)
    weighting.check(forms, options)
    salt = salt or os.urandom(16)
    export = Export(survey_id=survey.id, by=by, options=options.as_json(), salt=salt.hex(), created_at=clock.now())
    db.add(export)
    db.flush()
    return export


def begin(db: Session, survey: Survey, options: Options, by: str, salt: bytes | None = None) -> Export:
    """Note who wants what, and freeze it at once."""
    export = ask(db, survey, options, by, salt)
    freeze(db, export)
    return export


def freeze(db: Session, export: Export) -> None:
    """Fix whose interviews are in it: all begun when it was asked for, each under an id of this export alone.

    Who has gone since then is taken out again: it was not written yet.
    """
    if export.frozen_at is None:
        _choose(db, export)
    else:
        for respondent in withdrawn(db, export):
            db.delete(db.get_one(ExportMember, (export.id, respondent)))
            export.respondents -= 1
    db.flush()


def _choose(db: Session, export: Export) -> None:
    survey, options, salt = db.get_one(Survey, export.survey_id), Options.from_json(export.options), export.salt
    export.respondents, export.frozen_at = 0, clock.now()
    wanted = interviews(survey, options, export.created_at)
    if options.identified:
        shared = consent.granting(Purpose.SHARING)
        refusing = wanted.where(wanted.selected_columns.contact_id.not_in(shared)).order_by(None).subquery()
        export.excluded = db.scalar(select(func.count()).select_from(refusing)) or 0
        wanted = wanted.where(wanted.selected_columns.contact_id.in_(shared))
    with db.execute(wanted, execution_options={"yield_per": _CHUNK}) as chosen:
        for chunk in chosen.partitions():
            rows = [
                {
                    "export_id": export.id,
                    "respondent": _pseudonym(bytes.fromhex(salt), contact_id, occasion),
                    "run_id": run_id,
                    "contact_id": contact_id,
                }
                for run_id, contact_id, occasion in chunk
            ]
            db.execute(insert(ExportMember), rows)
            export.respondents += len(rows)


def prepare(db: Session, export: Export, directory: Path, tell: Tell) -> ExportResult:
    """Write the files of a frozen export into a folder of the directory's own; only reads."""
    survey = db.get_one(Survey, export.survey_id)
    return writing.write(db, export, forms_of(db, survey, Options.from_json(export.options)), directory, tell)


def write(db: Session, export: Export, directory: Path, tell: Tell = lambda _format, _done: None) -> ExportResult:
    """Write the files, and let them be seen."""
    result = prepare(db, export, directory, tell)
    result.publish()
    return result


def forms_of(db: Session, chosen: Survey, options: Options) -> dict[int, Form]:
    """Return the versions that an export takes, by survey id, the chosen one first and then the newest."""
    found = {chosen.id: form_of(chosen)}
    if options.all_versions:
        versions = select(Survey).where(Survey.form_id == chosen.form_id, Survey.published_at.is_not(None))
        found |= {
            survey.id: form_of(survey)
            for survey in db.scalars(versions.order_by(Survey.published_at.desc(), Survey.id.desc()))
            if survey.id not in found
        }
    return found


def finish(db: Session, export: Export, result: ExportResult) -> None:
    """Note which files left, with their checksums; raise Gone when somebody in them has gone meanwhile."""
    if withdrawn(db, export):
        raise Gone
    export.state, export.finished_at, export.respondents = State.READY, clock.now(), result.respondents
    export.files = listed({path.name: file for path, file in result.files.items()})
    export.manifest, export.sha256, export.anonymity = result.manifest.name, result.manifest_sha256, result.anonymity
    export.answers = result.answers
    db.add(export)
    facts = {"export": export.id, "survey": export.survey_id, "files": sorted(export.files)}
    webhooks.emit(db, Kind.EXPORT_READY, facts)
    db.flush()


def holding(db: Session, contact_id: int) -> list[tuple[Export, str]]:
    """Return the exports that hold a person's answers, and the id under which each does."""
    found = db.execute(
        select(Export, ExportMember.respondent)
        .join(ExportMember, ExportMember.export_id == Export.id)
        .where(ExportMember.contact_id == contact_id)
        .order_by(Export.id)
    )
    return [(export, respondent) for export, respondent in found]


def withdrawn(db: Session, export: Export) -> list[str]:
    """Return the ids whose lines whoever holds the export's files must delete.

    Their interviews were erased since, or they took back the consent on which an identified export rests.
    """
    return all_withdrawn(db, [export.id]).get(export.id, [])


def all_withdrawn(db: Session, export_ids: Collection[int] | None = None) -> dict[int, list[str]]:
    """Return the same for several exports, or all: export -> ids; without those of which nobody is gone."""
    # SQLite may give an erased row's id to a new one, which then cannot have been there before the export.
    same = and_(
        Run.id == ExportMember.run_id,
        Run.contact_id == ExportMember.contact_id,
        Run.started_at <= Export.created_at,
    )
    revoked = Export.options["identified"].as_boolean() & ~consent.grants(ExportMember.contact_id, Purpose.SHARING)
    gone = (
        select(ExportMember.export_id, ExportMember.respondent)
        .join(Export, Export.id == ExportMember.export_id)
        .outerjoin(Run, same)
        .where(Run.id.is_(None) | revoked)
        .order_by(ExportMember.export_id, ExportMember.respondent)
    )
    found: dict[int, list[str]] = {}
    for export_id, respondent in db.execute(
        gone if export_ids is None else gone.where(ExportMember.export_id.in_(export_ids))
    ):
        found.setdefault(export_id, []).append(respondent)
    return found


#: Of several interviews of one person in several versions, the one that came furthest stands for the person.
_FURTHEST = case(
    (Run.disposition == Disposition.COMPLETED, 0),
    (Run.disposition.in_((Disposition.PARTIAL, Disposition.EXPIRED, Disposition.WITHDRAWN)), 1),
    else_=2,
)


def interviews(survey: Survey, options: Options, begun_by: datetime | None = None) -> Select[int, int, str]:
    """Return the runs that the options choose, with contact and occasion: of each person and occasion one."""
    place = func.row_number().over(partition_by=(Run.contact_id, Run.occasion), order_by=(_FURTHEST, Run.id.desc()))
    query = select(Run.id, Run.contact_id, Run.occasion, place.label("place"))
    if options.all_versions:
        published = Survey.published_at.is_not(None)
        versions = select(Survey.id).where(Survey.form_id == survey.form_id, published | (Survey.id == survey.id))
        query = query.where(Run.survey_id.in_(versions))
    else:
        query = query.where(Run.survey_id == survey.id)
    if begun_by:
        query = query.where(Run.started_at <= begun_by)
    if options.since:
        query = query.where(Run.started_at >= _midnight(options.since))
    if options.until:
        query = query.where(Run.started_at < _midnight(options.until) + timedelta(days=1))
    if options.dispositions:
        query = query.where(Run.disposition.in_(options.dispositions))
    found = query.subquery()
    return select(found.c.id, found.c.contact_id, found.c.occasion).where(found.c.place == 1).order_by(found.c.id)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _pseudonym(salt: bytes, contact_id: int, occasion: str) -> str:
    """Return an id that cannot be computed back; in capitals and digits, which sort alike in every database."""
    interview = f"{contact_id} {occasion}" if occasion else str(contact_id)
    digest = hmac.digest(salt, interview.encode(), hashlib.sha256)
    return "R" + base64.b32encode(digest)[:15].decode()
