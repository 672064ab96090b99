"""Rows of reports: which one staff ordered when, and the files it became."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.background import Ordered
from bot.db import Base


class MadeReport(Ordered, Base):
    """One report on one form, of one country of origin or of all."""

    __tablename__ = "report"

    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id"), index=True)
    country: Mapped[str | None] = mapped_column(String(8))  #: a choice of the plan; None: all
    language: Mapped[str] = mapped_column(String(8))
    by: Mapped[str] = mapped_column(String(64))  #: the staff member's id
    files: Mapped[Any] = mapped_column(JSON, nullable=True)  #: kind to path in its folder; None until written
    created_at: Mapped[datetime]
