"""Rows of exports: who took which data when, and whose answers were in it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.background import Ordered
from bot.crypto import EncryptedText
from bot.db import Base, BigId


class Export(Ordered, Base):
    """One export of one survey; never deleted with its files."""

    __tablename__ = "export"

    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id"), index=True)
    by: Mapped[str] = mapped_column(String(64))  #: the staff member's id, or the command that made it
    options: Mapped[dict[str, Any]]
    salt: Mapped[str] = mapped_column(EncryptedText)  #: hex; respondent ids come from it
    respondents: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int | None]  #: values in it, refusals and other missing ones not counted; None until written
    frozen_at: Mapped[datetime | None]  #: when it was fixed whose interviews are in it
    excluded: Mapped[int] = mapped_column(default=0)  #: who answered and did not agree to sharing, of an identified one
    files: Mapped[Any] = mapped_column(JSON, nullable=True)  #: file name to {"rows", "sha256"}; None until written
    manifest: Mapped[str | None] = mapped_column(String(255))  #: the name of its file
    sha256: Mapped[str | None] = mapped_column(String(64))  #: of the manifest, which holds those of the files
    anonymity: Mapped[Any] = mapped_column(JSON, nullable=True)  #: what the check found; None until written
    created_at: Mapped[datetime]
    saved_id: Mapped[int | None] = mapped_column(ForeignKey("saved_export.id", ondelete="SET NULL"), index=True)


class SavedExport(Base):
    """An export that is made again and again, under a name that programs find it by."""

    __tablename__ = "saved_export"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    form_id: Mapped[str] = mapped_column(String(128))  #: the newest published version is taken
    options: Mapped[dict[str, Any]]
    rhythm: Mapped[str] = mapped_column(String(8))  #: of saved.Rhythm
    hour: Mapped[int]  #: at home
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    paused: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str | None] = mapped_column(Text)  #: why it paused by itself, in English
    keep: Mapped[int]  #: of how many the files stay
    by_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id"))
    created_at: Mapped[datetime]


class ExportMember(Base):
    """Whose answers are in an export, under which id.

    Without foreign keys to people: it must outlive their erasure, to say which lines of which export to delete.
    """

    __tablename__ = "export_member"

    export_id: Mapped[int] = mapped_column(ForeignKey("export.id", ondelete="CASCADE"), primary_key=True)
    respondent: Mapped[str] = mapped_column(String(20), primary_key=True)  #: its order is the order of the files
    run_id: Mapped[int] = mapped_column(BigInteger)
    contact_id: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "contact_id"),)
