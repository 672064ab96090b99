"""Alarms reach administrators by e-mail through a mail server that is really spoken to."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import select

from bot import clock
from bot.content import Content
from bot.conversations import alarms
from bot.db import Database
from bot.demo.stage import free_port
from bot.mail import posting
from bot.mail.models import Mail
from bot.messaging import pacing
from bot.staff.models import Role, StaffUser
from tests.broadcasts.conftest import add_staff
from tests.certificates import Made

SENDER = "Diaspora Outreach <bot@example.org>"


@dataclass
class Post:
    """The organisation's mail server."""

    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: object, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append((list(envelope.rcpt_tos), message_from_bytes(content, policy=policy.default)))
        return "250 OK"


def _admit(server: object, session: Session, envelope: Envelope, mechanism: str, login: object) -> AuthResult:
    assert isinstance(login, LoginPassword)
    return AuthResult(success=login.login == b"bot" and login.password == b"secret")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def server(post: Post, made: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[posting.Server]:
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    monkeypatch.setattr(posting, "TIMEOUT", 2)  # this server does not answer the leave of who may not come in
    encrypted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    encrypted.load_cert_chain(made.certificate, made.key)
    controller = Controller(
        post,
        hostname="127.0.0.1",
        port=free_port(0),
        tls_context=encrypted,
        require_starttls=True,
        auth_required=True,
        authenticator=_admit,
    )
    controller.start()
    yield posting.Server("localhost", controller.port, "starttls", "bot", "secret", SENDER)
    controller.stop()


@pytest.fixture
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


def sound(database: Database, content: Content) -> None:
    with database.begin() as db:
        alarms.sound(db, content, None, by_mail=True)


def stop_a_sender(database: Database) -> None:
    with database.begin() as db:
        pacing.pause(pacing.lock(db, "telegram:700"), clock.now() + timedelta(days=9), "401")


async def test_an_alarm_comes_once_in_the_readers_language_and_its_end_too(
    database: Database, content: Content, server: posting.Server, post: Post, frozen: object
) -> None:
    with database.begin() as db:
        add_staff(db, Role.ADMINISTRATOR, "a@example.org").language = "fr"
        add_staff(db, Role.EDITOR, "e@example.org")
        add_staff(db, Role.ADMINISTRATOR, "gone@example.org").active = False
    stop_a_sender(database)
    for _ in range(3):
        sound(database, content)
        clock.advance(alarms.PATIENCE)
    assert await posting.run(database, server) == 1
    assert await posting.run(database, server) == 0
    with database.begin() as db:
        pacing.lock(db, "telegram:700").paused_until = None
    sound(database, content)
    await posting.run(database, server)
    (to, first), (_, last) = post.letters
    assert to == ["a@example.org"]
    assert first["From"] == SENDER
    assert first["Subject"] == "Alarme\u00a0: un expéditeur était arrêté"
    assert "telegram 700" in first.get_content()
    assert "401" in first.get_content()
    assert last["Subject"] == "Terminé\u00a0: un expéditeur était arrêté"
    assert first["Message-ID"] != last["Message-ID"]
    with database.begin() as db:
        assert db.scalars(select(Mail)).all() == []


async def test_what_the_mail_server_does_not_take_is_tried_again_for_two_days(
    database: Database, content: Content, server: posting.Server, post: Post, frozen: object
) -> None:
    with database.begin() as db:
        add_staff(db, Role.ADMINISTRATOR, "a@example.org")
        add_staff(db, Role.ADMINISTRATOR, "b@example.org")
    stop_a_sender(database)
    sound(database, content)
    clock.advance(alarms.PATIENCE)
    sound(database, content)
    assert await posting.run(database, replace(server, password="wrong")) == 0
    assert await posting.run(database, server) == 0, "not at once again"
    clock.advance(posting.AGAIN)
    post.refused = {"a@example.org"}
    assert await posting.run(database, server) == 1
    clock.advance(posting.AGAIN)
    post.refused = set()
    assert await posting.run(database, server) == 1
    assert [to for to, _ in post.letters] == [["b@example.org"], ["a@example.org"]]
    stop = clock.now() + timedelta(days=1)
    clock.move_to(stop)
    sound(database, content)
    clock.advance(posting.LIFE + timedelta(seconds=1))
    assert await posting.run(database, server) == 0, "news of two days ago is none"


async def test_a_mail_server_with_another_certificate_gets_nothing(
    database: Database, server: posting.Server, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.begin() as db:
        user: StaffUser = add_staff(db, Role.ADMINISTRATOR, "a@example.org")
        posting_time = clock.now()
        db.add(Mail(user_id=user.id, uid="1", subject="Alarm", text="-", at=posting_time, due_at=posting_time))
    monkeypatch.delenv("SSL_CERT_FILE")
    assert await posting.run(database, server) == 0
    assert post.letters == []
