"""What can be done with staff users: add, invite, sign in and out, change, close."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.sentences import Sentence
from bot.staff import audit, passwords, second_factor
from bot.staff.models import Role, StaffSession, StaffUser

LINK_VALID = timedelta(days=2)


class AlreadyStaff(Exception):
    """Somebody with this e-mail address is there already."""


class LastAdministrator(Exception):
    """Without an active administrator nobody could add one."""


def add(
    db: Session, email: str, name: str, role: Role, *, password: str | None = None, by: StaffUser | None = None
) -> tuple[StaffUser, str | None]:
    """Add a user; without a password, also return the token of a one-time link to set one."""
    if find(db, email):
        raise AlreadyStaff(Sentence("A staff user with this e-mail address exists: change that one"))
    user = StaffUser(
        email=email.strip(),
        email_hash=email_index(email),
        name=name,
        role=role,
        active=True,
        password_hash=passwords.hashed(password) if password else None,
        created_at=clock.now(),
    )
    db.add(user)
    db.flush()
    token = None if password else _new_link(user)
    audit.record(db, by, "staff.added", "staff", user.id, {"role": role})
    return user, token


def email_index(email: str) -> str:
    """Return the keyed hash under which an e-mail address is found."""
    return crypto.index(email.strip().casefold())


def find(db: Session, email: str) -> StaffUser | None:
    """Return the user with this e-mail address."""
    return db.scalars(select(StaffUser).where(StaffUser.email_hash == email_index(email))).one_or_none()


def invite(db: Session, user: StaffUser, by: StaffUser | None) -> str:
    """Return the token of a new one-time link; earlier links stop working."""
    token = _new_link(user)
    audit.record(db, by, "staff.invited", "staff", user.id)
    return token


def _new_link(user: StaffUser) -> str:
    token = secrets.token_urlsafe(32)
    user.link_hash, user.link_expires_at = token_hash(token), clock.now() + LINK_VALID
    return token


def token_hash(token: str) -> str:
    """Return what is stored of a random token: enough to know it again, not to use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def user_of_link(db: Session, token: str) -> StaffUser | None:
    """Return whose one-time link this is, while it is valid."""
    return db.scalars(
        select(StaffUser).where(
            StaffUser.link_hash == token_hash(token), StaffUser.link_expires_at > clock.now(), StaffUser.active
        )
    ).one_or_none()


def accept_link(db: Session, token: str, password: str) -> StaffUser | None:
    """Set the password of whoever holds the link, once; None when the link is used, old or unknown."""
    user = user_of_link(db, token)
    if user is None:
        return None
    user.password_hash = passwords.hashed(password)
    user.link_hash = user.link_expires_at = None
    sign_out_everywhere(db, user)
    audit.record(db, user, "staff.password_set", "staff", user.id)
    return user


def set_role(db: Session, user: StaffUser, role: Role, by: StaffUser | None) -> None:
    """Change what a user is there for; it holds from the next page on."""
    if role != Role.ADMINISTRATOR:
        _keep_an_administrator(db, user)
    before, user.role = user.role, role
    audit.record(db, by, "staff.role_changed", "staff", user.id, {"from": before, "to": role})


def set_active(db: Session, user: StaffUser, active: bool, by: StaffUser | None) -> None:
    """Open or close a user; closing signs out everywhere."""
    if not active:
        _keep_an_administrator(db, user)
        sign_out_everywhere(db, user)
    user.active = active
    audit.record(db, by, "staff.opened" if active else "staff.closed", "staff", user.id)


def _keep_an_administrator(db: Session, user: StaffUser) -> None:
    others = select(func.count()).where(StaffUser.role == Role.ADMINISTRATOR, StaffUser.active, StaffUser.id != user.id)
    if user.role == Role.ADMINISTRATOR and not db.scalar(others):
        raise LastAdministrator(Sentence("This is the last active administrator: make another one first"))


def reset_second_factor(db: Session, user: StaffUser, by: StaffUser | None) -> None:
    """Take away a lost second factor; the user signs out everywhere, and enrols anew where the role demands it."""
    second_factor.remove(db, user)
    sign_out_everywhere(db, user)
    audit.record(db, by, "staff.second_factor_reset", "staff", user.id)


def sign_out_everywhere(db: Session, user: StaffUser) -> None:
    """Close every session of the user, on every browser."""
    db.execute(delete(StaffSession).where(StaffSession.user_id == user.id))
