"""Pictures, sounds and films that go with questions: laid where the channels find what they send."""

import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.base import Media
from bot.surveys.form import Form
from bot.surveys.models import Status, Survey

_FOLDER = "surveys"  #: below DATA_DIR/media
_KINDS: Mapping[str, Literal["image", "audio", "video"]] = {
    "image": "image", "big-image": "image", "video": "video", "audio": "audio",
}  # fmt: skip


def shown(survey: Survey, form: Form, texts: Iterable[Mapping[str, str]]) -> Media | None:
    """Return the first file that these texts show, by kind, as a message carries it; None when none is attached."""
    for files in texts:
        for kind, sent_as in _KINDS.items():
            name = files.get(kind, "")
            if name in form.media:
                content_type = mimetypes.guess_type(name)[0] or ""
                return Media(sent_as, _reference(survey, name), content_type, name)
    return None


def lay_out(db: Session, media_dir: Path) -> int:
    """Write the files of every open survey that are not there yet, on this machine; return how many."""
    written = 0
    for survey in db.scalars(select(Survey).where(Survey.status == Status.OPEN)):
        for file in survey.media:
            path = media_dir / _reference(survey, file.name)
            if mimetypes.guess_type(file.name)[0] and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_suffix(".part")
                part.write_bytes(file.data)
                part.replace(path)  # never half a file under its name
                written += 1
    return written


def _reference(survey: Survey, name: str) -> str:
    return f"{_FOLDER}/{survey.sha256[:16]}/{Path(name).name}"
