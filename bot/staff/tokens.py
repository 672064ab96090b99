"""Tokens of programs: granted by an administrator, fetched once by their owner, counted at every call."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, case, delete, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.sentences import Sentence
from bot.staff import audit
from bot.staff.models import ApiCall, ApiToken, StaffUser
from bot.staff.roles import Forbidden, Permission, require
from bot.staff.scopes import Scope, possible
from bot.staff.service import token_hash

#: What a token begins with, so that a leaked one is known for what it is.
PREFIX = "outreach_"
LONGEST = timedelta(days=365)
NAME_LIMIT = 100
#: How long the answer to a call is kept for who repeats it.
KEPT = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class NotGranted(Exception):
    """The token cannot be as it was asked for; the message carries the cure."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a token does not count: unknown, used up for now (`again`: seconds to wait)."""

    again: int | None = None


def grant(
    db: Session, by: StaffUser, owner: StaffUser, name: str, scopes: Collection[str], valid: timedelta
) -> ApiToken:
    """Let a program act for `owner`; there is no secret yet: the owner fetches it."""
    require(by, Permission.STAFF_MANAGE)
    if not 0 < len(name) <= NAME_LIMIT or not timedelta(days=1) <= valid <= LONGEST:
        raise NotGranted(
            Sentence("A token needs a name of at most %(most)s characters and 1 to 365 days", most=NAME_LIMIT)
        )
    able = possible(owner)
    if unable := sorted(set(scopes) - set(able)):
        raise NotGranted(
            Sentence(
                "The owner's role does not allow %(scopes)s: choose others, or another owner", scopes=", ".join(unable)
            )
        )
    if not scopes:
        raise NotGranted(Sentence("Choose at least one scope"))
    now = clock.now()
    row = ApiToken(
        user=owner,
        name=name,
        scopes=sorted(set(scopes)),
        created_by=str(by.id),
        created_at=now,
        expires_at=now + valid,
    )
    db.add(row)
    db.flush()
    audit.record(db, by, "token.granted", "token", row.id, {"owner": owner.id, "scopes": row.scopes})
    return row


def fetch(db: Session, row: ApiToken, by: StaffUser) -> str | None:
    """Return the secret to its owner, once; None when it was fetched, or is no token of this user's."""
    secret = PREFIX + secrets.token_urlsafe(32)
    mine = (ApiToken.id == row.id, ApiToken.user_id == by.id, ApiToken.token_hash.is_(None), _counts())
    taken = db.execute(update(ApiToken).where(*mine).values(token_hash=token_hash(secret)))
    if int(taken.rowcount) != 1:  # type: ignore[attr-defined]
        return None
    audit.record(db, by, "token.fetched", "token", row.id)
    return secret


def revoke(db: Session, row: ApiToken, by: StaffUser) -> None:
    """End a token for good: its owner may, and whoever manages staff."""
    if row.user_id != by.id:
        require(by, Permission.STAFF_MANAGE)
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        audit.record(db, by, "token.revoked", "token", row.id)


def listed(db: Session, owner: StaffUser | None = None) -> Sequence[ApiToken]:
    """Return the tokens of a user, or of all, the newest first."""
    rows = select(ApiToken).order_by(ApiToken.id.desc())
    return db.scalars(rows.where(ApiToken.user_id == owner.id) if owner else rows).all()


def use(db: Session, secret: str, most: int) -> ApiToken | Refused:
    """Return the token of this secret and count the call; Refused when it does not count or called `most` times.

    A refusal is returned, not raised: its count must be committed. Counted in the database, so for all processes
    together.
    """
    now = clock.now()
    minute = now.replace(second=0, microsecond=0)
    count = case((ApiToken.minute == minute, ApiToken.calls + 1), else_=1)
    counted = (
        update(ApiToken)
        .where(ApiToken.token_hash == token_hash(secret), _counts())
        .values(minute=minute, calls=count, used_at=now)
        .execution_options(synchronize_session=False)
        .returning(ApiToken.id)
    )
    row_id = db.scalar(counted)
    row = db.get(ApiToken, row_id, populate_existing=True) if row_id else None
    if row is None or not row.user.active:
        return Refused()
    if row.calls > most:
        return Refused(again=max(1, int((minute + _MINUTE - now).total_seconds())))
    return row


def require_scope(token: ApiToken, scope: Scope) -> None:
    """Raise Forbidden unless the token is for this, and its owner may do it today."""
    if scope not in token.scopes:
        raise Forbidden(Sentence("This token has not the scope %(name)s: have one granted that has it", name=scope))
    if scope not in possible(token.user):
        raise Forbidden(
            Sentence("The owner of this token may not do this any more: ask an administrator (%(name)s)", name=scope)
        )


def forget_calls(db: Session) -> int:
    """Delete answers that nobody repeats a call for any more; a job calls it."""
    gone = db.execute(delete(ApiCall).where(ApiCall.at < clock.now() - KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _counts() -> ColumnElement[bool]:
    return ApiToken.revoked_at.is_(None) & (ApiToken.expires_at > clock.now())
