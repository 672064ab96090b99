"""Rows about staff and what they did."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.crypto import EncryptedText
from bot.db import Base, BigId

#: The words of a partial index: SQLite uses it only for the very same words, without parameters.
IS_ERASURE = text("action = 'contact.erased'")


class Role(StrEnum):
    """What a staff user is there for; `roles.ROLES` says what each may do."""

    ADMINISTRATOR = "administrator"
    EDITOR = "editor"
    APPROVER = "approver"
    ANALYST = "analyst"
    AGENT = "agent"
    PROTECTION = "protection"


class Awaits(StrEnum):
    """What is missing after the password."""

    CODE = "code"  #: of the second factor
    FACTOR = "factor"  #: a second factor at all, which the role demands


class StaffUser(Base):
    """A person who works in the console."""

    __tablename__ = "staff_user"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(EncryptedText)
    email_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    role: Mapped[Role] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str | None] = mapped_column(String(128))  #: argon2; None until the link was used
    link_hash: Mapped[str | None] = mapped_column(String(64), unique=True)  #: of the one-time link
    link_expires_at: Mapped[datetime | None]
    totp_secret: Mapped[str | None] = mapped_column(EncryptedText)  #: of the second factor; None: there is none
    totp_pending: Mapped[str | None] = mapped_column(EncryptedText)  #: until a first code shows that it arrived
    totp_step: Mapped[int | None] = mapped_column(BigId)  #: of the last code: none counts twice
    language: Mapped[str | None] = mapped_column(String(8))  #: of the console; None: as the browser asks
    created_at: Mapped[datetime]


class StaffSession(Base):
    """A signed-in browser; deleting the row signs it out."""

    __tablename__ = "staff_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id", ondelete="CASCADE"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    awaits: Mapped[Awaits | None] = mapped_column(String(8))  #: what is missing before it may be used

    user: Mapped[StaffUser] = relationship(lazy="joined", innerjoin=True)


class RecoveryCode(Base):
    """A code that stands in once for the second factor."""

    __tablename__ = "staff_recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class ApiToken(Base):
    """What a program shows to act for a staff user, within its scopes and the user's role."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))  #: of the program, for staff
    scopes: Mapped[list[str]]  #: of scopes.Scope
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)  #: None until the owner has fetched it
    created_by: Mapped[str] = mapped_column(String(32))  #: the staff user's id
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    minute: Mapped[datetime | None]  #: in which the calls are counted
    calls: Mapped[int] = mapped_column(default=0)  #: in that minute

    user: Mapped[StaffUser] = relationship(lazy="joined", innerjoin=True)


class ApiCall(Base):
    """The answer to a call that must not happen twice, for whoever repeats it."""

    __tablename__ = "api_call"

    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)  #: the caller's choice, hashed
    request_hash: Mapped[str] = mapped_column(String(64))  #: what was asked: the key fits nothing else
    answer: Mapped[str | None] = mapped_column(EncryptedText)  #: JSON
    at: Mapped[datetime] = mapped_column(index=True)


class SignInFailures(Base):
    """Failed sign-ins for one e-mail address, whether or not a user has it."""

    __tablename__ = "sign_in_failures"

    email_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]


class AuditEntry(Base):
    """One thing done, chained to the entry before it; rows are only ever added."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(32))  #: id of the staff user, or "system"
    action: Mapped[str] = mapped_column(String(64))
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]  #: never personal data: the trail outlives an erasure
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index(None, "subject_kind", "subject_id", "id"),
        Index("ix_audit_entry_erasures", "at", sqlite_where=IS_ERASURE, postgresql_where=IS_ERASURE),
    )
