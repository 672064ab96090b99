"""Rows of feeds: which token reads which form, and what each respondent was like when it was read last."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedText
from bot.db import Base, BigId


class Feed(Base):
    """What one token reads of one form, in all its versions; its respondents have ids of its own."""

    __tablename__ = "feed"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"))
    form_id: Mapped[str] = mapped_column(String(128))
    salt: Mapped[str] = mapped_column(EncryptedText)  #: hex; respondent ids come from it
    turn: Mapped[int] = mapped_column(default=0)  #: how often something had changed when it was compared
    noted_on: Mapped[date | None]  #: the last day (UTC) on which the audit trail says that it was read
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("token_id", "form_id"),)


class FeedRow(Base):
    """One respondent of a feed.

    Without foreign keys to people: it must outlive their erasure, to tell readers which rows to delete.
    """

    __tablename__ = "feed_row"

    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True)
    respondent: Mapped[str] = mapped_column(String(20), primary_key=True)  #: its order is the order of the feed
    run_id: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime]  #: of the run: SQLite may give its number to another one when it is gone
    contact_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(32))  #: hash of what tells whether anything has changed
    added: Mapped[int]  #: the turn of the feed in which it came
    changed: Mapped[int]  #: the turn in which it was last different, or went
    gone_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "feed_id", "changed", "respondent"),
        Index(None, "feed_id", "run_id"),
        Index(None, "contact_id"),
    )
