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


def publish(
    db: Session,
    subject: str,
    counts: Mapping[Cell, int],
    sums: Sequence[Sum[Cell]],
    least: int = THRESHOLD,
    medians: Mapping[Cell, float] | None = None,
) -> Published[Cell]:
    """Publish everything that is shown of a subject and note it; a cell's name must mean the same in every release.

    While fewer than `least` people came or went, the figures of the last release stand. Later a figure is hidden when
    it differs by fewer from one that was shown before. `medians`, of what a cell's people said, stand and fall with it.
    """
    take_turn(db, f"release {subject}")
    names = {_name(cell): cell for cell in counts}
    releases = list(db.scalars(select(Release).where(Release.subject == subject).order_by(Release.id)))
    last = releases[-1] if releases else None
    if last is None or not _stands(last, counts, sums, least):
        before = [_known(release, names) for release in releases]
        shown = protect(counts, sums, least, before)
        figures = {_name(cell): count for cell, count in shown.items()}
        if last is None or last.sha256 != _sha256(figures):
            beside = {
                _name(cell): value
                for cell, value in (medians or {}).items()
                if shown[cell] is not None and counts[cell] >= LEAST_BASE
            }
            last = Release(subject=subject, sha256=_sha256(figures), figures=figures, medians=beside, at=clock.now())
            db.add(last)
            db.flush()
    return Published(
        last.id,
        last.at,
        {cell: last.figures[name] for name, cell in names.items()},
        {names[name]: value for name, value in last.medians.items() if name in names},
    )


def _stands(last: Release, counts: Mapping[Cell, int], sums: Sequence[Sum[Cell]], least: int) -> bool:
    """Tell whether so few people differ from the last release, which has all of these figures, that it goes on."""
    if not {_name(cell) for cell in counts} <= last.figures.keys():
        return False
    parts = {part for one in sums for part in one.parts}
    whole = [cell for cell in counts if cell not in parts]
    return all(abs(counts[cell] - (last.figures[_name(cell)] or 0)) < least for cell in whole)


def _known(release: Release, names: Mapping[str, Cell]) -> dict[Cell, int]:
    return {names[name]: count for name, count in release.figures.items() if count is not None and name in names}


def _name(cell: object) -> str:
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def _sha256(figures: Mapping[str, int | None]) -> str:
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()
