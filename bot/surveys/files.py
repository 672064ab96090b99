"""Pictures, sounds and films that go with questions and choices, as messages carry them; made from the form's rows."""

import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.base import Media
from bot.messaging import made
from bot.surveys.form import Form
from bot.surveys.models import Survey, SurveyFile

#: Which of the files that are made (`messaging.made`) they are.
KIND = "survey"
#: The kinds of file of one text, by what a message carries; of a picture in two sizes one is sent.
_KINDS: Mapping[Literal["image", "audio", "video"], tuple[str, ...]] = {
    "image": ("image", "big-image"), "audio": ("audio",), "video": ("video",),
}  # fmt: skip


def shown(survey: Survey, form: Form, texts: Iterable[Mapping[str, str]]) -> tuple[Media, ...]:
    """Return the attached files that these texts show, in order."""
    return tuple(
        _media(survey, kind, name) for files in texts for kind in _KINDS if (name := _attached(form, kind, files))
    )


def pictures(survey: Survey, form: Form, choices: Iterable[tuple[str, Mapping[str, str]]]) -> tuple[Media, ...]:
    """Return the attached pictures of these choices - what stands under one, and its files -, in order."""
    return tuple(
        _media(survey, "image", name, caption)
        for caption, files in choices
        if (name := _attached(form, "image", files))
    )


def _attached(form: Form, kind: Literal["image", "audio", "video"], files: Mapping[str, str]) -> str | None:
    return next((files[one] for one in _KINDS[kind] if files.get(one, "") in form.media), None)


def _media(survey: Survey, kind: Literal["image", "audio", "video"], name: str, caption: str = "") -> Media:
    content_type = mimetypes.guess_type(name)[0] or ""
    # A published form never changes, so that its hash and a name stand for one content.
    reference = made.reference(KIND, f"{survey.sha256}/{Path(name).name}")
    return Media(kind, reference, content_type, name, caption=caption)


def make(db: Session, name: str) -> bytes | None:
    """Return what is in a file, by its name among the files that are made: the form's hash, and its own name."""
    sha256, _, own = name.partition("/")
    of = select(SurveyFile.data).join(Survey, Survey.id == SurveyFile.survey_id)
    return db.scalar(of.where(Survey.sha256 == sha256, SurveyFile.name == own))
