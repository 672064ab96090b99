"""The second factor: codes of an authenticator app (TOTP), each once, and recovery codes for a lost phone."""

import hmac
import secrets

import pyotp
from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from bot import clock
from bot.staff import audit
from bot.staff.models import RecoveryCode, StaffUser

ISSUER = "Diaspora Outreach"
RECOVERY_CODES = 10
#: Steps of 30 seconds by which a phone's clock may be off.
_SKEW = 1
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def begin(db: Session, user: StaffUser) -> str:
    """Return the address that an authenticator app reads; the secret counts from the first code on."""
    kept = db.get_one(StaffUser, user.id)
    kept.totp_pending = kept.totp_pending or pyotp.random_base32()
    return pyotp.TOTP(kept.totp_pending).provisioning_uri(name=kept.email, issuer_name=ISSUER)


def enrol(db: Session, user: StaffUser, code: str) -> list[str] | None:
    """Make the begun secret the second factor when the code is its; return recovery codes, which are kept hashed."""
    kept = db.get_one(StaffUser, user.id, with_for_update=True)
    step = _step(kept.totp_pending, code)
    if step is None:
        return None
    kept.totp_secret, kept.totp_pending, kept.totp_step = kept.totp_pending, None, step
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == kept.id))
    codes = ["-".join(_word() for _ in range(3)) for _ in range(RECOVERY_CODES)]
    db.add_all(RecoveryCode(user_id=kept.id, code_hash=_hash(kept.id, one)) for one in codes)
    audit.record(db, kept, "staff.second_factor_added", "staff", kept.id)
    return codes


def check(db: Session, user: StaffUser, code: str) -> bool:
    """Tell whether the code is the user's, and use it up: a code that was seen before is refused."""
    step = _step(user.totp_secret, code)
    if step is not None:
        unused = or_(StaffUser.totp_step.is_(None), StaffUser.totp_step < step)
        spend = update(StaffUser).where(StaffUser.id == user.id, unused).values(totp_step=step)
        return int(db.execute(spend).rowcount) == 1  # type: ignore[attr-defined]
    mine = (RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hash(user.id, code))
    if int(db.execute(delete(RecoveryCode).where(*mine)).rowcount) != 1:  # type: ignore[attr-defined]
        return False
    audit.record(db, user, "staff.recovery_code_used", "staff", user.id)
    return True


def remove(db: Session, user: StaffUser) -> None:
    """Take the second factor away."""
    user.totp_secret = user.totp_pending = user.totp_step = None
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _step(secret: str | None, code: str) -> int | None:
    """Return which step of time the code belongs to, or None when it is none of now."""
    digits = code.replace(" ", "")
    if secret is None or not (digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    now = int(clock.now().timestamp()) // totp.interval
    return next(
        (step for step in range(now - _SKEW, now + _SKEW + 1) if hmac.compare_digest(totp.generate_otp(step), digits)),
        None,
    )


def _word() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


def _hash(user_id: int, code: str) -> str:
    # 75 random bits need no slow hash.
    plain = code.strip().lower().replace(" ", "-")
    return hmac.digest(str(user_id).encode(), plain.encode(), "sha256").hex()
