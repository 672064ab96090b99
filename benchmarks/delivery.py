"""Messages a second and CPU a message of the whole delivery path, beside other ways to send the same.

All talk to one loopback server that answers after 50 ms, 64 calls at a time, one after another in each round, so that
only the ratios within a round count. Ours includes claim, consent, quiet hours, cap, rendering and settling, on disk.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select
from sqlalchemy.orm import Session
from telegram import Bot
from telegram.request import BaseRequest

from benchmarks import office, peer_aiogram, stub
from bot.channels.base import Channel, Outbound
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.db import Database
from bot.messaging.delivery import Delivery
from bot.messaging.models import IS_IN_DOUBT, IS_WAITING, OutboxMessage

AT_ONCE = 64
TOKEN = "700:bench"
TEXT = "The desk in Maseru opens on Monday. All are welcome.\n\nTo stop these messages, write STOP."
ENGINES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Figure:
    """One run."""

    per_second: float
    cpu_ms: float


class NoStore:
    """Remembers nothing: no files are sent here."""

    async def get(self, definition: str) -> str | None:
        return None

    async def put(self, definition: str, content_id: str) -> None:
        return None


def telegram(base: str, rate: float = 1e6) -> TelegramChannel:
    return TelegramChannel(
        TOKEN, api_base=f"{base}/bot", rate=rate, timeout=10, webhook_secret="", max_in_flight=AT_ONCE,
        media_dir=Path(), store=NoStore(),
    )  # fmt: skip


def whatsapp(base: str, rate: float = 1e6) -> WhatsAppChannel:
    return WhatsAppChannel(
        "AC" + "0" * 32, "token", number="+26650000000", service_sid="", public_url="https://example.org",
        api_base=base, rate=rate, timeout=10, max_in_flight=AT_ONCE, store=NoStore(),
        media_url=lambda media: media.reference,
    )  # fmt: skip


@contextmanager
def measured(count: int, into: list[Figure]) -> Iterator[None]:
    """Measure the block."""
    began, cpu = time.perf_counter(), time.process_time()
    yield
    into.append(Figure(count / (time.perf_counter() - began), (time.process_time() - cpu) / count * 1000))


async def spread(count: int, send: Callable[[], Awaitable[Any]]) -> None:
    """Send `count` messages, 64 at a time."""
    turns = iter(range(count))

    async def one() -> None:
        for _ in turns:
            await send()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def ours(database: Database, channel: Channel, count: int, into: list[Figure]) -> None:
    """Deliver a frozen broadcast to everybody."""
    office.freeze_broadcast(database, channel)
    delivery = Delivery(database, channel, office.desk(channel), AT_ONCE)
    await channel.start()
    all_called, send, called = asyncio.Event(), channel.send, itertools.count(1)

    async def counted(message: Outbound) -> str:
        if next(called) >= count:
            all_called.set()
        return await send(message)

    channel.send = counted  # type: ignore[method-assign]
    with measured(count, into):
        running = asyncio.create_task(delivery.run())
        await all_called.wait()
        while await database.query(_open):  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.01)
        delivery.stop()
        await running
    await channel.close()


def _open(db: Session) -> bool:
    """Say whether anything is left; by the small partial indexes, since this must not be measured."""
    waiting = db.scalar(select(OutboxMessage.id).where(IS_WAITING).limit(1))
    return bool(waiting or db.scalar(select(OutboxMessage.id).where(IS_IN_DOUBT).limit(1)))


async def same_client(channel: Channel, count: int, into: list[Figure]) -> None:
    """Send through our channel with no database around it."""
    address = "1001" if channel.name == "telegram" else "whatsapp:+26650000001"
    await channel.start()
    with measured(count, into):
        await spread(count, lambda: channel.send(Outbound(1, address, TEXT)))
    await channel.close()


async def bare_aiohttp(base: str, count: int, into: list[Figure]) -> None:
    """Post and parse with aiohttp alone."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def send() -> None:
            data = {"chat_id": "1001", "text": TEXT}
            async with session.post(f"{base}/bot{TOKEN}/sendMessage", data=data) as response:
                json.loads(await response.read())

        with measured(count, into):
            await spread(count, send)


async def ptb_default(base: str, count: int, into: list[Figure]) -> None:
    """Send as most bots do: python-telegram-bot with its default request."""
    await _with_bot(Bot(TOKEN, base_url=f"{base}/bot"), count, into)


async def _with_bot(bot: Bot, count: int, into: list[Figure]) -> None:
    for request in bot._request:
        await request.initialize()
    with measured(count, into):
        await spread(count, lambda: bot.send_message(1001, TEXT))
    for request in bot._request:
        await request.shutdown()


class PlainRequest(BaseRequest):
    """python-telegram-bot on aiohttp, as its users write it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return 10

    async def initialize(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))

    async def shutdown(self) -> None:
        if self._session:
            await self._session.close()

    async def do_request(self, url: str, method: str, request_data: Any = None, *_: Any, **__: Any) -> Any:
        assert self._session is not None
        data = request_data.json_parameters if request_data else None
        async with self._session.request(method, url, data=data) as response:
            return response.status, await response.read()


async def ptb_on_aiohttp(base: str, count: int, into: list[Figure]) -> None:
    """Send with python-telegram-bot on aiohttp alone."""
    await _with_bot(Bot(TOKEN, base_url=f"{base}/bot", request=PlainRequest()), count, into)


async def twilio_default(base: str, count: int, into: list[Figure]) -> None:
    """Send with twilio's own asynchronous client."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    from bot.channels.whatsapp.http import at

    class Moved(AsyncTwilioHttpClient):  # type: ignore[misc]
        async def request(self, method: str, uri: str, *args: Any, **kwargs: Any) -> Any:
            return await super().request(method, at(base, uri), *args, **kwargs)

    async with Moved() as http:
        client = Client("AC" + "0" * 32, "token", http_client=http)
        with measured(count, into):
            await spread(
                count,
                lambda: client.messages.create_async(
                    to="whatsapp:+26650000001", from_="whatsapp:+26650000000", body=TEXT
                ),
            )


async def paced(
    base: str, database: Database, make: Callable[[str, float], Channel], rate: float, count: int
) -> dict[str, float]:
    """Deliver at a cap; count what leaves in any second, and how near the average comes."""
    channel, times = make(base, rate), []
    send = channel.send

    async def noted(message: Outbound) -> str:
        times.append(time.monotonic())
        return await send(message)

    channel.send = noted  # type: ignore[method-assign]
    await ours(database, channel, count, [])
    most = max(sum(1 for other in times if at <= other < at + 1) for at in times)
    return {
        "cap": rate,
        "per_second": round((len(times) - 1) / (times[-1] - times[0]), 2),
        "most_in_a_second": most,
    }


async def run_engine(engine: str, base: str, count: int, rounds: int, seconds: int) -> dict[str, Any]:
    """Return the figures of one engine."""
    runs: dict[str, list[Figure]] = {}
    with office.database(engine) as telegram_db, office.database(engine) as whatsapp_db:
        office.add_members(telegram_db, "telegram", "700", count)
        office.add_members(whatsapp_db, "whatsapp", "+26650000000", count)
        for round in range(rounds + 1):
            if round == 1:
                runs.clear()  # the first warms everybody up
            await ours(telegram_db, telegram(base), count, runs.setdefault("telegram", []))
            await same_client(telegram(base), count, runs.setdefault("telegram_no_database", []))
            await bare_aiohttp(base, count, runs.setdefault("bare_aiohttp", []))
            await ptb_on_aiohttp(base, count, runs.setdefault("ptb_on_aiohttp", []))
            await ptb_default(base, count // 10, runs.setdefault("ptb_default", []))
            found = peer_aiogram.measure("send", base, count, AT_ONCE)
            runs.setdefault("aiogram", []).append(Figure(**found))
            await ours(whatsapp_db, whatsapp(base), count, runs.setdefault("whatsapp", []))
            await same_client(whatsapp(base), count, runs.setdefault("whatsapp_no_database", []))
            with suppress(ImportError):
                await twilio_default(base, count, runs.setdefault("twilio_default", []))
    return _figures(runs) | {"paced": await _paces(engine, base, seconds)}


async def _paces(engine: str, base: str, seconds: int) -> list[dict[str, float]]:
    found = []
    for make, channel, sender, rate in (
        (telegram, "telegram", "700", 30),
        (whatsapp, "whatsapp", "+26650000000", 80),
    ):
        with office.database(engine) as database:
            office.add_members(database, channel, sender, rate * seconds)
            found.append(await paced(base, database, make, rate, rate * seconds))
    return found


def _figures(runs: dict[str, list[Figure]]) -> dict[str, Any]:
    def ratio(one: str, other: str, field: str) -> float | None:
        pairs = zip(runs[one], runs[other], strict=True)
        found = [getattr(a, field) / getattr(b, field) for a, b in pairs]
        return round(statistics.median(found), 2) if found else None

    medians = {
        name: {
            "per_second": round(statistics.median(run.per_second for run in found)),
            "cpu_ms": round(statistics.median(run.cpu_ms for run in found), 3),
        }
        for name, found in runs.items()
        if found
    }
    beyond = [a.cpu_ms - b.cpu_ms for a, b in zip(runs["whatsapp"], runs["twilio_default"], strict=True)]
    return {
        "ratio_to_no_database": ratio("telegram", "telegram_no_database", "per_second"),
        "cpu_ms": medians["telegram"]["cpu_ms"],
        "cpu_ratio_to_ptb_default": ratio("telegram", "ptb_default", "cpu_ms"),
        "cpu_ratio_to_ptb_aiohttp": ratio("telegram", "ptb_on_aiohttp", "cpu_ms"),
        "whatsapp_ratio_to_no_database": ratio("whatsapp", "whatsapp_no_database", "per_second"),
        "whatsapp_cpu_ms": medians["whatsapp"]["cpu_ms"],
        "whatsapp_cpu_ms_beyond_twilio": round(statistics.median(beyond), 3),
        "runs": medians,
    }


def main() -> None:
    """Print the medians, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2500, help="messages a run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6, help="of each paced run")
    parser.add_argument("--engine", choices=ENGINES, action="append")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    with stub.serving(0.05) as base:
        for engine in chosen.engine or ENGINES:
            figures[engine] = asyncio.run(run_engine(engine, base, chosen.count, chosen.rounds, chosen.seconds))
    for engine, found in figures.items():
        for name, run in found.pop("runs").items():
            print(f"{engine:11} {name:22} {run['per_second']:6} /s  {run['cpu_ms']:.3f} ms CPU")
    print(json.dumps({"bench": "delivery", "engine": figures}))


if __name__ == "__main__":
    main()
