"""What a preview shows is what a phone gets: the layout of a message beside the same message, sent."""

from pathlib import Path

import pytest

from bot.channels.base import Bubble, Button, Media, Outbound
from bot.channels.telegram.layout import layout as telegram
from bot.channels.whatsapp.layout import layout as whatsapp
from bot.emulators.phone import PhoneMessage
from bot.emulators.world import World
from tests.channels.conftest import Store, opened
from tests.channels.test_messages import phone_on_telegram, telegram_of, whatsapp_of

FILES = {name: Media(kind, name, content_type, name) for kind, name, content_type in [
    ("image", "map.png", "image/png"), ("image", "two.png", "image/png"), ("audio", "hello.mp3", "audio/mpeg"),
    ("video", "film.mp4", "video/mp4"),
]}  # fmt: skip
LABELS = ("Yes", "No", "Perhaps", "I do not know", "Ask me later")


def buttons(*labels: str) -> tuple[Button, ...]:
    return tuple(Button(f"sv:1:{number}", label) for number, label in enumerate(labels))


MESSAGES = {
    "plain": ("Welcome.", (), None, ()),
    "three buttons": ("Sure?", buttons(*LABELS[:3]), None, ()),
    "a folded list": ("Sure?", buttons(*LABELS), None, ()),
    "labels too long": ("Which?", buttons("A label that no button and no list has room for", "Other"), None, ()),
    "a long text": ("word " * 1000, buttons("Yes"), None, ()),
    "a picture": ("What is it?", buttons("Yes"), "map.png", ()),
    "a long text under a picture": ("word " * 300, buttons("Yes"), "map.png", ()),
    "files of all kinds": ("What is it?", buttons("Yes"), "map.png", ("hello.mp3", "film.mp4", "two.png")),
    "files and no words": ("", (), None, ("hello.mp3", "map.png", "two.png")),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_layout_is_what_the_phone_shows(name: str, world: World, tmp_path: Path) -> None:
    text, choices, media, album = MESSAGES[name]
    for file in FILES.values():
        (tmp_path / file.reference).write_bytes(b"\x89PNG")
    on_telegram = await phone_on_telegram(world)
    on_whatsapp = world.whatsapp_phone("+26650000009")
    await on_whatsapp.send("Hello")
    parts = {"media": FILES[media] if media else None, "album": tuple(FILES[one] for one in album)}
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        message = Outbound(7, str(on_telegram.id), text, choices, "Choose", **parts)
        await channel.send(message)
        assert [seen(one) for one in on_telegram.received] == [shown(one) for one in telegram(message)]
    async with opened(whatsapp_of(world)) as channel:
        message = Outbound(8, on_whatsapp.address, text, choices, "Choose", **parts)
        await channel.send(message)
        assert [seen(await on_whatsapp.next_message()) for _ in whatsapp(message)] == [
            shown(one) for one in whatsapp(message)
        ]


def seen(message: PhoneMessage) -> tuple[str, list[str], str, bool]:
    return message.text, [button.label for button in message.buttons], message.menu, message.media is not None


def shown(bubble: Bubble) -> tuple[str, list[str], str, bool]:
    return bubble.text, [button.label for button in bubble.buttons], bubble.menu, bubble.media is not None
