"""Rows of what was published: figures only, nothing about a person."""

from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, BigId


class Release(Base):
    """Figures that were published together; kept for good, since whoever has them keeps them too."""

    __tablename__ = "release"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(128), index=True)  #: whose figures: a form's id
    sha256: Mapped[str] = mapped_column(String(64))  #: of the figures
    figures: Mapped[dict[str, int | None]] = mapped_column(JSON)  #: by cell, None: hidden
    medians: Mapped[dict[str, float]] = mapped_column(JSON)  #: by cell, of cells that are shown
    at: Mapped[datetime]
