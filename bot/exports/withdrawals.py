"""Whose lines the holders of earlier exports must delete: a list beside each export, kept up to date.

Of an export with people's own words, which may name them, we keep no file ourselves once somebody in it is erased.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from bot.exports import service
from bot.exports.models import Export
from bot.exports.options import Options

NAME = "withdrawn.csv"


def write(db: Session, exports_dir: Path) -> int:
    """Write the lists that have changed, and let go of files that may name who is gone; return how many lists."""
    changed = 0
    for export_id, respondents in service.all_withdrawn(db).items():
        path = exports_dir / str(export_id) / NAME
        export = db.get_one(Export, export_id)
        if not export.files:  # nothing of it left
            continue
        if may_name(export):
            for name in export.files:
                (path.parent / name).unlink(missing_ok=True)
        text = as_csv(respondents)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".new")
            beside.write_text(text, "utf-8")
            beside.replace(path)
            changed += 1
    return changed


def may_name(export: Export) -> bool:
    """Tell whether the files say who people are: by an address, or in their own words."""
    return Options.from_json(export.options).may_name


def as_csv(respondents: Sequence[str]) -> str:
    """Return a list of lines to delete."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["respondent"], *([one] for one in respondents)])
    return out.getvalue()
