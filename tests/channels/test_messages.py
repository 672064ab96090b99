"""What the people get, through the emulators."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.channels.base import Button, Media, Misconfigured, Outbound, OutcomeUnknown, Template
from bot.channels.split import measure, split
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.emulators.faults import Fault, Kind
from bot.emulators.phone import PhoneMessage
from bot.emulators.world import World

from .conftest import PUBLIC_URL, Store, hello, opened


def telegram_of(world: World, folder: Path, store: Store, timeout: float = 2) -> TelegramChannel:
    return TelegramChannel(
        world.accounts.telegram_token, api_base=world.addresses.telegram_api_base, rate=30, timeout=timeout,  # type: ignore[attr-defined]
        webhook_secret="", max_in_flight=8, media_dir=folder, store=store,
    )  # fmt: skip


def whatsapp_of(world: World, timeout: float = 2) -> WhatsAppChannel:
    accounts = world.accounts
    return WhatsAppChannel(
        accounts.twilio_sid, accounts.twilio_token, number=accounts.whatsapp_from.removeprefix("whatsapp:"),
        service_sid="", public_url=PUBLIC_URL, api_base=world.addresses.twilio_api_base, rate=80, timeout=timeout,  # type: ignore[attr-defined]
        max_in_flight=8, store=Store(),
        media_url=lambda media: f"{PUBLIC_URL}/media/1/signed/{media.reference}",
    )  # fmt: skip


async def phone_on_telegram(world: World):
    phone = world.telegram_phone()
    await phone.start()
    return phone


async def test_a_long_text_comes_in_parts_with_the_buttons_under_the_last(world: World, tmp_path: Path) -> None:
    phone = await phone_on_telegram(world)
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(20)).strip()
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        await channel.send(Outbound(7, str(phone.id), text, (Button("x:1", "Yes"),)))
    got = phone.received
    assert [len(message.text) <= 4096 for message in got] == [True, True]
    assert " ".join(message.text for message in got).split() == text.split()
    assert [bool(message.buttons) for message in got] == [False, True]


async def test_a_part_that_fails_after_another_went_out_leaves_the_message_in_doubt(
    world: World, tmp_path: Path
) -> None:
    phone = await phone_on_telegram(world)
    show = phone.show
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        phone.show = lambda message: (show(message), world.faults.add(Fault(Kind.SERVER_ERROR)))  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknown, match="part"):
            await channel.send(Outbound(7, str(phone.id), "word " * 1000))
    assert len(phone.received) == 1


async def test_a_part_that_comes_too_fast_waits_and_nothing_comes_twice(world: World, tmp_path: Path) -> None:
    phone, text = await phone_on_telegram(world), "word " * 1000
    show = phone.show

    def slow_down_once(message: PhoneMessage) -> None:
        show(message)
        if len(phone.received) == 1:
            world.faults.add(Fault(Kind.TOO_MANY_REQUESTS, seconds=1))

    phone.show = slow_down_once  # type: ignore[method-assign]
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        assert await channel.send(Outbound(7, str(phone.id), text)) == phone.received[-1].external_id
    assert " ".join(message.text for message in phone.received).split() == text.split()


async def test_an_album_comes_before_the_text_with_a_caption_under_each_picture(world: World, tmp_path: Path) -> None:
    album = [Media("image", f"{number}.png", "image/png", caption=f"{number}. Choice") for number in range(1, 13)]
    for media in album:
        (tmp_path / media.reference).write_bytes(b"\x89PNG" + media.caption.encode())
    phones = [await phone_on_telegram(world) for _ in range(2)]
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        for phone in phones:
            await channel.send(Outbound(7, str(phone.id), "Which?", (Button("x:1", "One"),), album=tuple(album)))
        await channel.send(Outbound(8, str(phones[0].id), "One?", album=(album[0],)))
    for phone in phones:
        assert [message.text for message in phone.received[:13]] == [*(media.caption for media in album), "Which?"]
        assert [message.media.content[4:].decode() for message in phone.received[:12] if message.media] == [
            media.caption for media in album
        ]
    assert len(world.telegram.files) == 12
    other = world.whatsapp_phone("+26650000001")
    await other.send("Hello")
    async with opened(whatsapp_of(world)) as channel:
        await channel.send(Outbound(7, other.key, "Which?", (Button("x:1", "One"),), album=tuple(album[:2])))
    sent = [message for message in world.twilio.account.messages.values() if message.direction == "outbound-api"]
    assert [(message.body, len(message.media)) for message in sent] == [
        ("1. Choice", 1),
        ("2. Choice", 1),
        ("Which?", 0),
    ]
    assert [bool(message.status_callback) for message in sent] == [False, False, True]


async def test_a_file_that_does_not_lie_there_stops_its_content_and_not_the_sender(
    world: World, tmp_path: Path
) -> None:
    phone = await phone_on_telegram(world)
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        with pytest.raises(Misconfigured) as failure:
            await channel.send(Outbound(7, str(phone.id), "Look", media=Media("image", "gone.png")))
    assert not failure.value.sender


def test_texts_are_cut_by_the_units_that_providers_count() -> None:
    text = "😀" * 1000
    parts = split(text, 1600)
    assert "".join(parts) == text
    assert [measure(part) for part in parts] == [1600, 400]


async def test_a_file_is_uploaded_once_and_then_sent_by_its_id_also_after_a_restart(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "poster.png").write_bytes(b"\x89PNG poster")
    store, media = Store(), Media("image", "poster.png", "image/png")
    phones = [await phone_on_telegram(world) for _ in range(3)]
    for phone in phones:  # each with a channel of its own, as after a restart
        async with opened(telegram_of(world, tmp_path, store)) as channel:
            await channel.send(Outbound(7, str(phone.id), "Look", media=media))
    assert len(world.telegram.files) == 1
    assert all(phone.received[-1].media is not None for phone in phones)
    assert [phone.received[-1].text for phone in phones] == ["Look"] * 3


async def test_a_caption_that_is_too_long_for_a_picture_follows_it_as_a_text(world: World, tmp_path: Path) -> None:
    (tmp_path / "plan.pdf").write_bytes(b"%PDF plan")
    phone, text = await phone_on_telegram(world), "word " * 300
    media = Media("document", "plan.pdf", "application/pdf", "plan.pdf")
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        message = Outbound(7, str(phone.id), text, media=media)
        assert channel.calls(message) == 2
        await channel.send(message)
    assert [bool(message.media) for message in phone.received[-2:]] == [True, False]
    assert phone.received[-1].text.split() == text.split()


async def test_whatsapp_asks_a_receipt_for_the_last_part_alone(world: World) -> None:
    phone = world.whatsapp_phone("+26650000001")
    await phone.send("Hello")
    async with opened(whatsapp_of(world)) as channel:
        message = Outbound(7, phone.key, "word " * 500)
        assert channel.calls(message) == 2
        sid = await channel.send(message)
    sent = [message for message in world.twilio.account.messages.values() if message.direction == "outbound-api"]
    assert [message.status_callback for message in sent] == ["", f"{PUBLIC_URL}/hooks/whatsapp/status/7"]
    assert sid == sent[-1].sid
    assert all(len(message.body) <= 1600 for message in sent)


async def test_the_list_of_the_provider_finds_a_message_whose_answer_was_lost(world: World) -> None:
    phone = world.whatsapp_phone("+26650000001")
    await phone.send("Hello")
    world.faults.add(Fault(Kind.DROP_ANSWER))
    before = clock.now() - timedelta(seconds=2)
    async with opened(whatsapp_of(world)) as channel:
        with pytest.raises(OutcomeUnknown):
            await channel.send(hello(channel))
        found = await channel.sent_to(phone.key, before)
        assert [receipt.status in ("sent", "delivered", "read") for receipt in found] == [True]
        assert await channel.sent_to(phone.key, clock.now() + timedelta(minutes=1)) == []
        assert await channel.sent_to("whatsapp:+26650000009", before) == []


async def test_a_lost_message_is_found_behind_all_that_a_busy_chat_got_since(world: World) -> None:
    phone = world.whatsapp_phone("+26650000001")
    await phone.send("Hello")
    world.faults.add(Fault(Kind.DROP_ANSWER, times=1))
    before = clock.now() - timedelta(seconds=2)
    async with opened(whatsapp_of(world)) as channel:
        with pytest.raises(OutcomeUnknown):
            await channel.send(hello(channel))
        for _ in range(25):
            await channel.send(hello(channel))
        assert len(await channel.sent_to(phone.key, before)) == 26


async def test_a_template_goes_out_with_its_variables(world: World) -> None:
    phone = world.whatsapp_phone("+26650000001")
    async with opened(whatsapp_of(world)) as channel:
        types = {"twilio/text": {"body": "Dear {{1}}, the office is open again today."}}
        id = await channel.contents.create("greeting", "en", types, {"1": "Thabo"})
        assert await channel.contents.approval(id) == "unsubmitted"
        await channel.contents.submit(id, "greeting", "utility")
        assert await channel.contents.approval(id) == "approved"
        await channel.send(Outbound(7, phone.key, "", template=Template(id, {"1": "Palesa"})))
    sent = list(world.twilio.account.messages.values())[-1]
    assert sent.body == "Dear Palesa, the office is open again today."
