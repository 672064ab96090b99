"""The texts that consents point to by hash, kept as they were shown: in the audit trail, where none can be changed."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.content import Content
from bot.staff import audit
from bot.staff.models import AuditEntry

_KIND = "wording"


def keep(db: Session, content: Content, key: str, language: str) -> str:
    """Keep the exact text that is shown for `key`, once, and return its hash."""
    digest = content.catalogue.version_hash(key, language)
    if find(db, digest) is None:
        text = content.catalogue.consent_text(key, language)
        audit.record(db, None, "wording.shown", _KIND, digest, {"key": key, "language": language, "text": text})
    return digest


def find(db: Session, digest: str) -> str | None:
    """Return the text with this hash."""
    statement = select(AuditEntry.detail).where(AuditEntry.subject_kind == _KIND, AuditEntry.subject_id == digest)
    detail = db.scalar(statement.order_by(AuditEntry.id).limit(1))
    return None if detail is None else str(detail["text"])
