"""Make an export: freeze who is in it, write its files, note what left; later say whose lines must be deleted."""

import base64
import hashlib
import hmac
import os
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, and_, case, func, insert, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts import consent
from bot.contacts.models import Purpose
from bot.exports import anonymity, corrections, identified, timings, weighting
from bot.exports.blocks import blocks, records
from bot.exports.cases import cases
from bot.exports.irregular import irregular
from bot.exports.manifest import as_json
from bot.exports.models import Export, ExportMember
from bot.exports.options import Options
from bot.exports.package import Package, check
from bot.exports.weighting import Weights
from bot.surveys.form import Form
from bot.surveys.models import Disposition, Run, Survey
from bot.surveys.publishing import form_of
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind

Progress = Callable[[int, int], None]  # respondents written, respondents in all
_CHUNK = 1000


@dataclass(frozen=True)
class ExportFile:
    """A file that left: its rows of data (a workbook's: of its first sheet) and its checksum."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class ExportResult:
    """What an export made; `answers` are the values in it, refusals and other missing ones not counted."""

    export_id: int
    respondents: int
    answers: int
    files: dict[Path, ExportFile]
    manifest: Path
    manifest_sha256: str
    anonymity: dict[str, Any]


def run(
    db: Session,
    survey: Survey,
    options: Options,
    directory: Path,
    by: str,
    progress: Progress = lambda _done, _all: None,
    salt: bytes | None = None,
) -> ExportResult:
    """Export a survey into the directory, in one transaction; `salt` only to repeat an earlier export."""
    export = begin(db, survey, options, by, salt)
    result = write(db, export, directory, progress)
    finish(db, export, result)
    return result


def begin(db: Session, survey: Survey, options: Options, by: str, salt: bytes | None = None) -> Export:
    """Note who takes what, and freeze whose interviews are in it, each under an id of this export alone.

    Raise ExportError for options that do not fit the form.
    """
    forms = list(forms_of(db, survey, options).values())
    check(forms, options)
    anonymity.check(forms, options)
    identified.check(options)
    weighting.check(forms, options)
    salt = salt or os.urandom(16)
    export = Export(survey_id=survey.id, by=by, options=options.as_json(), salt=salt.hex(), created_at=clock.now())
    db.add(export)
    db.flush()
    wanted = interviews(survey, options)
    if options.identified:
        shared = consent.granting(Purpose.SHARING)
        refusing = wanted.where(wanted.selected_columns.contact_id.not_in(shared)).order_by(None).subquery()
        export.excluded = db.scalar(select(func.count()).select_from(refusing)) or 0
        wanted = wanted.where(wanted.selected_columns.contact_id.in_(shared))
    chosen = db.execute(wanted, execution_options={"yield_per": _CHUNK})
    for chunk in chosen.partitions():
        rows = [
            {
                "export_id": export.id,
                "respondent": _pseudonym(salt, contact_id, occasion),
                "run_id": run_id,
                "contact_id": contact_id,
            }
            for run_id, contact_id, occasion in chunk
        ]
        db.execute(insert(ExportMember), rows)
        export.respondents += len(rows)
    db.flush()
    return export


def write(
    db: Session,
    export: Export,
    directory: Path,
    progress: Progress = lambda _done, _all: None,
) -> ExportResult:
    """Write the files of an export that has begun; only reads, and nothing is seen in the directory before all is."""
    directory.mkdir(parents=True, exist_ok=True)
    options = Options.from_json(export.options)
    forms = forms_of(db, db.get_one(Survey, export.survey_id), options)
    alone = anonymity.examine(db, export, forms.values(), options)
    weights = weighting.weigh(db, export, forms.values(), options, alone)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as work:
        with Package(list(forms.values()), options, Path(work), irregular(db, export, forms.values())) as package:
            people = anonymity.softened(cases(db, export, options.free_text), forms, options, alone)
            lines = records(weighting.weighted(people, weights), forms, package.tables)
            for block in blocks(lines, package.tables):
                package.add(block)
                progress(package.tally.respondents, export.respondents)
            manifest, rows = package.finish(alone.as_json())
            rows |= _beside(db, export, options, forms, package, weights, manifest)
        files = {path: ExportFile(count, _sha256(path)) for path, count in rows.items()}
        manifest["files"] = _listed(files)
        path = package.path_of_manifest()
        path.write_text(as_json(manifest), encoding="utf-8")
        result = ExportResult(
            export_id=export.id,
            respondents=package.tally.respondents,
            answers=package.tally.answers,
            files={directory / path.name: file for path, file in files.items()},
            manifest=directory / path.name,
            manifest_sha256=_sha256(path),
            anonymity=manifest["anonymity"],
        )
        for made in (*files, path):
            made.replace(directory / made.name)
    return result


def _beside(
    db: Session,
    export: Export,
    options: Options,
    forms: dict[int, Form],
    package: Package,
    weights: Weights,
    manifest: dict[str, Any],
) -> dict[Path, int]:
    """Write the files that were asked for beside the answers; return how many lines each has."""
    rows: dict[Path, int] = {}
    if options.corrections:
        path = package.path_beside("corrections")
        rows[path] = corrections.write(db, export, options, forms, package, path)
    if options.timings:
        path = package.path_beside("timings")
        rows[path] = timings.write(db, export, forms, package, path)
    if weights.told:
        manifest["weights"] = weights.told
        path = package.path_beside("weighted")
        rows[path] = weighting.write(db, export, package, weights, path)
    if options.identified:
        manifest["excluded_without_consent"] = export.excluded
        listed, media = package.path_beside("people"), package.path_beside("media").with_suffix(".zip")
        rows[listed] = identified.write_people(db, export, listed)
        rows[media] = identified.write_media(db, export, media)
    return rows


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
    """Note which files left, with their checksums."""
    export.files, export.sha256, export.finished_at = _listed(result.files), result.manifest_sha256, clock.now()
    export.anonymity = result.anonymity
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
    revoked = Export.options["identified"].as_boolean() & ExportMember.contact_id.not_in(
        consent.granting(Purpose.SHARING)
    )
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


def interviews(survey: Survey, options: Options) -> Select[int, int, str]:
    """Return the runs that the options choose, with contact and occasion: of each person and occasion one."""
    place = func.row_number().over(partition_by=(Run.contact_id, Run.occasion), order_by=(_FURTHEST, Run.id.desc()))
    query = select(Run.id, Run.contact_id, Run.occasion, place.label("place"))
    if options.all_versions:
        published = Survey.published_at.is_not(None)
        versions = select(Survey.id).where(Survey.form_id == survey.form_id, published | (Survey.id == survey.id))
        query = query.where(Run.survey_id.in_(versions))
    else:
        query = query.where(Run.survey_id == survey.id)
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


def _listed(files: dict[Path, ExportFile]) -> dict[str, Any]:
    return {path.name: {"rows": file.rows, "sha256": file.sha256} for path, file in sorted(files.items())}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
