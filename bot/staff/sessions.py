"""Signing in and out of the console: throttled, in the database, revocable at any time."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import clock
from bot.staff import audit, passwords
from bot.staff.models import SignInFailures, StaffSession, StaffUser
from bot.staff.service import email_index, find, token_hash

VALID = timedelta(hours=12)
IDLE = timedelta(hours=2)
FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGET = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; `token` goes into the cookie and is stored nowhere."""

    token: str
    session: StaffSession


@dataclass(frozen=True, slots=True)
class Denied:
    """Wrong address or password, which of them is not said; or too many tries until `wait_until`."""

    wait_until: datetime | None = None


def sign_in(db: Session, email: str, password: str) -> SignedIn | Denied:
    """Open a session. A refusal is returned, not raised: its count must be committed."""
    failures = _failures(db, email_index(email))
    wait_until = _wait_until(failures)
    if wait_until and wait_until > clock.now():
        return Denied(wait_until)
    user = find(db, email)
    if not passwords.matches(user.password_hash if user else None, password) or user is None or not user.active:
        return _refuse(db, failures, user)
    if user.password_hash and passwords.outdated(user.password_hash):
        user.password_hash = passwords.hashed(password)
    db.delete(failures)
    opened = _open(db, user)
    audit.record(db, user, "staff.signed_in", "staff", user.id)
    return opened


def _failures(db: Session, email_hash: str) -> SignInFailures:
    """Return the row of this address, locked: tries at the same time take turns."""
    now = clock.now()
    db.execute(delete(SignInFailures).where(SignInFailures.last_at < now - FORGET))
    try:
        with db.begin_nested():
            db.add(SignInFailures(email_hash=email_hash, failures=0, last_at=now))
    except IntegrityError:
        pass  # it is there already
    statement = select(SignInFailures).where(SignInFailures.email_hash == email_hash).with_for_update()
    return db.scalars(statement.execution_options(populate_existing=True)).one()


def _wait_until(row: SignInFailures) -> datetime | None:
    if row.failures < FREE_TRIES:
        return None
    wait: timedelta = FIRST_WAIT * 2 ** min(row.failures - FREE_TRIES, 10)
    return row.last_at + min(wait, LONGEST_WAIT)


def _refuse(db: Session, row: SignInFailures, user: StaffUser | None) -> Denied:
    row.failures += 1
    row.last_at = clock.now()
    db.flush()
    if user and row.failures == FREE_TRIES:
        audit.record(db, None, "staff.sign_in_throttled", "staff", user.id)
    return Denied(_wait_until(row))


def _open(db: Session, user: StaffUser) -> SignedIn:
    token, now = secrets.token_urlsafe(32), clock.now()
    session = StaffSession(
        token_hash=token_hash(token),
        user=user,
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=now + VALID,
        seen_at=now,
    )
    db.add(session)
    db.flush()
    return SignedIn(token, session)


def find_session(db: Session, token: str) -> StaffSession | None:
    """Return the open session of this token, with its user; reads only."""
    now = clock.now()
    return db.scalars(
        select(StaffSession)
        .join(StaffSession.user)
        .where(
            StaffSession.token_hash == token_hash(token),
            StaffSession.expires_at > now,
            StaffSession.seen_at > now - IDLE,
            StaffUser.active,
        )
    ).one_or_none()


def touch(db: Session, session_id: int) -> None:
    """Note that a session is in use; without it a session ends after IDLE."""
    db.execute(update(StaffSession).where(StaffSession.id == session_id).values(seen_at=clock.now()))


def sign_out(db: Session, session: StaffSession) -> None:
    """Close a session."""
    db.execute(delete(StaffSession).where(StaffSession.id == session.id))
    audit.record(db, session.user, "staff.signed_out", "staff", session.user_id)


def close_old(db: Session) -> int:
    """Delete sessions that have ended; a job calls it. Return how many."""
    now = clock.now()
    ended = (StaffSession.expires_at <= now) | (StaffSession.seen_at <= now - IDLE)
    return int(db.execute(delete(StaffSession).where(ended)).rowcount)  # type: ignore[attr-defined]
