"""The texts that consents point to by hash, kept as they were shown: in the audit trail, where none can be changed."""

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.content import Content
from bot.staff import audit
from bot.staff.models import AuditEntry

_KIND = "wording"


def keep(db: Session, content: Content, key: str, language: str) -> str:
    """Keep the exact text that is shown for `key`, once, and return its hash."""
    text = content.catalogue.consent_text(key, language)
    return _keep(db, key, language, text, content.catalogue.version_hash(key, language))


def keep_text(db: Session, key: str, language: str, text: str) -> str:
    """Keep a text that is not the catalogue's, once, and return its hash."""
    return _keep(db, key, language, text, hashlib.sha256(text.encode()).hexdigest())


def _keep(db: Session, key: str, language: str, text: str, digest: str) -> str:
    if find(db, digest) is None:
        audit.record(db, None, "wording.shown", _KIND, digest, {"key": key, "language": language, "text": text})
    return digest


def find(db: Session, digest: str) -> str | None:
    """Return the text with this hash."""
    statement = select(AuditEntry.detail).where(AuditEntry.subject_kind == _KIND, AuditEntry.subject_id == digest)
    detail = db.scalar(statement.order_by(AuditEntry.id).limit(1))
    return None if detail is None else str(detail["text"])
