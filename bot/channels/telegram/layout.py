"""How a message is laid out on Telegram: captions, parts, and buttons under the last."""

from dataclasses import replace

from bot.channels.base import Bubble, Outbound
from bot.channels.split import measure, split

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024


def layout(message: Outbound) -> list[Bubble]:
    """Return the message as a phone shows it."""
    return [*(Bubble(media.caption, media=media) for media in message.album), *body(message)]


def body(message: Outbound) -> list[Bubble]:
    """Return what comes after the album."""
    media, text = message.media, message.text
    if media and measure(text) <= CAPTION_LIMIT:
        return [Bubble(text, message.buttons, media=media)]
    parts = [Bubble(part) for part in split(text, TEXT_LIMIT)] if text or not message.album else []
    if parts:
        parts[-1] = replace(parts[-1], buttons=message.buttons)
    return [Bubble(media=media), *parts] if media else parts
