"""Whose lines the holders of earlier exports must delete: a list beside each export, kept up to date."""

import csv
import io
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bot.exports import service
from bot.exports.models import Export, ExportMember
from bot.surveys.models import Run

NAME = "withdrawn.csv"


def write(db: Session, exports_dir: Path) -> int:
    """Write the lists that have changed; return how many."""
    changed = 0
    for export, respondents in listed(db):
        path = exports_dir / str(export.id) / NAME
        text = _text(respondents)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".new")
            beside.write_text(text, "utf-8")
            beside.replace(path)
            changed += 1
    return changed


def listed(db: Session) -> list[tuple[Export, list[str]]]:
    """Return the exports that hold people who were erased since, each with the ids of those."""
    kept = exists().where(Run.id == ExportMember.run_id, Run.contact_id == ExportMember.contact_id)
    with_gone = select(ExportMember.export_id).where(~kept).distinct()
    exports = db.scalars(select(Export).where(Export.id.in_(with_gone)).order_by(Export.id)).all()
    return [(export, ids) for export in exports if (ids := service.withdrawn(db, export))]


def _text(respondents: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["respondent"], *([one] for one in respondents)])
    return out.getvalue()
