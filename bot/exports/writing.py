"""Write the files of an export, one format after the other, so that work which was cut off goes on where it stopped.

All is of one moment: what an earlier attempt finished is kept if its files are whole, and nothing has changed since.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.exports import anonymity, corrections, identified, timings, weighting
from bot.exports.columns import blocks
from bot.exports.interviews import read
from bot.exports.irregular import irregular
from bot.exports.manifest import as_json
from bot.exports.models import Export, ExportMember
from bot.exports.options import Format, Options
from bot.exports.package import Package
from bot.exports.weighting import Weights
from bot.surveys.form import Form
from bot.surveys.models import Answer, Run

Tell = Callable[[str, int], None]  # a format, and how many respondents are written to it
#: Formats that are written together: SPSS and Stata are made of the Parquet. The workbook tells of all others.
_TOGETHER = (
    (Format.PARQUET, Format.SPSS, Format.STATA),
    (Format.CSV,),
    (Format.LONG,),
    (Format.JSON,),
    (Format.XML,),
    (Format.FLOIP,),
    (Format.XLSX,),
)


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
    work: Path  #: where the files are until they are published

    def publish(self) -> None:
        """Put the files where they belong, and let go of what attempts left."""
        for path in (*self.files, self.manifest):
            (self.work / path.name).replace(path)
        clear(self.manifest.parent, self.export_id)


@dataclass
class _Part:
    """Files of some formats that are finished."""

    files: dict[str, ExportFile] = field(default_factory=dict)
    shortened: list[str] = field(default_factory=list)


class _Material:
    """What every format of an export is made of."""

    def __init__(self, db: Session, export: Export, forms: dict[int, Form]) -> None:
        self.db, self.export, self.forms = db, export, forms
        self.options = Options.from_json(export.options)
        self.alone = anonymity.examine(db, export, forms.values(), self.options)
        self.weights = weighting.weigh(db, export, forms.values(), self.options, self.alone)
        self.irregular = irregular(db, export, forms.values())

    def package(self, directory: Path, formats: frozenset[Format]) -> Package:
        return Package(list(self.forms.values()), self.options, directory, self.irregular, formats)

    def fill(self, package: Package, formats: frozenset[Format], tell: Tell) -> None:
        """Write everybody to the formats."""
        some = read(self.db, self.export, self.options.free_text, package.tells_days)
        softened = anonymity.softened(some, self.forms, self.options, self.alone)
        for each in sorted(formats):
            tell(each, 0)
        for block in blocks(weighting.weighted(softened, self.weights), self.forms, package.tables):
            package.add(block)
            for each in sorted(formats):
                tell(each, package.tally.respondents)


def write(db: Session, export: Export, forms: dict[int, Form], directory: Path, tell: Tell) -> ExportResult:
    """Write the files into a folder of this attempt; nothing is seen in the directory before they are published."""
    material = _Material(db, export, forms)
    shelf = _Shelf(directory, export, _fingerprint(db, export))
    *first, last = _groups(material.options.formats)
    done = _Part()
    for group in first:
        part = shelf.kept(group) or shelf.keep(group, _part(material, shelf.work, group, tell))
        for each in sorted(group):
            tell(each, export.respondents)
        done.files |= part.files
        done.shortened += part.shortened
    return _finished(material, shelf.work, last, done, tell)


def clear(directory: Path, export_id: int, attempt: int | str = "*") -> None:
    """Remove what attempts left that did not come to their end, or one of them."""
    for folder in directory.glob(f".export-{export_id}-{attempt}"):
        shutil.rmtree(folder, ignore_errors=True)


def _groups(formats: Collection[str]) -> list[frozenset[Format]]:
    found = [frozenset(each for each in together if each in formats) for together in _TOGETHER]
    return [group for group in found if group] or [frozenset()]


def _part(material: _Material, work: Path, group: frozenset[Format], tell: Tell) -> _Part:
    with material.package(work, group) as package:
        material.fill(package, group, tell)
        files = {path.name: ExportFile(rows, sha256(path)) for path, rows in package.close().items()}
        return _Part(files, package.shortened)


def _finished(material: _Material, work: Path, group: frozenset[Format], done: _Part, tell: Tell) -> ExportResult:
    """Write the last formats and what tells of all."""
    export = material.export
    with material.package(work, group) as package:
        material.fill(package, group, tell)
        manifest, rows = package.finish(material.alone.as_json(), done.shortened)
        rows |= _beside(material, package, manifest)
        for each in sorted(group):
            tell(each, package.tally.respondents)
    files = done.files | {path.name: ExportFile(count, sha256(path)) for path, count in rows.items()}
    manifest["files"] = listed(files)
    path = package.path_of_manifest()
    path.write_text(as_json(manifest), encoding="utf-8")
    return ExportResult(
        export_id=export.id,
        respondents=package.tally.respondents,
        answers=package.tally.answers,
        files={work.parent / name: file for name, file in files.items()},
        manifest=work.parent / path.name,
        manifest_sha256=sha256(path),
        anonymity=manifest["anonymity"],
        work=work,
    )


def _beside(material: _Material, package: Package, manifest: dict[str, Any]) -> dict[Path, int]:
    """Write the files that were asked for beside the answers; return how many lines each has."""
    db, export, options, forms = material.db, material.export, material.options, material.forms
    weights: Weights = material.weights
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
        people, media = package.path_beside("people"), package.path_beside("media").with_suffix(".zip")
        rows[people] = identified.write_people(db, export, people)
        rows[media] = identified.write_media(db, export, media)
    return rows


class _Shelf:
    """The folder of this attempt, and what earlier ones left beside it."""

    def __init__(self, directory: Path, export: Export, fingerprint: str) -> None:
        self.work = directory / f".export-{export.id}-{export.attempts or 0}"
        self._fingerprint = fingerprint
        # A folder that is named for several installations may hold what another's export of our number left.
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self._earlier = [each for each in directory.glob(f".export-{export.id}-*") if each != self.work]

    def keep(self, group: frozenset[Format], part: _Part) -> _Part:
        """Note that files are finished."""
        note = {"of": self._fingerprint, "files": listed(part.files), "shortened": part.shortened}
        path = self._note(self.work, group)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(note), "utf-8")
        beside.replace(path)
        return part

    def kept(self, group: frozenset[Format]) -> _Part | None:
        """Take over what an earlier attempt finished, if it is whole and of the same data."""
        for folder in self._earlier:
            try:
                note = json.loads(self._note(folder, group).read_text("utf-8"))
            except (OSError, ValueError):
                continue
            part = _Part({name: ExportFile(**file) for name, file in note["files"].items()}, note["shortened"])
            places = [folder / name for name in part.files]
            if note["of"] == self._fingerprint and all(map(_is_whole, places, part.files.values())):
                for place in places:
                    place.replace(self.work / place.name)
                return self.keep(group, part)
        return None

    @staticmethod
    def _note(folder: Path, group: frozenset[Format]) -> Path:
        return folder / f"{'-'.join(sorted(group))}.done"


def _is_whole(path: Path, file: ExportFile) -> bool:
    return path.is_file() and sha256(path) == file.sha256


def _fingerprint(db: Session, export: Export) -> str:
    """Return what changes with anything that is written: an answer is never changed, only replaced by a newer one."""
    members = ExportMember.export_id == export.id
    runs = (
        select(Run.disposition, func.count(), func.max(Run.updated_at))
        .join(ExportMember, ExportMember.run_id == Run.id)
        .where(members)
        .group_by(Run.disposition)
        .order_by(Run.disposition)
    )
    answers = (
        select(func.count(), func.max(Answer.id), func.sum(case((Answer.relevant, 1), else_=0)))
        .join(ExportMember, ExportMember.run_id == Answer.run_id)
        .where(members, Answer.superseded_at.is_(None))
    )
    return _digest([*map(tuple, db.execute(runs)), *map(tuple, db.execute(answers)), export.options])


def _digest(facts: Sequence[object]) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def listed(files: dict[str, ExportFile]) -> dict[str, Any]:
    """Return the files as the manifest and the row have them."""
    return {name: {"rows": file.rows, "sha256": file.sha256} for name, file in sorted(files.items())}


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
