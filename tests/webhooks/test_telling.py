"""A receiver on the loopback address: it checks signatures by the book, fails, leads elsewhere, says no more."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.content import Content
from bot.conversations import alarms
from bot.db import Database
from bot.staff.models import AuditEntry, Role, StaffUser
from bot.staff.roles import Forbidden
from bot.webhooks import addresses, service, telling
from bot.webhooks.models import CallStatus, Kind, Webhook, WebhookCall
from tests.broadcasts.conftest import add_staff

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Receiver:
    """A program that is told."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)

    def verified(self, secret: str) -> list[bool]:
        """Check each call as the scheme says: the HMAC of id, time and body is among the signatures."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        found = []
        for headers, body in self.calls:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}".encode()
            mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
            found.append(f"v1,{mark}" in headers["webhook-signature"].split(" "))
        return found


@pytest.fixture
async def receiver(frozen: datetime) -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/told?key=1"
    yield made
    await runner.cleanup()


_emails = (f"{number}@example.org" for number in count())


def staff(db: Session, role: Role = Role.ADMINISTRATOR) -> StaffUser:
    return add_staff(db, role, next(_emails))


def registered(database: Database, url: str, *kinds: Kind) -> Webhook:
    with database.begin() as db:
        return service.register(db, staff(db), url, kinds or list(Kind), private=True)


def happen(database: Database, kind: Kind = Kind.EXPORT_READY, **facts: object) -> None:
    with database.begin() as db:
        service.emit(db, kind, facts)


def calls(database: Database) -> list[WebhookCall]:
    with database.read() as db:
        return list(db.scalars(select(WebhookCall).order_by(WebhookCall.id)))


async def test_what_happens_is_told_once_and_signed(database: Database, receiver: Receiver) -> None:
    hook = registered(database, receiver.url, Kind.EXPORT_READY)
    happen(database, Kind.ALARM_RAISED, alarm="late")  # nobody asked for it
    happen(database, export=7)
    assert await telling.run(database, private=True) == 1
    assert await telling.run(database, private=True) == 0
    [(headers, body)] = receiver.calls
    assert json.loads(body) == {"type": "export.ready", "timestamp": clock.now().isoformat(), "data": {"export": 7}}
    assert headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    assert receiver.verified(hook.secret) == [True]
    assert receiver.verified("whsec_" + base64.b64encode(b"another").decode()) == [False]
    [call] = calls(database)
    assert (call.status, call.answer, call.attempts, call.due_at) == (CallStatus.DONE, "204", 1, None)


async def test_a_failure_is_tried_again_with_the_same_id_ever_later_and_then_given_up(
    database: Database, receiver: Receiver
) -> None:
    hook = registered(database, receiver.url)
    happen(database)
    receiver.status = 500
    waits = []
    while (due := calls(database)[0].due_at) is not None:
        waits.append(due - clock.now())
        clock.move_to(due)
        await telling.run(database, private=True)
    assert len({headers["webhook-id"] for headers, _ in receiver.calls}) == 1
    assert len(receiver.calls) == len(waits) <= len(telling.PAUSES) + 1
    assert waits == sorted(waits)
    assert all(receiver.verified(hook.secret))
    with database.read() as db:
        row = db.get_one(Webhook, hook.id)
        assert row.disabled_at is not None  # it failed for three days
        assert "webhook.switched_off" in db.scalars(select(AuditEntry.action)).all()
    happen(database)
    assert len(calls(database)) == 1

    with database.begin() as db:
        row = db.get_one(Webhook, hook.id)
        service.switch(db, row, True, staff(db))
        service.test(db, row, staff(db))
    receiver.status = 200
    await telling.run(database, private=True)
    assert [call.status for call in calls(database)] == [CallStatus.FAILED, CallStatus.DONE]


@SQLITE
async def test_a_process_that_is_killed_in_a_call_leaves_it_to_the_next(database: Database, receiver: Receiver) -> None:
    registered(database, receiver.url)
    happen(database)
    with database.begin() as db:
        assert len(telling.take(db)) == 1
        assert telling.take(db) == []
    clock.advance(telling.LEASE)
    assert await telling.run(database, private=True) == 1
    assert [call.attempts for call in calls(database)] == [2]


@SQLITE
async def test_a_receiver_changes_over_to_a_new_secret_without_losing_a_call(
    database: Database, receiver: Receiver
) -> None:
    hook = registered(database, receiver.url)
    with database.begin() as db:
        new = service.rotate(db, db.get_one(Webhook, hook.id), staff(db))
    happen(database)
    await telling.run(database, private=True)
    clock.advance(service.OVERLAP)
    happen(database)
    await telling.run(database, private=True)
    assert receiver.verified(hook.secret) == [True, False]
    assert receiver.verified(new) == [True, True]


@SQLITE
async def test_who_says_gone_is_called_no_more_and_administrators_hear_of_it(
    database: Database, receiver: Receiver, messages_dir: Path
) -> None:
    hook = registered(database, receiver.url)
    receiver.status = 410
    happen(database)
    happen(database)
    await telling.run(database, private=True)
    happen(database)
    assert [call.status for call in calls(database)] == [CallStatus.FAILED] * 2
    with database.read() as db:
        assert [name for name, _ in alarms.conditions(db, None)] == [f"webhook:{hook.id}"]
    content = Content.load(messages_dir)
    for _ in range(2):
        clock.advance(alarms.PATIENCE)
        with database.begin() as db:
            alarms.sound(db, content, None)


@SQLITE
async def test_nobody_is_led_to_another_address(database: Database, receiver: Receiver) -> None:
    registered(database, receiver.url)
    receiver.status, receiver.headers = 302, {"Location": receiver.url.replace("told", "secret")}
    happen(database)
    await telling.run(database, private=True)
    assert len(receiver.calls) == 1
    assert [(call.status, call.answer) for call in calls(database)] == [(CallStatus.WAITING, "302")]


@SQLITE
async def test_an_address_of_our_own_network_is_not_called(database: Database, receiver: Receiver) -> None:
    """Neither by its number nor by a name that leads there, whatever was registered before."""
    registered(database, receiver.url)
    port = receiver.url.split(":")[2]
    registered(database, f"https://localhost.localdomain.example:{port.partition('/')[0]}/")
    with database.begin() as db:
        for row in db.scalars(select(Webhook)):
            row.url = row.url.replace("http://", "https://")
    happen(database)
    await telling.run(database, private=False)
    assert receiver.calls == []
    assert "not a public address" in [call.answer for call in calls(database)]
    resolver = addresses.public_resolver()
    with pytest.raises(OSError, match="no public address"):
        await resolver.resolve("localhost", 443)
    await resolver.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://user@example.org/",
        "https://127.0.0.1/",
        "https://10.1.2.3:8080/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://localhost/",
        "https://printer.local/",
        "https://intranet/",
        "https://example.org\\@10.0.0.1/",
        "https://example.org#@10.0.0.1/",
        "https://example.org:99999/",
        "https://example.org/ a",
        "file:///etc/passwd",
        "https://example.org/" + "x" * 500,
        "",
    ],
)
def test_what_is_no_public_address_is_not_registered(url: str) -> None:
    with pytest.raises(service.NotRegistered):
        service.check(url, private=False)
    service.check("https://hooks.example.org:8443/a/b?c=d%20e", private=False)


PRIVATE = (
    "10.0.0.1 100.64.0.1 0.0.0.0 224.0.0.1 192.0.2.1 ::1 fd00::1 fe80::1%eth0 "
    "::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1:: 2001:0:a00:1::"
)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_stands_for_a_private_one_is_not_public(address: str) -> None:
    assert not addresses.is_public(address)
    assert addresses.is_public("93.184.216.34")
    assert addresses.is_public("2606:2800:220:1:248:1893:25c8:1946")


@SQLITE
def test_only_administrators_register_and_no_more_than_can_be_looked_through(database: Database) -> None:
    with database.begin() as db:
        with pytest.raises(Forbidden):
            service.register(db, staff(db, Role.EDITOR), "https://example.org/", [Kind.EXPORT_READY])
        by = staff(db)
        with pytest.raises(service.NotRegistered):
            service.register(db, by, "https://example.org/", [Kind.TEST])
        for _ in range(service.MOST):
            service.register(db, by, "https://example.org/", [Kind.EXPORT_READY])
        with pytest.raises(service.NotRegistered):
            service.register(db, by, "https://example.org/", [Kind.EXPORT_READY])


@SQLITE
def test_the_log_forgets_what_is_over(database: Database, frozen: datetime) -> None:
    registered(database, "https://example.org/")
    happen(database)
    with database.begin() as db:
        clock.advance(timedelta(days=service.KEPT.days + 1))
        assert service.forget(db) == 0  # it is still owed
        service.disable(db, db.scalars(select(Webhook)).one())
        assert service.forget(db) == 1
