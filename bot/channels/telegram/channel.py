"""The Telegram channel: one bot token."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import structlog
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Message
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot import clock
from bot.channels import payloads
from bot.channels.base import (
    BadSignature,
    Button,
    ContentStore,
    Hook,
    Inbound,
    Media,
    Outbound,
    OutcomeUnknown,
    Receipt,
    SendFailure,
    TryLater,
)
from bot.channels.split import insist
from bot.channels.telegram import receiving, updates
from bot.channels.telegram.failures import failure
from bot.channels.telegram.files import Files
from bot.channels.telegram.http import AiohttpRequest
from bot.channels.telegram.layout import body, layout

log = structlog.get_logger(__name__)

ALBUM_LIMIT = 10
UPLOAD = 60.0  #: seconds to wait for the answer to an upload, which Telegram looks at first
#: What Telegram shows with a player; other sounds and films are documents.
PLAYED = frozenset({"audio/mpeg", "audio/mp4", "video/mp4"})
LATELY = timedelta(hours=1)  #: an error of Telegram's calls to us that is older is over
ROW_LABELS = 24  #: characters of labels that fit side by side on a small phone


Call = Callable[[], Awaitable[str]]


class TelegramChannel:
    """Sends by one bot and reads its updates."""

    name = "telegram"
    has_window = False

    def __init__(
        self,
        token: str,
        *,
        api_base: str,
        rate: float,
        timeout: float,
        webhook_secret: str,
        max_in_flight: int,
        media_dir: Path,
        store: ContentStore,
    ) -> None:
        self.sender = token.partition(":")[0]
        self.rate = rate
        self._secret = webhook_secret
        self._http = AiohttpRequest(timeout, max_in_flight)
        server, _, rest = api_base.rpartition("/bot")
        self.bot = Bot(
            token,
            base_url=api_base,
            base_file_url=f"{server}/file/bot{rest}",
            request=self._http,
            get_updates_request=AiohttpRequest(timeout, 1),
        )
        self._files = Files(media_dir, store)

    async def start(self) -> None:
        """Open connections; getMe is not called, since a start without network must work."""
        for request in self.bot._request:
            await request.initialize()

    async def close(self) -> None:
        """Close connections."""
        for request in self.bot._request:
            await request.shutdown()

    async def send(self, message: Outbound) -> str:
        """Send one message, in parts when it is too long; the buttons stand under the last."""
        sent = ""
        for call in [partial(self._edit, message)] if message.edits else self._calls(message):
            try:
                sent = await insist(partial(_in_our_words, call)) if sent else await _in_our_words(call)
            except SendFailure as found:
                if sent:  # a part is out already: repeating all would double it
                    raise OutcomeUnknown(f"part {found.code}") from None
                raise
        return sent

    def calls(self, message: Outbound) -> int:
        """Return how many messages Telegram counts it as: each picture of an album is one."""
        return 1 if message.edits else len(layout(message))

    def _calls(self, message: Outbound) -> Iterator[Call]:
        """Yield the calls that make up a message."""
        for are_pictures, files in groupby(message.album, lambda media: media.kind == "image"):
            together = ALBUM_LIMIT if are_pictures else 1
            listed = list(files)
            for start in range(0, len(listed), together):
                yield partial(self._send_album, message, listed[start : start + together])
        for bubble in body(message):
            options = {"reply_markup": _keyboard(bubble.buttons)} if bubble.buttons else {}
            if bubble.media:
                yield partial(self._send_file, message, bubble.media, caption=bubble.text, **options)
            else:
                yield partial(self._send_text, message.address, bubble.text, **self._options(message), **options)

    async def _send_text(self, address: str, text: str, **options: Any) -> str:
        """Send by the library's general call: making objects of the answer would cost as much as all the rest."""
        arguments = {"chat_id": address, "text": text, **options}
        sent = await self.bot.do_api_request("sendmessage", api_kwargs=arguments)
        if not isinstance(sent, dict) or "message_id" not in sent:
            raise OutcomeUnknown("bad_answer")
        return str(sent["message_id"])

    def _options(self, message: Outbound) -> dict[str, Any]:
        return {"allow_paid_broadcast": True} if message.paid else {}

    async def _edit(self, message: Outbound) -> str:
        try:
            await self.bot.edit_message_text(
                message.text,
                chat_id=message.address,
                message_id=int(message.edits or 0),
                reply_markup=_keyboard(message.buttons),
            )
        except BadRequest as error:
            if "not modified" in error.message.lower():
                return str(message.edits)
            # Too old to be edited, or deleted by the person: say it anew.
            return await self._send_text(message.address, message.text, reply_markup=_keyboard(message.buttons))
        except Exception as error:
            found = failure(error)
            # The same edit twice is one edit.
            raise TryLater(found.code) if isinstance(found, OutcomeUnknown) else found from None
        return str(message.edits)

    async def _send_file(self, message: Outbound, media: Media, **options: Any) -> str:
        def sending(file: str | Path) -> Awaitable[Message]:
            waiting = {"read_timeout": UPLOAD} if isinstance(file, Path) else {}
            given = {**self._options(message), **options, **waiting}
            match media.kind:
                case "image":
                    return self.bot.send_photo(message.address, file, **given)
                case "audio" if media.content_type in PLAYED:
                    return self.bot.send_audio(message.address, file, **given)
                case "video" if media.content_type in PLAYED:
                    return self.bot.send_video(message.address, file, **given)
            return self.bot.send_document(message.address, file, filename=media.filename or None, **given)

        return str((await self._files.send(media.reference, sending)).message_id)

    async def _send_album(self, message: Outbound, album: Sequence[Media]) -> str:
        """Send pictures side by side; one file alone is no album to Telegram."""
        if len(album) == 1:
            return await self._send_file(message, album[0], caption=album[0].caption)

        async def sending(files: Sequence[str | Path]) -> Sequence[Message]:
            uploads = any(isinstance(file, Path) for file in files)
            pictures = [
                # A path would be taken for one on the machine of a Bot API server of our own.
                InputMediaPhoto(file.read_bytes() if isinstance(file, Path) else file, media.caption)
                for file, media in zip(files, album, strict=True)
            ]
            options = self._options(message) | ({"read_timeout": UPLOAD} if uploads else {})
            return await self.bot.send_media_group(message.address, pictures, **options)

        sent = await self._files.send_all([media.reference for media in album], sending)
        return str(sent[-1].message_id)

    def fetch(self, media: Media) -> AsyncIterator[bytes]:
        """Yield a file that a person sent; Telegram gives out at most 20 MB."""
        return receiving.fetch(self.bot, self._http, media)

    async def discard(self, media: Media) -> None:
        """Telegram lets a bot delete messages, not the files that people sent."""

    async def forget(self, address: str, sent: Sequence[str], received: Sequence[str]) -> list[str]:
        """Delete our messages of the last 48 hours; what people wrote bears no id of theirs and stays in their chat."""
        return await receiving.forget(self.bot, address, sent)

    async def acknowledge(self, inbound: Inbound) -> None:
        """Stop the waiting sign on a pressed button; too late is no harm."""
        query = inbound.raw.get("callback_query") or {}
        if isinstance(query.get("id"), str):
            with suppress(TelegramError):
                await self.bot.answer_callback_query(query["id"])

    async def decline(self, inbound: Inbound, text: str) -> None:
        """Say why we do not stay in a group, and leave it; where we may not write, or are gone already, that is all."""
        for call in (partial(self._send_text, inbound.address, text), partial(self.bot.leave_chat, inbound.address)):
            with suppress(TelegramError, SendFailure):
                await call()

    def parse_inbound(self, hook: Hook) -> list[Inbound]:
        """Translate one webhook call; the secret is compared in constant time."""
        given = hook.headers.get("x-telegram-bot-api-secret-token", "")
        if not self._secret or not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise BadSignature
        try:
            update = payloads.read(hook.body)
        except ValueError:
            log.error("unreadable update", error="no JSON")
            return []
        return self.parse_update(update) if isinstance(update, dict) else []

    def parse_update(self, update: dict[str, Any]) -> list[Inbound]:
        """Translate one raw update; one that cannot be read is dropped aloud, since it would block the rest."""
        try:
            return updates.parse(update, self.sender)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.error("unreadable update", update_id=update.get("update_id"), error=type(error).__name__)
            return []

    def parse_receipts(self, hook: Hook) -> list[Receipt]:
        """Telegram sends none: `sent` is its last word."""
        return []

    async def examine(self, address: str) -> str | None:
        """Ask Telegram whom it calls, and how that went."""
        try:
            info = await self.bot.get_webhook_info()
        except (InvalidToken, Forbidden):
            return "token"
        if address and info.url != address:
            return "address_other"
        failed = info.last_error_date and clock.now() - info.last_error_date < LATELY
        return "address_failing" if address and failed and info.pending_update_count else None

    async def set_webhook(self, url: str) -> None:
        """Ask Telegram to call us; updates that wait are kept."""
        await self.bot.set_webhook(url, secret_token=self._secret, allowed_updates=updates.ALLOWED)

    async def set_commands(self, commands: dict[str, dict[str, str]]) -> None:
        """Set the menu of commands: language code -> command -> description."""
        for language, items in commands.items():
            await self.bot.set_my_commands(
                [BotCommand(name, text) for name, text in items.items()], language_code=language or None
            )


async def _in_our_words(call: Call) -> str:
    try:
        return await call()
    except Exception as error:
        raise failure(error) from None


def _keyboard(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    """Put short labels side by side and long ones below each other."""
    rows: list[list[InlineKeyboardButton]] = []
    width = ROW_LABELS + 1
    for button in buttons:
        if width + len(button.label) > ROW_LABELS:
            rows.append([])
            width = 0
        rows[-1].append(InlineKeyboardButton(button.label, callback_data=button.id))
        width += len(button.label) + 2
    return InlineKeyboardMarkup(rows) if rows else None
