"""A phone: what its owner has seen and written, and how to wait for more."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from bot import clock

ButtonKind = Literal["reply", "callback", "url", "contact", "location", "item"]


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message, or an item of its list; `id` is a link's address or what the bot gets back."""

    id: str
    label: str
    kind: ButtonKind = "reply"
    description: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or file: its bytes, or only its address."""

    id: str
    content_type: str
    file_name: str = ""
    content: bytes = b""
    url: str = ""


@dataclass(slots=True, eq=False)
class PhoneMessage:
    """One bubble. `ticks` of own ones: 1 sent, 2 taken by the bot, 3 answered."""

    external_id: str
    text: str
    mine: bool = False
    buttons: tuple[Button, ...] = ()
    menu: str = ""
    media: Media | None = None
    location: tuple[float, float] | None = None
    edited: bool = False
    deleted: bool = False
    ticks: int = 1
    at: datetime = field(default_factory=clock.now)


Predicate = Callable[[PhoneMessage], bool]


class Phone:
    """The part of a phone that both channels share."""

    channel: ClassVar[str]

    def __init__(self, address: str, name: str, language_code: str, changed: Callable[["Phone"], None]) -> None:
        self.address, self.name, self.language_code = address, name, language_code
        self.key = address if address.startswith(self.channel) else f"{self.channel}:{address}"
        self.history: list[PhoneMessage] = []
        self.blocked = False
        self.deactivated = False
        self.unread = 0
        self.notice = ""
        self.changed = changed
        self._inbox: deque[PhoneMessage] = deque(maxlen=1000)
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def received(self) -> list[PhoneMessage]:
        """Return what the bot has sent, oldest first."""
        return [message for message in self.history if not message.mine and not message.deleted]

    @property
    def last(self) -> PhoneMessage | None:
        """Return the newest message from the bot."""
        return next((m for m in reversed(self.history) if not m.mine and not m.deleted), None)

    def find(self, external_id: str) -> PhoneMessage | None:
        """Return the message of this id, wherever it came from."""
        return next((m for m in reversed(self.history) if m.external_id == external_id and not m.deleted), None)

    async def next_message(self, timeout_seconds: float = 5.0) -> PhoneMessage:
        """Return the oldest message (or edit) from the bot not taken yet, waiting for it in real seconds."""
        return await self.wait_for(lambda _: True, timeout_seconds)

    async def wait_for(self, predicate: Predicate, timeout_seconds: float = 5.0) -> PhoneMessage:
        """Take the first message (or edit) not taken yet that satisfies `predicate`, and what is before it."""
        async with asyncio.timeout(timeout_seconds):
            while (found := self._take(predicate)) is None:
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter
        return found

    def _take(self, predicate: Predicate) -> PhoneMessage | None:
        for position, message in enumerate(self._inbox):
            if predicate(message):
                for _ in range(position + 1):
                    self._inbox.popleft()
                return message
        return None

    def show(self, message: PhoneMessage) -> None:
        """Show a message from the bot; own ones before it are then known to be answered."""
        for own in reversed(self.history):
            if own.mine and own.ticks == 3:
                break
            if own.mine and own.ticks == 2:
                own.ticks = 3
        self.history.append(message)
        self.unread += 1
        self.news(message)

    def news(self, message: PhoneMessage) -> None:
        """Tell whoever waits that a message of the bot is new or different."""
        self._inbox.append(message)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
        self.changed(self)

    def write(self, message: PhoneMessage) -> PhoneMessage:
        """Keep a message of the phone's owner."""
        if self.blocked or self.deactivated:
            raise PhoneCannotWrite("unblock the bot first")
        self.history.append(message)
        self.changed(self)
        return message

    def tick(self, message: PhoneMessage) -> None:
        """Note that the bot has taken an own message."""
        message.ticks = max(message.ticks, 2)
        self.changed(self)

    def button(self, wanted: str, message: PhoneMessage | None = None) -> tuple[PhoneMessage, Button]:
        """Find a button by id or label, on `message` or on the newest message that has any."""
        on = message or next((m for m in reversed(self.received) if m.buttons), None)
        if on is None:
            raise LookupError("no message has buttons")
        for button in on.buttons:
            if wanted in (button.id, button.label):
                return on, button
        raise LookupError(f"no button {wanted!r}; there are: {[button.label for button in on.buttons]}")

    def transcript(self) -> str:
        """Return the chat as text, one line per message, buttons in brackets."""
        return "\n".join(_line(self.name if m.mine else "bot", m) for m in self.history if not m.deleted)


class PhoneCannotWrite(Exception):
    """Raised when the owner of a phone writes to a bot they have blocked."""


def _line(who: str, message: PhoneMessage) -> str:
    parts = [message.text, *(f"[{button.label}]" for button in message.buttons)]
    if message.media:
        parts.append(f"<{message.media.file_name or message.media.content_type}>")
    if message.location:
        parts.append("<{}, {}>".format(*message.location))
    if message.edited:
        parts.append("(edited)")
    return f"{message.at:%H:%M:%S} {who}: {' '.join(filter(None, parts))}"
