"""Phones as the page gets them."""

from typing import Any

from bot.emulators.phone import Button, Media, Phone, PhoneMessage

MOST_MESSAGES = 200


def summary(phone: Phone) -> dict[str, Any]:
    """Return a line of the list."""
    last = next((message for message in reversed(phone.history) if not message.deleted), None)
    return {
        "key": phone.key,
        "channel": phone.channel,
        "name": phone.name,
        "language": phone.language_code,
        "unread": phone.unread,
        "blocked": phone.blocked,
        "last": _preview(last) if last else "",
        "at": last.at.isoformat() if last else None,
    }


def chat(phone: Phone) -> dict[str, Any]:
    """Return a phone with its latest messages."""
    messages = [_message(phone, m) for m in phone.history[-MOST_MESSAGES:] if not m.deleted]
    return summary(phone) | {"notice": phone.notice, "messages": messages}


def _preview(message: PhoneMessage) -> str:
    text = " ".join(message.text.split())[:80]
    return text or ("\N{ROUND PUSHPIN}" if message.location else "\N{PAPERCLIP}")


def _message(phone: Phone, message: PhoneMessage) -> dict[str, Any]:
    return {
        "id": message.external_id,
        "text": message.text,
        "mine": message.mine,
        "buttons": [_button(button) for button in message.buttons],
        "menu": message.menu,
        "media": _media(phone, message, message.media) if message.media else None,
        "location": message.location,
        "edited": message.edited,
        "ticks": message.ticks,
        "at": message.at.isoformat(),
    }


def _button(button: Button) -> dict[str, Any]:
    return {name: getattr(button, name) for name in ("id", "label", "kind", "description", "row")}


def _media(phone: Phone, message: PhoneMessage, media: Media) -> dict[str, Any]:
    return {
        "name": media.file_name,
        "is_picture": media.content_type.startswith("image/"),
        "url": media.url or f"api/phones/{phone.key}/media/{message.external_id}",
    }
