"""Both channels at an address of the test's choice."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.channels.base import Channel, Outbound
from bot.channels.telegram import TelegramChannel
from bot.channels.telegram import http as telegram_http
from bot.channels.whatsapp import WhatsAppChannel
from bot.channels.whatsapp import http as whatsapp_http
from bot.emulators.server import serve
from bot.emulators.world import World

ACCOUNT, NUMBER, PUBLIC_URL = "AC" + "0" * 32, "+15550100", "https://bot.example.org"
Opened = Callable[..., AbstractAsyncContextManager[Channel]]


class Store:
    """Remembers in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, definition: str) -> str | None:
        return self.kept.get(definition)

    async def put(self, definition: str, content_id: str) -> None:
        self.kept[definition] = content_id


def telegram(base: str, *, folder: Path = Path(), store: Store | None = None, pool: int = 8) -> TelegramChannel:
    return TelegramChannel(
        "700:secret-token", api_base=f"{base}/bot", rate=30, timeout=0.3, webhook_secret="hook", max_in_flight=pool,
        media_dir=folder, store=store or Store(),
    )  # fmt: skip


def whatsapp(base: str, *, store: Store | None = None, pool: int = 8, secondary_token: str = "") -> WhatsAppChannel:
    return WhatsAppChannel(
        ACCOUNT, "secret-token", number=NUMBER, service_sid="", public_url=PUBLIC_URL, api_base=base, rate=80,
        timeout=0.3, max_in_flight=pool, store=store or Store(),
        media_url=lambda media: f"{PUBLIC_URL}/media/1/x/{media.reference}",
        secondary_token=secondary_token,
    )  # fmt: skip


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with serve(made) as addresses:
        made.addresses = addresses  # type: ignore[attr-defined]
        yield made


@asynccontextmanager
async def opened(channel: Channel) -> AsyncIterator[Channel]:
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram_http, "CONNECT", 0.3)
    monkeypatch.setattr(whatsapp_http, "CONNECT", 0.3)


def hello(channel: Channel, text: str = "Hello", **options: object) -> Outbound:
    address = "1001" if channel.name == "telegram" else "whatsapp:+26650000001"
    return Outbound(7, address, text, **options)  # type: ignore[arg-type]
