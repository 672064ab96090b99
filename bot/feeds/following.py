"""Compare a feed with the answers: what it has told against what is there now.

Nothing is noted where answers are written, so nothing can be missed: neither a transaction that commits late, nor a
person who is erased, merged or brought back by a restore. Whoever compares sees what is committed, and takes turns.
"""

import hashlib
import hmac
import os
from base64 import b32encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.db import take_turn
from bot.exports import service
from bot.exports.cases import stream
from bot.exports.options import Options
from bot.feeds.models import Feed, FeedRow
from bot.staff import audit
from bot.staff.models import ApiToken
from bot.surveys.models import Run, Survey

_CHUNK = 1000
_QUIET = {"synchronize_session": False}
_CHANGED = (
    update(FeedRow.__table__)  # type: ignore[arg-type]
    .where(FeedRow.feed_id == bindparam("of_feed"), FeedRow.respondent == bindparam("who"))
    .values(state=bindparam("now"), contact_id=bindparam("of"), changed=bindparam("at_turn"))
)


class Current(NamedTuple):
    """An interview as it is: `state` changes with anything that a feed shows of it."""

    run_id: int
    started_at: datetime
    contact_id: int
    state: str


class Known(NamedTuple):
    """An interview as the feed has told it."""

    run_id: int
    started_at: datetime
    respondent: str
    state: str


Difference = tuple[Known | None, Current | None]


def find(db: Session, token_id: int, form_id: str) -> Feed | None:
    """Return the feed of a token and a form, if it was ever read."""
    return db.scalars(select(Feed).where(Feed.token_id == token_id, Feed.form_id == form_id)).one_or_none()


def fresh(db: Session, token_id: int, form_id: str) -> Feed | None:
    """Return the feed when it knows all there is and today's reading is noted; else it must be followed first."""
    feed = find(db, token_id, form_id)
    return feed if feed and _is_fresh(db, feed) else None


def _is_fresh(db: Session, feed: Feed) -> bool:
    return feed.noted_on == clock.now().date() and not sum(1 for _ in _differences(db, feed))


def follow(db: Session, token: ApiToken, form_id: str) -> Feed:
    """Bring a feed up to date, begin it where there is none, and note once a day who reads it."""
    take_turn(db, f"feed {token.id} {form_id}")
    feed = find(db, token.id, form_id)
    if feed is None:
        feed = Feed(token_id=token.id, form_id=form_id, salt=os.urandom(16).hex(), turn=0, created_at=clock.now())
        db.add(feed)
        db.flush()
    _apply(db, feed)
    today = clock.now().date()
    if feed.noted_on != today:
        feed.noted_on = today
        told = {"form": form_id, "people": size(db, feed)}
        audit.record(db, token.user, "feed.read", "feed", feed.id, told)
    return feed


def size(db: Session, feed: Feed) -> int:
    """Return how many respondents are in a feed."""
    rows = select(func.count()).select_from(FeedRow).where(FeedRow.feed_id == feed.id, FeedRow.gone_at.is_(None))
    return db.scalar(rows) or 0


def forms(db: Session) -> list[Survey]:
    """Return the newest published version of each form, by its id."""
    rows = select(Survey).where(Survey.published_at.is_not(None)).order_by(Survey.published_at, Survey.id)
    return sorted({row.form_id: row for row in db.scalars(rows)}.values(), key=lambda row: row.form_id)


def _apply(db: Session, feed: Feed) -> None:
    turn, now = feed.turn + 1, clock.now()
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    gone: list[str] = []
    for known, current in _differences(db, feed):
        if current is None and known:
            gone.append(known.respondent)
        elif known is None and current:
            who = _pseudonym(feed, current)
            row = {"feed_id": feed.id, "respondent": who, "added": turn, "changed": turn, "gone_at": None}
            new.append(row | current._asdict())
        elif known and current:
            to = {"now": current.state, "of": current.contact_id, "at_turn": turn}
            changed.append({"of_feed": feed.id, "who": known.respondent, **to})
    for chunk in _chunks(new):
        back = FeedRow.respondent.in_([row["respondent"] for row in chunk])  # of who was gone
        db.execute(delete(FeedRow).where(FeedRow.feed_id == feed.id, back).execution_options(**_QUIET))
        db.execute(insert(FeedRow), chunk)
    for chunk in _chunks(changed):
        db.connection().execute(_CHANGED, chunk)
    for left in _chunks(gone):
        rows = update(FeedRow).where(FeedRow.feed_id == feed.id, FeedRow.respondent.in_(left))
        db.execute(rows.values(gone_at=now, changed=turn).execution_options(**_QUIET))
    if new or changed or gone:
        feed.turn = turn
    db.flush()


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _differences(db: Session, feed: Feed) -> Iterator[Difference]:
    """Yield what is not as the feed knows it, from two cursors in the order of the runs."""
    told: Iterable[Known] = (Known(*row) for row in stream(db, _told(feed)))
    there: Iterable[Current] = (_current(row) for row in stream(db, _there(db, feed)))
    both: Iterator[Known | Current] = merge(told, there, key=itemgetter(0))
    for _, pair in groupby(both, key=itemgetter(0)):
        known, current = None, None
        for row in pair:
            if isinstance(row, Known):
                known = row
            else:
                current = row
        if known and current and known.started_at != current.started_at:  # the number of another one
            yield known, None
            yield None, current
        elif not (known and current and known.state == current.state):
            yield known, current


def _told(feed: Feed) -> Select[*tuple[Any, ...]]:
    columns = (FeedRow.run_id, FeedRow.started_at, FeedRow.respondent, FeedRow.state)
    return select(*columns).where(FeedRow.feed_id == feed.id, FeedRow.gone_at.is_(None)).order_by(FeedRow.run_id)


def _there(db: Session, feed: Feed) -> Select[*tuple[Any, ...]]:
    """Return the interviews of the form: of each person and occasion the one that came furthest.

    Whatever changes an answer is a turn of its interview, or ends or nudges it, and says so in the interview's row:
    so the answers themselves, of which there are many, are not looked at.
    """
    survey = next(row for row in forms(db) if row.form_id == feed.form_id)
    chosen = service.interviews(survey, Options(all_versions=True)).order_by(None).subquery()
    return (
        select(
            *(Run.id, Run.started_at, Run.contact_id, Run.survey_id, Run.disposition, Run.updated_at, Run.nudges),
            *(Run.completed_at, Run.language, Run.channel, Contact.source),
        )
        .join(chosen, chosen.c.id == Run.id)
        .join(Contact, Contact.id == Run.contact_id)
        .order_by(Run.id)
    )


def _current(row: Iterable[Any]) -> Current:
    run_id, started_at, contact_id, *rest = row
    state = hashlib.blake2b(repr((contact_id, *map(str, rest))).encode(), digest_size=16).hexdigest()
    return Current(run_id, started_at, contact_id, state)


def _pseudonym(feed: Feed, current: Current) -> str:
    """Return an id that cannot be computed back, the same for this interview in this feed and in no other."""
    interview = f"{current.run_id} {current.started_at.isoformat()}"
    digest = hmac.digest(bytes.fromhex(feed.salt), interview.encode(), hashlib.sha256)
    return "R" + b32encode(digest)[:15].decode()
