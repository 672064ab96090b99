"""The state of one emulated Telegram bot: who it is, its chats, files and taps, and its limits."""

import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import clock
from bot.emulators.faults import Fault, Kind
from bot.emulators.ledger import Ledger
from bot.emulators.limits import Bucket, Limits
from bot.emulators.phone import Media, PhoneMessage
from bot.emulators.telegram_errors import (
    BLOCKED,
    DEACTIVATED,
    NEVER_STARTED,
    TelegramError,
    bad_request,
    too_many_requests,
)
from bot.emulators.telegram_keyboards import buttons_of
from bot.emulators.telegram_phone import TelegramPhone, media_fields
from bot.emulators.telegram_updates import Updates

QUERY_LIFETIME = timedelta(seconds=150)


@dataclass(slots=True)
class Query:
    """A tap that waits for answerCallbackQuery."""

    phone: TelegramPhone
    at: datetime = field(default_factory=clock.now)


class TelegramBot:
    """One bot as the Bot API server knows it."""

    def __init__(self, token: str, username: str, updates: Updates, ledger: Ledger, limits: Limits) -> None:
        self.token, self.username, self.updates = token, username, updates
        self.id = int(token.partition(":")[0])
        self.phones: dict[int, TelegramPhone] = {}
        self.files: dict[str, Media] = {}
        self.queries: dict[str, Query] = {}
        self.commands: dict[str, list[dict[str, Any]]] = {}
        self.descriptions: dict[str, str] = {}
        self._ledger, self._limits = ledger, limits
        self._overall = Bucket(limits.telegram_rate, limits.telegram_burst)
        self._buckets: dict[int, Bucket] = {}
        self._last_message_id = 0

    def as_user(self) -> dict[str, Any]:
        """Return the bot as a User object."""
        return {"id": self.id, "is_bot": True, "first_name": self.username, "username": self.username}

    def next_message_id(self) -> int:
        """Number a message; private chats of one bot share the sequence."""
        self._last_message_id += 1
        return self._last_message_id

    def keep_file(self, content: bytes, content_type: str, file_name: str) -> Media:
        """Store a file under a new file_id."""
        media = Media(f"file-{secrets.token_urlsafe(12)}", content_type, file_name, content)
        self.files[media.id] = media
        return media

    def keep_address(self, url: str, content_type: str) -> Media:
        """Give a picture or file that is only an address a file_id."""
        media = Media(f"file-{secrets.token_urlsafe(12)}", content_type, url.rpartition("/")[2], url=url)
        self.files[media.id] = media
        return media

    def phone_of(self, chat_id: Any) -> TelegramPhone:
        """Return the phone behind a chat id, or raise what the server says about it."""
        phone = self.phones.get(int(chat_id)) if str(chat_id).lstrip("-").isdigit() else None
        if phone is None:
            raise bad_request("chat not found")
        return phone

    def admit(self, phone: TelegramPhone, fault: Fault | None) -> None:
        """Let one message to `phone` pass, or raise why it may not."""
        if fault:
            raise _refusal(fault)
        if phone.deactivated:
            raise TelegramError(403, DEACTIVATED)
        if phone.blocked:
            raise TelegramError(403, BLOCKED)
        if not phone.started:
            raise TelegramError(403, NEVER_STARTED)
        chat = self._buckets.get(phone.id)
        if chat is None:
            chat = self._buckets[phone.id] = Bucket(self._limits.chat_rate, self._limits.chat_burst)
        if wait := max(chat.wait(), self._overall.wait()):
            raise too_many_requests(math.ceil(wait))
        chat.take()
        self._overall.take()

    def send(
        self, phone: TelegramPhone, text: str, markup: dict[str, Any] | None, media: Media | None = None
    ) -> dict[str, Any]:
        """Put a message on the phone and return it as a Message object."""
        buttons = buttons_of(markup)
        number = self.next_message_id()
        message = PhoneMessage(str(number), text, buttons=buttons, media=media)
        payload = self._message(phone, message, markup)
        phone.payloads[message.external_id] = payload
        phone.show(message)
        self._ledger.record(phone.key, text)
        return payload

    def edit(
        self, phone: TelegramPhone, message_id: str, text: str | None, markup: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Change text (unless None) and keyboard of a message the bot has sent."""
        message = phone.find(message_id)
        if message is None or message.mine:
            raise bad_request("message to edit not found")
        buttons = buttons_of(markup)
        if (text is None or text == message.text) and buttons == message.buttons:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same as a"
                " current content and reply markup of the message"
            )
        message.text = message.text if text is None else text
        message.buttons, message.edited = buttons, message.edited or text is not None
        payload = self._message(phone, message, markup) | {"edit_date": int(clock.now().timestamp())}
        phone.payloads[message_id] = payload
        phone.news(message)
        return payload

    def _message(self, phone: TelegramPhone, message: PhoneMessage, markup: dict[str, Any] | None) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "message_id": int(message.external_id),
            "from": self.as_user(),
            "chat": phone.as_chat(),
            "date": int(message.at.timestamp()),
        }
        if message.media:
            payload |= media_fields(message.media, message.text)
        else:
            payload["text"] = message.text
        if markup and "inline_keyboard" in markup:
            payload["reply_markup"] = markup
        return payload

    def open_query(self, query_id: str, phone: TelegramPhone) -> None:
        """Let a tap wait for its answer."""
        self.queries[query_id] = Query(phone)

    def answer_query(self, query_id: str, text: str) -> None:
        """End the waiting of a tap."""
        query = self.queries.pop(query_id, None)
        if query is None or clock.now() - query.at > QUERY_LIFETIME:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        query.phone.notice = text
        query.phone.changed(query.phone)


def _refusal(fault: Fault) -> TelegramError:
    if fault.kind is Kind.TOO_MANY_REQUESTS:
        return too_many_requests(max(1, math.ceil(fault.seconds)))
    if fault.kind is Kind.BLOCKED:
        return TelegramError(403, BLOCKED)
    return TelegramError(400, fault.text)
