"""The updates of one bot: waiting to be polled, or on their way to the webhook."""

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import clock
from bot.emulators.background import Background, Queues
from bot.emulators.faults import Faults, Kind
from bot.emulators.phone import Phone, PhoneMessage
from bot.emulators.telegram_errors import TelegramError
from bot.emulators.webhooks import Webhooks

FIRST_UPDATE_ID = 700_000_001
LONGEST_PAUSE = 60.0
WEBHOOK_IS_SET = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


@dataclass(slots=True, eq=False)
class Update:
    """One update; those of one `queue` stay in order."""

    kind: str
    body: dict[str, Any]
    queue: str
    phone: Phone
    lifetime: timedelta
    message: PhoneMessage | None = None
    id: int = 0
    created_at: datetime = field(default_factory=clock.now)

    def as_json(self) -> dict[str, Any]:
        """Return the update as the bot gets it."""
        return {"update_id": self.id, self.kind: self.body}

    def taken(self) -> None:
        """Tell the phone that the bot has it."""
        if self.message:
            self.phone.tick(self.message)


@dataclass(slots=True)
class Webhook:
    """Where the bot wants its updates."""

    url: str
    secret_token: str = ""
    max_connections: int = 40


class Updates:
    """Number updates and hand them out, by long poll or webhook but never by both."""

    def __init__(self, background: Background, webhooks: Webhooks, faults: Faults) -> None:
        self.webhook: Webhook | None = None
        self.allowed: frozenset[str] = frozenset()
        self.last_error: tuple[datetime, str] | None = None
        self._background, self._webhooks, self._faults = background, webhooks, faults
        self._next_id = FIRST_UPDATE_ID
        self._pending: deque[Update] = deque()
        self._queues: Queues[Update] = Queues(background, self._deliver)
        self._slots = asyncio.Semaphore(40)
        self._poller: asyncio.Future[None] | None = None
        self._held: dict[str, Update] = {}

    def __len__(self) -> int:
        return len(self._pending) + len(self._queues)

    def push(self, update: Update) -> None:
        """Take a new update in, unless the bot does not want its kind."""
        if self.allowed and update.kind not in self.allowed:
            return
        key = update.phone.key
        if fault := self._faults.take(key, Kind.REORDER_UPDATES):
            self._held[key] = update
            self._background.spawn(self._release_after(key, fault.seconds))
            return
        self._enqueue(update)
        if self._faults.take(key, Kind.DUPLICATE_UPDATE):
            self._hand_out(update)
        self._release(key)

    def _enqueue(self, update: Update) -> None:
        update.id = self._next_id
        self._next_id += 1
        self._hand_out(update)

    def _hand_out(self, update: Update) -> None:
        if self.webhook:
            self._queues.put(update.queue, update)
            return
        self._pending.append(update)
        if self._poller and not self._poller.done():
            self._poller.set_result(None)

    def _release(self, key: str) -> None:
        if held := self._held.pop(key, None):
            self._enqueue(held)

    async def _release_after(self, key: str, seconds: float) -> None:
        await clock.sleep(seconds)
        self._release(key)

    async def poll(self, offset: int, limit: int, timeout_seconds: float) -> list[dict[str, Any]]:
        """Confirm what is below `offset` and return the next updates, waiting for one if need be."""
        if self.webhook:
            raise TelegramError(409, WEBHOOK_IS_SET)
        self._oust_poller("other getUpdates request; make sure that only one bot instance is running")
        self._confirm(offset)
        if not self._pending:
            await self._wait_for_update(timeout_seconds)
        return [update.as_json() for update, _ in zip(self._pending, range(limit), strict=False)]

    def _confirm(self, offset: int) -> None:
        if offset < 0 and self._pending:
            offset = self._pending[max(0, len(self._pending) + offset)].id
        while self._pending and self._pending[0].id < offset:
            self._pending.popleft().taken()

    async def _wait_for_update(self, timeout_seconds: float) -> None:
        self._poller = mine = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_seconds):
                await mine
        except TimeoutError:
            return
        finally:
            if self._poller is mine:
                self._poller = None

    def _oust_poller(self, by: str) -> None:
        if self._poller and not self._poller.done():
            self._poller.set_exception(TelegramError(409, f"Conflict: terminated by {by}"))

    def close(self) -> None:
        """Let the poller go home."""
        if self._poller and not self._poller.done():
            self._poller.set_result(None)

    def set_webhook(self, webhook: Webhook) -> None:
        """Send updates to a URL from now on, waiting ones included."""
        _check_webhook(webhook)
        self._oust_poller("setWebhook request")
        waiting = self._drop_all()
        self.webhook, self.last_error = webhook, None
        self._slots = asyncio.Semaphore(webhook.max_connections)
        for update in waiting:
            self._hand_out(update)

    def delete_webhook(self) -> None:
        """Keep updates for polling from now on, waiting ones included."""
        waiting = self._drop_all()
        self.webhook = None
        for update in waiting:
            self._hand_out(update)

    def drop_pending(self) -> None:
        """Throw away what the bot has not taken."""
        self._drop_all()

    def _drop_all(self) -> list[Update]:
        waiting = sorted([*self._pending, *self._queues.take_all()], key=lambda update: update.id)
        self._pending.clear()
        return waiting

    async def _deliver(self, update: Update) -> None:
        webhook, pause = self.webhook, 0.0
        while webhook and webhook is self.webhook and clock.now() < update.created_at + update.lifetime:
            async with self._slots:
                status = await self._webhooks.post(webhook.url, _headers(webhook), json=update.as_json())
            if status is not None and status // 100 == 2:
                update.taken()
                return
            self.last_error = clock.now(), f"Wrong response from the webhook: {status or 'Connection failed'}"
            await clock.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2 or 1.0)


def _headers(webhook: Webhook) -> dict[str, str]:
    return {"X-Telegram-Bot-Api-Secret-Token": webhook.secret_token} if webhook.secret_token else {}


def _check_webhook(webhook: Webhook) -> None:
    if not webhook.url.startswith(("http://", "https://")):
        raise TelegramError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", webhook.secret_token):
        raise TelegramError(400, "Bad Request: secret token contains unallowed characters")
    if not 1 <= webhook.max_connections <= 100:
        raise TelegramError(400, "Bad Request: invalid max_connections")
