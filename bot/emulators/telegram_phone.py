"""A phone with Telegram: what its owner does becomes updates for the bot."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import clock
from bot.emulators.phone import Media, Phone, PhoneMessage
from bot.emulators.telegram_updates import Update

if TYPE_CHECKING:
    from bot.emulators.telegram_bot import TelegramBot

FIRST_ID = 5_000_000_000  # beyond 32 bits, as today's new accounts
MESSAGE_LIFETIME = timedelta(hours=24)


class TelegramPhone(Phone):
    """One person's private chat with the bot."""

    channel = "telegram"

    def __init__(
        self, bot: "TelegramBot", chat_id: int, name: str, language_code: str, changed: Callable[[Phone], None]
    ) -> None:
        super().__init__(str(chat_id), name, language_code, changed)
        self.id, self.bot = chat_id, bot
        self.started = False
        self.payloads: dict[str, dict[str, Any]] = {}

    def as_user(self) -> dict[str, Any]:
        """Return the person as a User object."""
        user = {"id": self.id, "is_bot": False, "first_name": self.name}
        return user | ({"language_code": self.language_code} if self.language_code else {})

    def as_chat(self) -> dict[str, Any]:
        """Return the private chat as a Chat object."""
        return {"id": self.id, "type": "private", "first_name": self.name}

    async def start(self, payload: str = "") -> PhoneMessage:
        """Press Start, or open a link that carries a payload."""
        return await self.send(f"/start {payload}".rstrip())

    async def send(self, text: str) -> PhoneMessage:
        """Write a text."""
        fields: dict[str, Any] = {"text": text}
        if text.startswith("/"):
            fields["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        return self._send(PhoneMessage(self._next_id(), text, mine=True), fields)

    async def send_location(self, latitude: float, longitude: float) -> PhoneMessage:
        """Share a place."""
        message = PhoneMessage(self._next_id(), "", mine=True, location=(latitude, longitude))
        return self._send(message, {"location": {"latitude": latitude, "longitude": longitude}})

    async def send_contact(self, phone_number: str, of_somebody_else: bool = False) -> PhoneMessage:
        """Share the own number, or a contact of somebody else."""
        user_id = self.id + 1 if of_somebody_else else self.id
        contact = {"phone_number": phone_number, "first_name": self.name, "user_id": user_id}
        return self._send(PhoneMessage(self._next_id(), phone_number, mine=True), {"contact": contact})

    async def send_photo(self, content: bytes, caption: str = "", content_type: str = "image/png") -> PhoneMessage:
        """Send a picture."""
        return self._send_media(self.bot.keep_file(content, content_type, ""), caption)

    async def send_document(
        self, content: bytes, file_name: str, content_type: str = "application/pdf", caption: str = ""
    ) -> PhoneMessage:
        """Send a file."""
        return self._send_media(self.bot.keep_file(content, content_type, file_name), caption)

    async def send_voice(self, content: bytes) -> PhoneMessage:
        """Send a voice message."""
        return self._send_media(self.bot.keep_file(content, "audio/ogg", ""), "")

    async def edit(self, message: PhoneMessage, text: str) -> None:
        """Change a text sent before."""
        message.text, message.edited = text, True
        payload = self.payloads[message.external_id] | {"text": text, "edit_date": _timestamp()}
        self._push("edited_message", payload, "chat", message)
        self.changed(self)

    async def tap(self, wanted: str, message: PhoneMessage | None = None) -> str:
        """Press the button with this id or label and return the id of the query or message it makes."""
        on, button = self.button(wanted, message)
        if button.kind == "url":
            return ""
        if button.kind == "contact":
            return (await self.send_contact(f"+{self.id}")).external_id
        if button.kind == "location":
            return (await self.send_location(-29.31, 27.48)).external_id
        if button.kind == "reply":
            return (await self.send(button.label)).external_id
        return self._query(on, button.id)

    def _query(self, on: PhoneMessage, data: str) -> str:
        query_id = str(secrets.randbits(62))
        self.notice = ""
        self.bot.open_query(query_id, self)
        body = {
            "id": query_id,
            "from": self.as_user(),
            "message": self.payloads[on.external_id],
            "chat_instance": str(self.id),
            "data": data,
        }
        self._push("callback_query", body, "user", None, timedelta(seconds=150))
        return query_id

    async def block(self) -> None:
        """Block the bot."""
        if not self.blocked:
            self._change_membership("member", "kicked")

    async def unblock(self) -> None:
        """Unblock the bot."""
        if self.blocked:
            self._change_membership("kicked", "member")

    def _change_membership(self, old: str, new: str) -> None:
        self.blocked = new == "kicked"
        bot = self.bot.as_user()
        body = {
            "chat": self.as_chat(),
            "from": self.as_user(),
            "date": _timestamp(),
            "old_chat_member": _member(bot, old),
            "new_chat_member": _member(bot, new),
        }
        self._push("my_chat_member", body, "member")
        self.changed(self)

    def _next_id(self) -> str:
        return str(self.bot.next_message_id())

    def _send_media(self, media: Media, caption: str) -> PhoneMessage:
        message = PhoneMessage(self._next_id(), caption, mine=True, media=media)
        return self._send(message, media_fields(media, caption))

    def _send(self, message: PhoneMessage, fields: dict[str, Any]) -> PhoneMessage:
        self.write(message)
        self.started = True
        head = {"message_id": int(message.external_id), "from": self.as_user(), "chat": self.as_chat()}
        self.payloads[message.external_id] = head | {"date": _timestamp()} | fields
        self._push("message", self.payloads[message.external_id], "chat", message)
        return message

    def _push(
        self,
        kind: str,
        body: dict[str, Any],
        queue: str,
        message: PhoneMessage | None = None,
        lifetime: timedelta = MESSAGE_LIFETIME,
    ) -> None:
        self.bot.updates.push(Update(kind, body, f"{queue}:{self.id}", self, lifetime, message))


def media_fields(media: Media, caption: str) -> dict[str, Any]:
    """Return the fields of a Message that describe its file."""
    file = {"file_id": media.id, "file_unique_id": media.id[-12:], "file_size": len(media.content)}
    fields: dict[str, Any] = {"caption": caption} if caption else {}
    if media.content_type.startswith("image/"):
        fields["photo"] = [file | {"width": 320, "height": 240}]
    elif media.content_type.startswith("audio/"):
        fields["voice"] = file | {"duration": 1, "mime_type": media.content_type}
    elif media.content_type.startswith("video/"):
        fields["video"] = file | {"duration": 1, "width": 320, "height": 240, "mime_type": media.content_type}
    else:
        fields["document"] = file | {"file_name": media.file_name, "mime_type": media.content_type}
    return fields


def _member(bot: dict[str, Any], status: str) -> dict[str, Any]:
    return {"user": bot, "status": status} | ({"until_date": 0} if status == "kicked" else {})


def _timestamp() -> int:
    return int(clock.now().timestamp())
