"""Owe an e-mail to somebody who works here."""

import secrets

from sqlalchemy.orm import Session

from bot import clock
from bot.mail.models import Mail
from bot.staff.models import StaffUser


def queue(db: Session, user: StaffUser, subject: str, text: str) -> None:
    """Owe an e-mail; it must not be about a person."""
    now = clock.now()
    db.add(Mail(user_id=user.id, uid=secrets.token_hex(16), subject=subject[:200], text=text, at=now, due_at=now))
