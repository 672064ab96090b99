"""Signing in and out of the console: throttled, in the database, revocable at any time."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import clock
from bot.staff import audit, passwords, second_factor
from bot.staff.models import Awaits, Role, SignInFailures, StaffSession, StaffUser
from bot.staff.service import email_index, find, token_hash

VALID = timedelta(hours=12)
IDLE = timedelta(hours=2)
#: How long the second factor may take after the password.
HALF = timedelta(minutes=15)
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


def sign_in(db: Session, email: str, password: str, demanding: Collection[Role] = ()) -> SignedIn | Denied:
    """Open a session; it awaits the second factor of who has one, or must (`demanding` roles) have one.

    A refusal is returned, not raised: its count must be committed.
    """
    failures = _failures(db, email_index(email))
    wait_until = _wait_until(failures)
    if wait_until and wait_until > clock.now():
        return Denied(wait_until)
    user = find(db, email)
    if not passwords.matches(user.password_hash if user else None, password) or user is None or not user.active:
        return _refuse(db, failures, user)
    if user.password_hash and passwords.outdated(user.password_hash):
        user.password_hash = passwords.hashed(password)
    if user.totp_secret:
        return _open(db, user, Awaits.CODE)  # failures stay: a known password gives no new tries at the code
    db.delete(failures)
    if user.role in demanding:
        return _open(db, user, Awaits.FACTOR)
    return complete(db, user)


def confirm(db: Session, half: StaffSession, code: str) -> SignedIn | Denied:
    """Put a session that awaits a code in full force, under a new token; tries are counted with the password's."""
    user = db.get_one(StaffUser, half.user_id)
    failures = _failures(db, user.email_hash)
    wait_until = _wait_until(failures)
    if wait_until and wait_until > clock.now():
        return Denied(wait_until)
    if not second_factor.check(db, user, code):
        return _refuse(db, failures, user)
    db.delete(failures)
    db.execute(delete(StaffSession).where(StaffSession.id == half.id))
    return complete(db, user)


def complete(db: Session, user: StaffUser, by: str = "password") -> SignedIn:
    """Open a session in full force for somebody whose identity is proven; `by` says how."""
    opened = _open(db, user)
    audit.record(db, user, "staff.signed_in", "staff", user.id, {"by": by})
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


def _open(db: Session, user: StaffUser, awaits: Awaits | None = None) -> SignedIn:
    token, now = secrets.token_urlsafe(32), clock.now()
    session = StaffSession(
        token_hash=token_hash(token),
        user=user,
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=now + (HALF if awaits else VALID),
        seen_at=now,
        awaits=awaits,
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


def of_user(db: Session, user: StaffUser) -> list[StaffSession]:
    """Return the user's open sessions, the newest first."""
    open_ones = (StaffSession.expires_at > clock.now(), StaffSession.seen_at > clock.now() - IDLE)
    rows = select(StaffSession).where(StaffSession.user_id == user.id, *open_ones)
    return list(db.scalars(rows.order_by(StaffSession.id.desc())))


def sign_out_others(db: Session, session: StaffSession) -> int:
    """Close every session of the user but this one; return how many."""
    others = delete(StaffSession).where(StaffSession.user_id == session.user_id, StaffSession.id != session.id)
    closed = int(db.execute(others).rowcount)  # type: ignore[attr-defined]
    audit.record(db, session.user, "staff.signed_out_elsewhere", "staff", session.user_id, {"sessions": closed})
    return closed


def sign_out(db: Session, session: StaffSession) -> None:
    """Close a session."""
    db.execute(delete(StaffSession).where(StaffSession.id == session.id))
    audit.record(db, session.user, "staff.signed_out", "staff", session.user_id)


def close_old(db: Session) -> int:
    """Delete sessions that have ended; a job calls it. Return how many."""
    now = clock.now()
    ended = (StaffSession.expires_at <= now) | (StaffSession.seen_at <= now - IDLE)
    return int(db.execute(delete(StaffSession).where(ended)).rowcount)  # type: ignore[attr-defined]
