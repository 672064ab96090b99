"""Telegram's raw updates as Inbound values. Raw JSON, since one odd update must not block the others."""

from collections.abc import Mapping
from typing import Any

from bot.channels.base import Inbound, Kind, Media

#: What we ask for; Telegram remembers the last list, so it is always said.
ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]
_MEDIA: tuple[tuple[str, Any], ...] = (
    ("photo", "image"),
    ("document", "document"),
    ("voice", "audio"),
    ("audio", "audio"),
    ("video", "video"),
    ("video_note", "video"),
)


def parse(update: Mapping[str, Any], bot_id: str) -> list[Inbound]:
    """Return what a person did, or nothing for what we do not handle (groups, channels)."""
    for name, read in (
        ("message", _message),
        ("edited_message", _edited),
        ("callback_query", _button),
        ("my_chat_member", _membership),
    ):
        part = update.get(name)
        if isinstance(part, Mapping):
            found = read(part)
            return [_inbound(update, bot_id, *found)] if found else []
    return []


def _inbound(
    update: Mapping[str, Any], bot_id: str, kind: Kind, chat: Mapping[str, Any], fields: dict[str, Any]
) -> Inbound:
    return Inbound(
        channel="telegram",
        sender=bot_id,
        external_id=str(update["update_id"]),
        address=str(chat["id"]),
        kind=kind,
        name=f"{chat.get('first_name', '')} {chat.get('last_name', '')}".strip(),
        raw=update,
        **fields,
    )


def _private(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    chat = part.get("chat")
    return chat if isinstance(chat, Mapping) and chat.get("type") == "private" and "id" in chat else None


def _message(part: Mapping[str, Any]) -> tuple[Kind, Mapping[str, Any], dict[str, Any]] | None:
    chat = _private(part)
    if chat is None:
        return None
    replied = part.get("reply_to_message") or {}
    common: dict[str, Any] = {"replies_to": str(replied["message_id"]) if "message_id" in replied else None}
    text = str(part.get("text") or part.get("caption") or "")
    media = _media(part)
    if media:
        return "media", chat, {**common, "text": text, "media": media}
    if isinstance(part.get("location"), Mapping):
        place = part["location"]
        return "location", chat, {**common, "location": (float(place["latitude"]), float(place["longitude"]))}
    if isinstance(part.get("contact"), Mapping):
        card = part["contact"]  # of somebody else it is none of our business
        own = str(card.get("user_id", "")) == str(chat["id"])
        return "contact", chat, {**common, "text": str(card.get("phone_number", "")) if own else ""}
    return ("text" if text else "unsupported"), chat, {**common, "text": text}


def _edited(part: Mapping[str, Any]) -> tuple[Kind, Mapping[str, Any], dict[str, Any]] | None:
    chat = _private(part)
    return ("edited", chat, {"text": str(part.get("text", ""))}) if chat else None


def _button(part: Mapping[str, Any]) -> tuple[Kind, Mapping[str, Any], dict[str, Any]] | None:
    under = part.get("message") or {}
    chat = _private(under)
    if chat is None:
        return None
    fields = {"button": str(part.get("data", "")), "replies_to": str(under.get("message_id", ""))}
    return "button", chat, fields


def _membership(part: Mapping[str, Any]) -> tuple[Kind, Mapping[str, Any], dict[str, Any]] | None:
    """In a private chat this arrives only when the person blocks or unblocks the bot."""
    chat = _private(part)
    if chat is None:
        return None
    blocked = (part.get("new_chat_member") or {}).get("status") == "kicked"
    return ("blocked" if blocked else "unblocked"), chat, {}


def _media(part: Mapping[str, Any]) -> tuple[Media, ...]:
    for name, kind in _MEDIA:
        found = part.get(name)
        if name == "photo" and isinstance(found, list) and found:
            found = found[-1]  # the sizes come smallest first
        if isinstance(found, Mapping) and "file_id" in found:
            size = found.get("file_size")
            return (
                Media(
                    kind,
                    str(found["file_id"]),
                    str(found.get("mime_type", "")),
                    str(found.get("file_name", "")),
                    size if isinstance(size, int) else 0,
                ),
            )
    return ()
