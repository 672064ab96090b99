"""Publish figures again and again of a survey that goes on: no two releases together say what one person answered."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.db import take_turn
from bot.disclosure.models import Release
from bot.disclosure.suppression import LEAST_BASE, THRESHOLD, Cell, Sum, protect


@dataclass(frozen=True)
class Published(Generic[Cell]):
    """Figures that may be read by anybody, None where one is hidden, and since when they stand."""

    release_id: int
    at: datetime
    figures: Mapping[Cell, int | None]
    medians: Mapping[Cell, float]
    earlier: Mapping[Cell, int]  #: of cells that are hidden now, what the last release that showed them said


def publish(
    db: Session,
    subject: str,
    counts: Mapping[Cell, int],
    sums: Sequence[Sum[Cell]],
    least: int = THRESHOLD,
    medians: Mapping[Cell, float] | None = None,
    base: int = LEAST_BASE,
) -> Published[Cell]:
    """Publish everything that is shown of a subject and note it; a cell's name must mean the same in every release.

    While fewer than `least` people came or went, the figures of the last release stand. Later a figure is hidden when
    it differs by fewer from one that was shown before. `medians` (or means), of what a cell's people said, stand and
    fall with it, and need `base` people.
    """
    take_turn(db, f"release {subject}")
    names = {json_name(cell): cell for cell in counts}
    releases = list(db.scalars(select(Release).where(Release.subject == subject).order_by(Release.id)))
    last = releases[-1] if releases else None
    if last is None or not _stands(last, counts, sums, least):
        before = [_known(release, names) for release in releases]
        shown = protect(counts, sums, least, before)
        figures = {json_name(cell): count for cell, count in shown.items()}
        if last is None or last.sha256 != _sha256(figures):
            beside = {
                json_name(cell): value
                for cell, value in (medians or {}).items()
                if shown[cell] is not None and counts[cell] >= base
            }
            last = Release(subject=subject, sha256=_sha256(figures), figures=figures, medians=beside, at=clock.now())
            db.add(last)
            db.flush()
            releases.append(last)
    return _published(releases, names)


def latest(db: Session, subject: str) -> Published[tuple[str, ...]] | None:
    """Return what was published last of a subject whose cells are tuples of words; None when nothing was."""
    releases = list(db.scalars(select(Release).where(Release.subject == subject).order_by(Release.id)))
    return _published(releases, {name: tuple(json.loads(name)) for name in releases[-1].figures}) if releases else None


def _published(releases: Sequence[Release], names: Mapping[str, Cell]) -> Published[Cell]:
    last = releases[-1]
    shown: dict[Cell, int] = {}
    for release in releases:
        shown |= _known(release, names)
    return Published(
        last.id,
        last.at,
        {cell: last.figures[name] for name, cell in names.items()},
        {names[name]: value for name, value in last.medians.items() if name in names},
        {cell: count for cell, count in shown.items() if last.figures[json_name(cell)] is None},
    )


def _stands(last: Release, counts: Mapping[Cell, int], sums: Sequence[Sum[Cell]], least: int) -> bool:
    """Tell whether so few people differ from the last release, which has all of these figures, that it goes on.

    A zero does not: it would tell that nobody came, long after somebody did; a small number is hidden in its place.
    """
    if not {json_name(cell) for cell in counts} <= last.figures.keys():
        return False
    parts = {part for one in sums for part in one.parts}
    whole = [cell for cell in counts if cell not in parts]
    known = {cell: last.figures[json_name(cell)] for cell in whole}
    return all(
        abs(counts[cell] - (shown or 0)) < least and (shown != 0 or not counts[cell]) for cell, shown in known.items()
    )


def _known(release: Release, names: Mapping[str, Cell]) -> dict[Cell, int]:
    return {names[name]: count for name, count in release.figures.items() if count is not None and name in names}


def json_name(cell: object) -> str:
    """Return how a cell is called in rows."""
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def _sha256(figures: Mapping[str, int | None]) -> str:
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()
