"""Hand e-mails to the organisation's mail server; no session waits for it."""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.db import Database
from bot.mail.models import Mail
from bot.staff.models import StaffUser

log = structlog.get_logger(__name__)

Security = Literal["starttls", "tls", "none"]
#: How long it is tried; news of an alarm is old after it.
LIFE = timedelta(days=2)
AGAIN = timedelta(minutes=5)
#: A process that was killed in a call leaves its e-mails to the others after so long.
LEASE = timedelta(minutes=2)
AT_ONCE = 20
TIMEOUT = 20  #: seconds


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server that takes our e-mails."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    sender: str  #: the address that e-mails come from

    @contextmanager
    def opened(self) -> Iterator[smtplib.SMTP]:
        """Sign in; the certificate is checked."""
        trust = ssl.create_default_context()
        if self.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=trust)
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        with connection as opened:
            if self.security == "starttls":
                opened.starttls(context=trust)
            if self.user:
                opened.login(self.user, self.password)
            yield opened


@dataclass(frozen=True, slots=True)
class Letter:
    """One attempt."""

    mail_id: int
    message: EmailMessage


async def run(database: Database, server: Server) -> int:
    """Hand over what is due; return how many the mail server took."""
    letters = await database.run(take, server.sender)
    if not letters:
        return 0
    taken = await asyncio.to_thread(_hand_over, server, letters)
    await database.run(settle, [letter.mail_id for letter in letters], taken)
    return len(taken)


def take(db: Session, sender: str) -> list[Letter]:
    """Claim what is due, committed before the mail server is called; who left gets none."""
    now = clock.now()
    due = (
        select(Mail, StaffUser)
        .join(StaffUser, StaffUser.id == Mail.user_id)
        .where(Mail.due_at <= now)
        .order_by(Mail.due_at)
        .limit(AT_ONCE)
        .with_for_update(of=Mail, skip_locked=True)
    )
    letters = []
    for mail, user in db.execute(due):
        if not user.active or mail.at < now - LIFE:
            db.delete(mail)
            continue
        mail.due_at, mail.attempts = now + LEASE, mail.attempts + 1
        letters.append(Letter(mail.id, _written(mail, user, sender)))
    return letters


def _written(mail: Mail, user: StaffUser, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, user.email, " ".join(mail.subject.splitlines())
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.uid}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # nobody's holiday answers it
    message.set_content(mail.text)
    return message


def _hand_over(server: Server, letters: list[Letter]) -> list[int]:
    """Return which the mail server took; the address of nobody goes into the log."""
    taken: list[int] = []
    try:
        with server.opened() as connection:
            for letter in letters:
                try:
                    connection.send_message(letter.message)
                    taken.append(letter.mail_id)
                except smtplib.SMTPRecipientsRefused:
                    log.warning("the mail server refuses an address of staff", mail=letter.mail_id)
    except (smtplib.SMTPException, OSError) as error:
        log.warning("the mail server does not take e-mails", error=type(error).__name__)
    return taken


def settle(db: Session, tried: list[int], taken: list[int]) -> None:
    """Forget what was taken; the rest is tried again."""
    later: datetime = clock.now() + AGAIN
    for mail in db.scalars(select(Mail).where(Mail.id.in_(tried)).with_for_update()):
        if mail.id in taken:
            db.delete(mail)
        else:
            mail.due_at = later
