"""What is new, different or gone in a feed since a reader was there."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bot.exports.cases import stream
from bot.feeds.models import Feed, FeedRow
from bot.feeds.reading import Reader, Row
from bot.feeds.shapes import Shape


class Cursor(NamedTuple):
    """Where a reader is: behind this respondent of this turn of the feed."""

    turn: int
    respondent: str = ""


class How(StrEnum):
    """What happened to a respondent."""

    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"


class Change(NamedTuple):
    """One respondent who is not as a reader has it; there is no row of who is gone."""

    respondent: str
    how: How
    row: Row | None
    at: Cursor


def changes(db: Session, feed: Feed, shape: Shape, after: Cursor, most: int, began: int) -> Sequence[Change]:
    """Return the next changes behind the cursor; `began` is the first turn that the reader has not seen whole.

    Each row is as it is now, which may be newer than the change: then it comes once more. Of who came and went
    meanwhile nothing is told.
    """
    behind = or_(
        FeedRow.changed > after.turn, and_(FeedRow.changed == after.turn, FeedRow.respondent > after.respondent)
    )
    rows = (
        select(FeedRow.respondent, FeedRow.added, FeedRow.changed, FeedRow.gone_at)
        .where(FeedRow.feed_id == feed.id, behind)
        .where(or_(FeedRow.gone_at.is_(None), FeedRow.added < began))
        .order_by(FeedRow.changed, FeedRow.respondent)
        .limit(most)
    )
    found = list(stream(db, rows))
    there = Reader(db, feed, shape, shape.main).of([row.respondent for row in found if row.gone_at is None])
    told = []
    for respondent, added, changed, _ in found:
        row = next(iter(there.get(respondent, ())), None)
        how = How.REMOVED if row is None else How.NEW if added >= began else How.CHANGED
        told.append(Change(respondent, how, row, Cursor(changed, respondent)))
    return told
