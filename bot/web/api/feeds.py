"""Feeds: what is new, different or gone in the pseudonymous answers to a form since a program was here."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from bot.feeds import following
from bot.feeds.changes import Change, Cursor, How, changes
from bot.feeds.models import Feed
from bot.feeds.reading import Reader
from bot.feeds.shapes import EntitySet, Shape, shapes
from bot.staff.models import ApiToken
from bot.staff.scopes import Scope
from bot.web.api.access import Call, needs
from bot.web.api.values import Limit
from bot.web.console.visit import found

router = APIRouter(tags=["feeds"])
Reads = Annotated[Call, needs(Scope.FEEDS)]
Since = Annotated[
    str,
    Query(pattern=r"^[0-9]{1,15}-[0-9]{1,15}-[A-Z0-9]{0,20}$", description="`next` of the call before."),
]
BEGIN = "1-1-"
Where = tuple[int, Cursor]


class FeedOut(BaseModel):
    """A form that has a feed, and the entity sets that /odata/ has of it."""

    form: str
    sets: list[str]


class ChangeOut(BaseModel):
    """One respondent who is not as the program has it."""

    respondent: str
    change: How
    answers: dict[str, Any] | None  #: as the entity set of respondents has them; None: gone, delete what you have
    repeats: dict[str, list[dict[str, Any]]]  #: entity set -> rows


class ChangesOut(BaseModel):
    """The next changes, in the order in which they happened."""

    items: list[ChangeOut]
    next: str  #: `after` of the next call, today or next month
    more: bool  #: there are more already


@router.get("/feeds")
async def listing(call: Reads) -> list[FeedOut]:
    """List the forms that have a feed."""
    shaped = await call.read(shapes)
    return [FeedOut(form=form_id, sets=list(shape.sets)) for form_id, shape in shaped.items()]


@router.get("/feeds/{name}/changes")
async def changed(call: Reads, name: str, after: Since = BEGIN, limit: Limit = 100) -> ChangesOut:
    """Tell who is new, different or gone since `after`; without it, everybody there is.

    What happened is told at least once, and nothing is ever left out: take each respondent as it is told last.
    """
    began, turn, respondent = after.split("-")
    where = int(began), Cursor(int(turn), respondent)
    token = call.token.id
    shape = found((await call.read(shapes)).get(name))
    if known := await call.read(following.find, token, name):
        told = await call.read(_told, known, shape, where, limit)
        if told.more:
            return told
    fresh = await call.read(following.fresh, token, name)  # all that was known is told: look what else there is
    feed = fresh if fresh else await call.write(_follow, token, name)
    return await call.read(_told, feed, shape, where, limit)


def _follow(db: Session, token_id: int, form_id: str) -> Feed:
    return following.follow(db, db.get_one(ApiToken, token_id), form_id)


def _told(db: Session, feed: Feed, shape: Shape, where: Where, limit: int) -> ChangesOut:
    began, after = where
    told = changes(db, feed, shape, after, limit, began)
    repeats = [each for each in shape.sets.values() if each.table and each is not shape.main]
    there = [change.respondent for change in told if change.row]
    rows = {each.name: Reader(db, feed, shape, each).of(there) for each in repeats}
    items = [_shown(shape, repeats, rows, change) for change in told]
    if len(told) < limit:
        return ChangesOut(items=items, next=_cursor(feed.turn + 1, Cursor(feed.turn + 1)), more=False)
    return ChangesOut(items=items, next=_cursor(began, told[-1].at), more=True)


def _cursor(began: int, at: Cursor) -> str:
    return f"{began}-{at.turn}-{at.respondent}"


def _shown(
    shape: Shape, repeats: Sequence[EntitySet], rows: dict[str, dict[str, list[Any]]], change: Change
) -> ChangeOut:
    who = change.respondent
    return ChangeOut(
        respondent=who,
        change=change.how,
        answers=_named(shape.main, change.row) if change.row else None,
        repeats={each.name: [_named(each, row) for row in rows[each.name].get(who, ())] for each in repeats},
    )


def _named(entity_set: EntitySet, row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(entity_set.places, row, strict=True))
