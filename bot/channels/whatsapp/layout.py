"""How a message is laid out on WhatsApp: buttons, a folded list, or numbered lines where those have no room."""

import re
from typing import Any

from bot.channels.base import Bubble, Button, Media, Outbound
from bot.channels.split import measure, split

TEXT_LIMIT = 1600
CAPTION_LIMIT = 1024
BODY_LIMIT = 1024
QUICK_REPLIES, QUICK_REPLY_LABEL = 3, 20
LIST_ITEMS, LIST_LABEL = 10, 24
#: Stands for the text: so one object serves everybody who gets these buttons, whatever is said above them.
BODY = "{{1}}"
#: A second row of numbers would make a typed 2 mean two things: consent to the second purpose, or the second button.
_NUMBERED = re.compile(r"^1\.? ", re.MULTILINE)


def layout(message: Outbound) -> list[Bubble]:
    """Return the message as a phone shows it; a file never has buttons."""
    album = [Bubble(media.caption, media=media) for media in message.album]
    if album and not message.text:
        return album
    if message.media:
        return [*album, *_with_media(message, message.media)]
    if types_for(message.text, message.buttons, message.menu) is None:
        return [*album, *texts(message)]
    folded = not _are_quick(message.buttons)
    return [*album, Bubble(message.text, message.buttons, message.menu if folded else "")]


def texts(message: Outbound) -> list[Bubble]:
    """Return the message as text alone, its choices numbered."""
    return [Bubble(part) for part in split(numbered(message.text, message.buttons), TEXT_LIMIT)]


def _with_media(message: Outbound, media: Media) -> list[Bubble]:
    """A picture carries its text, unless that is too long; a document on WhatsApp has no caption."""
    text = numbered(message.text, message.buttons)
    if not text or (media.kind == "image" and measure(text) <= CAPTION_LIMIT):
        return [Bubble(text, media=media)]
    return [Bubble(media=media), *texts(message)]


def types_for(text: str, buttons: tuple[Button, ...], menu: str) -> dict[str, Any] | None:
    """Return the content that shows these buttons, or None when WhatsApp has no room for them."""
    if len(text) > BODY_LIMIT or not buttons:
        return None
    if _are_quick(buttons):
        actions = [{"title": button.label, "id": button.id} for button in buttons]
        return {"twilio/quick-reply": {"body": BODY, "actions": actions}}
    if len(buttons) <= LIST_ITEMS and _longest(buttons) <= LIST_LABEL:
        items = [{"item": button.label, "id": button.id} for button in buttons]
        return {"twilio/list-picker": {"body": BODY, "button": menu, "items": items}}
    return None


def _are_quick(buttons: tuple[Button, ...]) -> bool:
    return len(buttons) <= QUICK_REPLIES and _longest(buttons) <= QUICK_REPLY_LABEL


def _longest(buttons: tuple[Button, ...]) -> int:
    return max(len(button.label) for button in buttons)


def numbered(text: str, buttons: tuple[Button, ...]) -> str:
    """Return the text with its choices as numbered lines, unless it lists them, or other things, by number already."""
    if all(button.label in text for button in buttons) or _NUMBERED.search(text):
        return text
    lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, start=1)]
    return "\n".join([text, "", *lines])
