"""Each provider is asked about itself: whether it knows us, whom it calls, and whether anybody answers there."""

import asyncio

from bot.emulators.server import Addresses, serve
from bot.emulators.world import Accounts, World
from tests.channels.conftest import ACCOUNT, opened, telegram, whatsapp

TOKEN = "700:secret-token"


async def test_telegram_says_whether_it_knows_us_whom_it_calls_and_that_nobody_answers() -> None:
    world = World(Accounts(telegram_token=TOKEN))
    async with serve(world) as at, opened(telegram(_base(at))) as channel:
        assert await channel.examine("") is None
        here, elsewhere = "http://127.0.0.1:9/hooks/telegram", "http://127.0.0.1:9/hooks/other"
        assert await channel.examine(here) == "address_other"
        await channel.set_webhook(here)
        assert await channel.examine(here) is None
        assert await channel.examine(elsewhere) == "address_other"
        await world.telegram_phone().send("Hello")
        async with asyncio.timeout(10):
            while await channel.examine(here) != "address_failing":  # noqa: ASYNC110 - an emulator calls nobody
                await asyncio.sleep(0.02)


async def test_telegram_refuses_an_old_token() -> None:
    async with serve(World()) as at, opened(telegram(_base(at))) as channel:
        assert await channel.examine("") == "token"


async def test_twilio_knows_us_or_does_not() -> None:
    async with serve(World()) as at, opened(whatsapp(at.twilio_api_base)) as channel:
        assert await channel.examine("") == "token"
    world = World(Accounts(twilio_sid=ACCOUNT, twilio_token="secret-token"))
    async with serve(world) as at, opened(whatsapp(at.twilio_api_base)) as channel:
        assert await channel.examine("") is None


def _base(at: Addresses) -> str:
    return at.telegram_api_base.removesuffix("/bot")
