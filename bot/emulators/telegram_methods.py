"""The methods of the Bot API that the emulator knows."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot import clock
from bot.emulators.phone import Media, PhoneMessage
from bot.emulators.telegram_bot import TelegramBot
from bot.emulators.telegram_errors import bad_request
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.telegram_updates import Webhook

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_POLL_SECONDS = 50
LARGEST_ALBUM = 10
LARGEST_DOWNLOAD = 20 * 1024 * 1024
MOST_DELETED = 100
DELETABLE = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the bot it is for and its parameters, uploads as (bytes, content type, file name)."""

    bot: TelegramBot
    params: dict[str, Any]

    @property
    def phone(self) -> TelegramPhone:
        """Return the phone that `chat_id` names."""
        return self.bot.phone_of(self.params.get("chat_id"))

    def text(self, name: str) -> str:
        """Return a parameter as text."""
        return str(self.params.get(name, ""))

    def number(self, name: str, default: int = 0) -> int:
        """Return a parameter as an integer."""
        try:
            return int(self.params.get(name, default))
        except ValueError:
            raise bad_request(f"{name} must be an integer") from None

    def flag(self, name: str) -> bool:
        """Return a parameter as yes or no."""
        return self.text(name).lower() in ("true", "1")


Method = Callable[[Call], Awaitable[Any]]


async def get_me(call: Call) -> Any:
    """Say who the bot is."""
    abilities = {"can_join_groups": False, "can_read_all_group_messages": False, "supports_inline_queries": False}
    return call.bot.as_user() | abilities


async def get_updates(call: Call) -> Any:
    """Hand out updates by long poll."""
    _set_allowed(call)
    limit = min(100, max(1, call.number("limit", 100)))
    timeout = min(LONGEST_POLL_SECONDS, max(0, call.number("timeout")))
    return await call.bot.updates.poll(call.number("offset"), limit, timeout)


async def set_webhook(call: Call) -> Any:
    """Send updates to a URL; an empty one means polling."""
    if not call.text("url"):
        return await delete_webhook(call)
    webhook = Webhook(call.text("url"), call.text("secret_token"), call.number("max_connections", 40))
    if call.flag("drop_pending_updates"):
        call.bot.updates.drop_pending()
    _set_allowed(call)
    call.bot.updates.set_webhook(webhook)
    return True


async def delete_webhook(call: Call) -> Any:
    """Go back to polling."""
    if call.flag("drop_pending_updates"):
        call.bot.updates.drop_pending()
    call.bot.updates.delete_webhook()
    return True


async def get_webhook_info(call: Call) -> Any:
    """Describe the webhook."""
    updates = call.bot.updates
    info: dict[str, Any] = {
        "url": updates.webhook.url if updates.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(updates),
    }
    if updates.webhook:
        info["max_connections"] = updates.webhook.max_connections
    if updates.allowed:
        info["allowed_updates"] = sorted(updates.allowed)
    if updates.last_error:
        at, reason = updates.last_error
        info |= {"last_error_date": int(at.timestamp()), "last_error_message": reason}
    return info


def _set_allowed(call: Call) -> None:
    names = call.params.get("allowed_updates")
    if names is not None:
        call.bot.updates.allowed = frozenset(names)


async def send_message(call: Call) -> Any:
    """Send a text."""
    return call.bot.send(call.phone, _text(call), call.params.get("reply_markup"))


async def send_photo(call: Call) -> Any:
    """Send a picture."""
    return _send_media(call, "photo", "image/jpeg")


async def send_document(call: Call) -> Any:
    """Send a file."""
    return _send_media(call, "document", "application/octet-stream")


async def send_audio(call: Call) -> Any:
    """Send a sound."""
    return _send_media(call, "audio", "audio/mpeg")


async def send_video(call: Call) -> Any:
    """Send a film."""
    return _send_media(call, "video", "video/mp4")


async def send_media_group(call: Call) -> Any:
    """Send pictures side by side, each a message of its own."""
    items = call.params.get("media", [])
    if not 2 <= len(items) <= LARGEST_ALBUM:
        raise bad_request("there must be 2-10 items in an album")
    if any(len(item.get("caption", "")) > LONGEST_CAPTION for item in items):
        raise bad_request("message caption is too long")
    files = [_media(call, item["media"], "image/jpeg") for item in items]
    return [
        call.bot.send(call.phone, item.get("caption", ""), None, media)
        for item, media in zip(items, files, strict=True)
    ]


async def edit_message_text(call: Call) -> Any:
    """Change text and keyboard of a message."""
    return call.bot.edit(call.phone, call.text("message_id"), _text(call), call.params.get("reply_markup"))


async def edit_message_reply_markup(call: Call) -> Any:
    """Change the keyboard of a message."""
    return call.bot.edit(call.phone, call.text("message_id"), None, call.params.get("reply_markup"))


def _text(call: Call) -> str:
    _refuse_formatting(call)
    text = call.text("text")
    if not text.strip():
        raise bad_request("message text is empty")
    if len(text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return text


def _refuse_formatting(call: Call) -> None:
    # Plain text only: showing tags as text would hide that the real server formats them.
    if call.text("parse_mode"):
        raise bad_request("unsupported parse_mode")


def _send_media(call: Call, field: str, default_type: str) -> Any:
    _refuse_formatting(call)
    caption = call.text("caption")
    if len(caption) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    media = _media(call, call.params.get(field), default_type)
    return call.bot.send(call.phone, caption, call.params.get("reply_markup"), media)


def _media(call: Call, given: Any, default_type: str) -> Media:
    if isinstance(given, str) and given.startswith("attach://"):
        given = call.params.get(given.removeprefix("attach://"))
    if isinstance(given, tuple):
        return call.bot.keep_file(*given)
    if given in call.bot.files:
        return call.bot.files[given]
    if isinstance(given, str) and re.match(r"https?://", given):
        return call.bot.keep_address(given, default_type)
    raise bad_request("wrong file identifier/HTTP URL specified")


async def delete_message(call: Call) -> Any:
    """Remove a message from the chat."""
    message = call.phone.find(call.text("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    _delete(call.phone, message)
    return True


async def delete_messages(call: Call) -> Any:
    """Remove messages from the chat; those that are not there are passed over."""
    ids = call.params.get("message_ids", [])
    if not 1 <= len(ids) <= MOST_DELETED:
        raise bad_request("there must be 1-100 message identifiers")
    for message in filter(None, (call.phone.find(str(one)) for one in ids)):
        _delete(call.phone, message)
    return True


def _delete(phone: TelegramPhone, message: PhoneMessage) -> None:
    if message.at < clock.now() - DELETABLE:
        raise bad_request("message can't be deleted for everyone")
    message.deleted = True
    phone.changed(phone)


async def answer_callback_query(call: Call) -> Any:
    """End the waiting of a tap, with an optional notice."""
    call.bot.answer_query(call.text("callback_query_id"), call.text("text"))
    return True


async def send_chat_action(call: Call) -> Any:
    """Pretend to type."""
    return bool(call.phone)


async def get_chat(call: Call) -> Any:
    """Describe a chat."""
    return call.phone.as_chat() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}


_NO_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


async def get_file(call: Call) -> Any:
    """Say where a file can be downloaded."""
    media = call.bot.files.get(call.text("file_id"))
    if media is None:
        raise bad_request("invalid file_id")
    if len(media.content) > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": media.id,
        "file_unique_id": media.id[-12:],
        "file_size": len(media.content),
        "file_path": media.id,
    }


def _scope(call: Call) -> str:
    return f"{call.params.get('scope') or {'type': 'default'}}/{call.text('language_code')}"


async def set_my_commands(call: Call) -> Any:
    """Keep the menu of commands of one scope and language."""
    commands = call.params.get("commands", [])
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    call.bot.commands[_scope(call)] = commands
    return True


async def get_my_commands(call: Call) -> Any:
    """Return the menu of commands of one scope and language."""
    return call.bot.commands.get(_scope(call), [])


async def delete_my_commands(call: Call) -> Any:
    """Remove the menu of commands of one scope and language."""
    call.bot.commands.pop(_scope(call), None)
    return True


async def set_my_description(call: Call) -> Any:
    """Keep what the empty chat shows."""
    if len(call.text("description")) > 512:
        raise bad_request("description is too long")
    call.bot.descriptions[call.text("language_code")] = call.text("description")
    return True


async def get_my_description(call: Call) -> Any:
    """Return what the empty chat shows."""
    descriptions = call.bot.descriptions
    return {"description": descriptions.get(call.text("language_code"), descriptions.get("", ""))}


def _by_name(*methods: Method) -> dict[str, Method]:
    return {getattr(method, "__name__", "").replace("_", ""): method for method in methods}


SENDING = _by_name(
    send_message,
    send_photo,
    send_document,
    send_audio,
    send_video,
    send_media_group,
    edit_message_text,
    edit_message_reply_markup,
)
METHODS = _by_name(
    get_me,
    get_updates,
    set_webhook,
    delete_webhook,
    get_webhook_info,
    delete_message,
    delete_messages,
    answer_callback_query,
    send_chat_action,
    get_chat,
    get_file,
    set_my_commands,
    get_my_commands,
    delete_my_commands,
    set_my_description,
    get_my_description,
)
