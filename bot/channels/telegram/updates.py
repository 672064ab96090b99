"""Telegram's raw updates as Inbound values. Raw JSON, since one odd update must not block the others."""

import math
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
#: What Telegram itself writes into a chat when somebody does something there: nobody said it.
_SERVICE = frozenset({
    "pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "users_shared", "chat_shared",
    "connected_website", "chat_background_set", "boost_added", "proximity_alert_triggered", "video_chat_started",
    "video_chat_ended", "video_chat_scheduled", "new_chat_title", "new_chat_photo", "delete_chat_photo",
})  # fmt: skip
#: Our states in a chat that say that somebody brought us in.
_PRESENT = ("member", "administrator", "restricted")

#: Kind, chat and the other fields of an Inbound.
_Found = tuple[Kind, Mapping[str, Any], dict[str, Any]]


def parse(update: Mapping[str, Any], bot_id: str) -> list[Inbound]:
    """Return what a person did, or nothing for what we do not handle."""
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
        external_id=_id(update["update_id"]),
        address=_id(chat["id"]),
        kind=kind,
        name=f"{chat.get('first_name', '')} {chat.get('last_name', '')}".strip(),
        raw=update,
        **fields,
    )


def _id(value: Any) -> str:
    if type(value) is not int or abs(value) >= 1 << 63:
        raise ValueError("an id is a number")
    return str(value)


def _chat(part: Mapping[str, Any], *types: str) -> Mapping[str, Any] | None:
    chat = part.get("chat")
    return chat if isinstance(chat, Mapping) and chat.get("type") in types and "id" in chat else None


def _message(part: Mapping[str, Any]) -> _Found | None:
    chat = _chat(part, "private")
    if chat is None:
        return _group(part)
    if not _SERVICE.isdisjoint(part):
        return None
    replied = part.get("reply_to_message") or {}
    text = str(part.get("text") or part.get("caption") or "")
    common: dict[str, Any] = {
        "replies_to": str(replied["message_id"]) if "message_id" in replied else None,
        "message_id": _message_id(part),
        "text": text,
    }
    media = _media(part)
    if media:
        return "media", chat, {**common, "media": media}
    if isinstance(part.get("location"), Mapping):
        return "location", chat, {**common, "location": _place(part["location"])}
    if isinstance(part.get("contact"), Mapping):
        card = part["contact"]  # of somebody else it is none of our business
        own = str(card.get("user_id", "")) == str(chat["id"])
        return "contact", chat, {**common, "text": str(card.get("phone_number", "")) if own else ""}
    return ("text" if text else "unsupported"), chat, common


def _message_id(part: Mapping[str, Any]) -> str | None:
    return str(part["message_id"]) if "message_id" in part else None


def _place(part: Mapping[str, Any]) -> tuple[float, float]:
    latitude, longitude = float(part["latitude"]), float(part["longitude"])
    if not (math.isfinite(latitude) and abs(latitude) <= 90 and math.isfinite(longitude) and abs(longitude) <= 180):
        raise ValueError("no place on Earth")
    return latitude, longitude


def _edited(part: Mapping[str, Any]) -> _Found | None:
    """Return new words; the steps of somebody whose place is shared live are edits too, and say nothing new."""
    chat = _chat(part, "private")
    if chat is None or "location" in part:
        return None
    text = str(part.get("text") or part.get("caption") or "")
    return "edited", chat, {"text": text, "message_id": _message_id(part)}


def _button(part: Mapping[str, Any]) -> _Found | None:
    under = part.get("message") or {}
    chat = _chat(under, "private")
    if chat is None:
        return None
    fields = {"button": str(part.get("data", "")), "replies_to": str(under.get("message_id", ""))}
    return "button", chat, fields


def _group(part: Mapping[str, Any]) -> _Found | None:
    chat = _chat(part, "group", "supergroup")
    return ("group", chat, {}) if chat else None


def _membership(part: Mapping[str, Any]) -> _Found | None:
    """In a private chat this arrives only when the person blocks or unblocks the bot."""
    status = (part.get("new_chat_member") or {}).get("status")
    chat = _chat(part, "private")
    if chat is None:
        return _group(part) if status in _PRESENT else None
    return ("blocked" if status == "kicked" else "unblocked"), chat, {}


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
                    size if type(size) is int and 0 <= size < 1 << 62 else 0,
                ),
            )
    return ()
