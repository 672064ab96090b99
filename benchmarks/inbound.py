"""CPU from a webhook call to the committed reply, beside other bots that answer and keep nothing.

Ours goes through the whole ASGI application in this process: secret, parsing, recording, handling, encryption, the
reply in the outbox, and the commit, on disk. The others get the update's bytes, call one handler and await its reply at
a loopback server that answers at once; they neither serve HTTP nor keep anything. 32 calls at a time, one way after
the other in each round. Of PostgreSQL only our side counts; SQLite works inside the process. `encryption_ms` is the
part of our CPU in which values are encrypted, decrypted and hashed, taken in calls of their own.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select
from starlette.types import ASGIApp, Message, Scope

from benchmarks import calls, office, peer_aiogram, stub
from benchmarks.calls import update
from bot import clock, crypto, migrations
from bot.app import App
from bot.contacts import service
from bot.contacts.models import Consent, Decision, Purpose, State
from bot.db import Database
from bot.messaging.models import Handling, InboxMessage, OutboxMessage, Status
from bot.settings import Settings, shipped
from bot.surveys.models import Answer
from bot.surveys.service import publish

AT_ONCE = 32
TOKEN = "700:" + "A" * 35
SECRET = "s" * 32
ENGINES = ("sqlite", "postgresql")
FORM = "diaspora_mapping.xlsx"
#: Tried one after the other to find what each question of the form takes.
ANSWERS = ("1", "1990", "skip", "DONE", "Lesotho")


class Web:
    """The ASGI application, called as a server calls it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def post(self, call: dict[str, Any]) -> None:
        """Post one update and wait for 200."""
        body = json.dumps(call).encode()
        scope: Scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https",
            "path": "/hooks/telegram", "raw_path": b"/hooks/telegram", "root_path": "", "query_string": b"",
            "headers": [(b"x-telegram-bot-api-secret-token", SECRET.encode()), (b"content-type", b"application/json")],
            "server": ("example.org", 443), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        status = 0

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        await self._app(scope, receive, send)
        assert status == 200


@contextmanager
def installation(engine: str, members: int) -> Iterator[App]:
    """Open an installation with members and the mapping survey."""
    with tempfile.TemporaryDirectory(prefix="outreach-bench-") as folder, _url(engine) as url:
        settings = Settings(
            _env_file=None, data_dir=Path(folder), database_url=url, telegram_token=TOKEN, telegram_mode="webhook",
            telegram_webhook_secret=SECRET, public_url="https://example.org", log_level="ERROR",
        )  # type: ignore[call-arg]  # fmt: skip
        app = App(settings)
        migrations.upgrade(app.database.engine)
        with app.database.begin() as db:
            path = shipped("messages") / "surveys" / FORM
            publish(db, path.read_bytes(), FORM)
            for chat in range(1, members + 1):
                _join(db, chat)
        yield app
        app.close()


@contextmanager
def _url(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        yield ""
    else:
        with office.postgresql() as url:
            yield url


def _join(db: Any, chat: int) -> None:
    contact, _ = service.find_or_create(db, "telegram", TOKEN.partition(":")[0], str(chat))
    contact.state, contact.language, contact.origin, contact.zone = State.MEMBER, "en", "LS", "Africa/Maseru"
    contact.joined_at = clock.now()
    db.add_all(
        Consent(
            contact_id=contact.id, purpose=purpose, decision=Decision.GRANTED, wording="w", wording_hash="0" * 64,
            language="en", channel="telegram", said="yes", recorded_by="contact", at=clock.now(),
        )
        for purpose in Purpose
    )  # fmt: skip


async def all_at_once(given: list[Any], do: Callable[[Any], Awaitable[None]]) -> dict[str, float]:
    """Do all calls, 32 at a time; return CPU milliseconds a call and calls a second."""
    return await calls.all_at_once(given, do, AT_ONCE)


class TimedKeyring:
    """The keyring of this process, which notes how long it works."""

    def __init__(self, ring: crypto.Keyring) -> None:
        self._ring, self.ns = ring, 0

    def encrypt(self, value: bytes) -> bytes:
        return self._time(self._ring.encrypt, value)

    def decrypt(self, value: bytes) -> bytes:
        return self._time(self._ring.decrypt, value)

    def index(self, value: str) -> str:
        return self._time(self._ring.index, value)

    def _time(self, do: Callable[[Any], Any], value: Any) -> Any:
        began = time.thread_time_ns()
        found = do(value)
        self.ns += time.thread_time_ns() - began
        return found


async def encrypting(given: list[Any], do: Callable[[Any], Awaitable[None]]) -> float:
    """Do all calls; return the CPU milliseconds of encryption a call."""
    ring = crypto.keyring()
    timed = TimedKeyring(ring)
    crypto.use(timed)  # type: ignore[arg-type] - it does what the columns ask for
    try:
        await all_at_once(given, do)
    finally:
        crypto.use(ring)
    return timed.ns / len(given) / 1e6


def deliver(database: Database) -> None:
    """Let all replies have left: the same words again before the answer is there would count as impatience."""
    with database.begin() as db:
        db.execute(sa.update(OutboxMessage).values(status=Status.SENT))


async def script(web: Web, database: Database, chat: int, steps: int) -> list[str]:
    """Find out what the first questions of the form take, with one member."""
    await web.post(update(chat, "SURVEY"))
    found: list[str] = []
    while len(found) < steps:
        for said in ANSWERS:
            before = _count(database, Answer)
            deliver(database)
            await web.post(update(chat, said))
            if _count(database, Answer) > before:
                found.append(said)
                break
        else:
            raise LookupError(f"no answer fits question {len(found) + 1}")
    return found


def _count(database: Database, model: Any) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


async def ours(engine: str, members: int, steps: int) -> dict[str, dict[str, float]]:
    """Measure menus and survey answers of all members."""
    with installation(engine, members + 1) as app:
        web, chats = Web(app.web()), range(1, members + 1)
        *answers, last = await script(web, app.database, members + 1, steps + 1)
        await all_at_once([update(chat, "HELP") for chat in chats], web.post)  # the first call of all pays for caches
        deliver(app.database)
        menu = await all_at_once([update(chat, "MENU") for chat in chats], web.post)
        deliver(app.database)
        menu["encryption_ms"] = await encrypting([update(chat, "MENU") for chat in chats], web.post)
        await all_at_once([update(chat, "SURVEY") for chat in chats], web.post)
        before = _count(app.database, Answer)
        runs = []
        for said in answers:
            deliver(app.database)
            runs.append(await all_at_once([update(chat, said) for chat in chats], web.post))
        deliver(app.database)
        encryption = await encrypting([update(chat, last) for chat in chats], web.post)
        assert _count(app.database, Answer) - before >= members * (steps + 1), "every answer is stored"
        with app.database.read() as db:
            assert not db.scalar(select(InboxMessage.id).where(InboxMessage.handling == Handling.PARKED).limit(1))
            replies = db.scalar(select(func.count()).select_from(OutboxMessage)) or 0
        assert replies >= members * (steps + 4), "every message is answered"
    survey = {name: statistics.mean(run[name] for run in runs) for name in ("cpu_ms", "per_second")}
    return {"menu": menu, "survey": survey | {"encryption_ms": encryption}}


async def ptb(base: str, count: int) -> dict[str, float]:
    """Answer with python-telegram-bot's default Application."""
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
    from telegram.ext import Application, MessageHandler, filters

    buttons = InlineKeyboardMarkup([[InlineKeyboardButton(f"Choice {n}", callback_data=f"menu:{n}")] for n in range(6)])

    async def answer(update: Update, _context: Any) -> None:
        assert update.message is not None
        await update.message.reply_text("What would you like to do?", reply_markup=buttons)

    app = Application.builder().token(TOKEN).base_url(f"{base}/bot").updater(None).build()
    app.add_handler(MessageHandler(filters.TEXT, answer))
    for request in app.bot._request:
        await request.initialize()
    app._initialized = True  # `initialize` would ask the server who the bot is

    async def handle(body: bytes) -> None:
        await app.process_update(Update.de_json(json.loads(body), app.bot))

    found = await all_at_once([json.dumps(update(chat, "MENU")).encode() for chat in range(1, count + 1)], handle)
    for request in app.bot._request:
        await request.shutdown()
    return found


async def run(engines: list[str], base: str, members: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return the medians of all ways."""
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for engine in engines:
            for name, found in (await ours(engine, members, steps)).items():
                runs.setdefault(f"{engine}_{name}", []).append(found)
        runs.setdefault("ptb_default", []).append(await ptb(base, members))
        runs.setdefault("aiogram", []).append(peer_aiogram.measure("receive", base, members, AT_ONCE))
    return {
        name: {field: round(statistics.median(one[field] for one in found), 3) for field in found[0]}
        for name, found in runs.items()
    }


def main() -> None:
    """Print the medians, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=300)
    parser.add_argument("--steps", type=int, default=10, help="questions of the mapping survey to answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    chosen = parser.parse_args()
    engines = chosen.engine or list(ENGINES)
    with stub.serving(0) as base:
        figures = asyncio.run(run(engines, base, chosen.members, chosen.steps, chosen.rounds))
    for name, found in figures.items():
        part = f"  {found['encryption_ms']:.3f} ms of it encryption" if "encryption_ms" in found else ""
        print(f"{name:20} {found['cpu_ms']:6.2f} ms CPU  {found['per_second']:6.0f} /s{part}")
    print(json.dumps({"bench": "inbound", "at_once": AT_ONCE, "engine": engines, **figures}))


if __name__ == "__main__":
    main()
