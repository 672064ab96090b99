"""Polling on raw JSON: an update is confirmed to Telegram only after it is in our database."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.channels.base import Inbound
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.updates import ALLOWED

log = structlog.get_logger(__name__)

LONG_POLL = 25  #: seconds
PAUSE = 3.0  #: real seconds after an error


class Poller:
    """Fetches updates and hands them on, oldest first."""

    def __init__(self, channel: TelegramChannel, receive: Callable[[list[Inbound]], Awaitable[None]]) -> None:
        self._channel, self._receive = channel, receive
        self._offset = 0

    async def run(self) -> None:
        """Poll until cancelled."""
        await self._drop_webhook()
        while True:
            try:
                await self.poll()
            except InvalidToken:
                log.error("Telegram refuses the token: check OUTREACH_TELEGRAM_TOKEN")
                await asyncio.sleep(PAUSE * 10)
            except Conflict:
                log.error("another process polls this bot: stop it, or set OUTREACH_TELEGRAM_MODE=webhook")
                await asyncio.sleep(PAUSE)
            except TelegramError as error:
                log.warning("polling failed", error=type(error).__name__)
                await asyncio.sleep(PAUSE)
            except Exception as error:  # our database is away: Telegram keeps what is not confirmed
                log.error("updates not taken, asking for them again", error=type(error).__name__)
                await asyncio.sleep(PAUSE)

    async def poll(self) -> None:
        """Fetch one batch; its updates are fetched again unless `receive` returns."""
        batch = await self._channel.bot.do_api_request(
            "getupdates",  # in the name's own spelling the library insists on parsing every update itself
            api_kwargs={"offset": self._offset, "timeout": LONG_POLL, "limit": 100, "allowed_updates": ALLOWED},
            read_timeout=LONG_POLL + 10,
        )
        updates = [update for update in batch if isinstance(update, dict) and "update_id" in update]
        inbounds = [inbound for update in updates for inbound in self._channel.parse_update(update)]
        if inbounds:
            await self._receive(inbounds)
        if updates:
            self._offset = max(int(update["update_id"]) for update in updates) + 1

    async def _drop_webhook(self) -> None:
        """Polling is refused while a webhook is set; what waits there is kept."""
        try:
            await self._channel.bot.delete_webhook(drop_pending_updates=False)
        except TelegramError as error:
            log.warning("Telegram cannot be reached; trying on", error=type(error).__name__)
