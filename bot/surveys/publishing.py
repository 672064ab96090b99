"""Forms as staff upload them: drafts, published versions, and the compiled form of each."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.sentences import Sentence
from bot.surveys.form import Form, FormError, Problem
from bot.surveys.models import Status, Survey, SurveyFile
from bot.surveys.xform import load
from bot.surveys.xform.loading import compiled

_KEPT = 32
_forms: dict[str, Form] = {}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A form that can run, with its attached files, as it will be kept."""

    data: bytes  #: as uploaded
    filename: str
    media: Mapping[str, bytes]
    sha256: str  #: of the file and its attached files
    form: Form

    def survey(self) -> Survey:
        """Return a new draft of it."""
        return Survey(
            form_id=self.form.id,
            version=self.form.version,
            title=self.form.title,
            sha256=self.sha256,
            filename=self.filename,
            file=self.data,
            xform=self.form.xform,
            status=Status.DRAFT,
            created_at=clock.now(),
            quotas={},
            media=[SurveyFile(name=name, data=content) for name, content in self.media.items()],
        )


def prepare(data: bytes, filename: str, media: Mapping[str, bytes] | None = None) -> Prepared:
    """Compile a form, which takes its time and is done outside any transaction; raise FormError if it cannot run."""
    files = dict(sorted((media or {}).items()))
    parts = (part for name, content in files.items() for part in (name.encode(), content))
    sha256 = hashlib.sha256(b"\0".join([data, *parts])).hexdigest()
    return Prepared(data, filename, files, sha256, load(data, filename, files))


def keep(db: Session, prepared: Prepared) -> Survey:
    """Keep a form as a draft; the same bytes are the same survey. Raise FormError when its version is taken."""
    known = db.scalars(select(Survey).where(Survey.sha256 == prepared.sha256)).one_or_none()
    if known:
        return known
    form = prepared.form
    if db.scalar(select(Survey.id).where(Survey.form_id == form.id, Survey.version == form.version)):
        raise FormError(
            [Problem(Sentence("this version is uploaded already; write a higher one"), "settings", 2, "version")]
        )
    survey = prepared.survey()
    db.add(survey)
    db.flush()
    return survey


def upload(db: Session, data: bytes, filename: str, media: Mapping[str, bytes] | None = None) -> Survey:
    """Prepare and keep a form at once, where nobody waits for the database."""
    return keep(db, prepare(data, filename, media))


def release(db: Session, survey: Survey, opens_at: datetime | None = None, closes_at: datetime | None = None) -> Survey:
    """Open a draft to members; people who are in an earlier version finish that one. A second time changes nothing."""
    if survey.status == Status.DRAFT:
        survey.status, survey.published_at = Status.OPEN, clock.now()
        survey.opens_at, survey.closes_at = opens_at or survey.opens_at, closes_at or survey.closes_at
        db.flush()
    return survey


def publish(
    db: Session,
    data: bytes,
    filename: str,
    media: Mapping[str, bytes] | None = None,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
) -> Survey:
    """Upload and release a form at once, where nobody waits for the database."""
    return release(db, upload(db, data, filename, media), opens_at, closes_at)


def is_open(survey: Survey) -> bool:
    """Tell whether the survey takes answers now."""
    now = clock.now()
    begun = survey.opens_at is None or survey.opens_at <= now
    return survey.status == Status.OPEN and begun and (survey.closes_at is None or survey.closes_at > now)


def is_open_at(now: datetime) -> ColumnElement[bool]:
    """Return the same as a condition."""
    begun = or_(Survey.opens_at.is_(None), Survey.opens_at <= now)
    return and_(Survey.status == Status.OPEN, begun, or_(Survey.closes_at.is_(None), Survey.closes_at > now))


def open_surveys(db: Session) -> list[Survey]:
    """Return what members can answer now: the newest version of each form, newest form first."""
    rows = db.scalars(select(Survey).where(is_open_at(clock.now())).order_by(Survey.id.desc()))
    newest: dict[str, Survey] = {}
    for survey in rows:
        newest.setdefault(survey.form_id, survey)
    return list(newest.values())


def newest_open(db: Session, form_id: str) -> Survey | None:
    """Return the version of a form that is answered now."""
    rows = select(Survey).where(is_open_at(clock.now()), Survey.form_id == form_id).order_by(Survey.id.desc())
    return db.scalars(rows.limit(1)).one_or_none()


def newest_published(db: Session, form_id: str) -> Survey | None:
    """Return the version of a form that was published last, open or closed."""
    published = select(Survey).where(Survey.form_id == form_id, Survey.published_at.is_not(None))
    return db.scalars(published.order_by(Survey.published_at.desc(), Survey.id.desc()).limit(1)).one_or_none()


def form_of(survey: Survey) -> Form:
    """Return the compiled form, kept for the next message."""
    form = _forms.get(survey.sha256)
    if form is None:
        form = compiled(survey.xform, tuple((file.name, file.data) for file in survey.media))
        _forms[survey.sha256] = form
        if len(_forms) > _KEPT:
            _forms.pop(next(iter(_forms)), None)
    return form
