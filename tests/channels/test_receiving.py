"""What people sent is fetched from the providers, and what they keep of a chat is deleted on request."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.channels.base import Channel, FetchFailure, Media, Outbound
from bot.emulators.world import World

from . import conftest as at
from .conftest import Store, opened
from .test_messages import phone_on_telegram, telegram_of, whatsapp_of
from .wire import answering, nobody_listens

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2000  # more than one piece


async def fetched(channel: Channel, media: Media) -> bytes:
    return b"".join([piece async for piece in channel.fetch(media)])


async def test_a_file_on_telegram_is_fetched_whole(world: World, tmp_path: Path) -> None:
    phone = await phone_on_telegram(world)
    sent = await phone.send_photo(PICTURE)
    media = Media("image", phone.payloads[sent.external_id]["photo"][-1]["file_id"])
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        assert await fetched(channel, media) == PICTURE
        with pytest.raises(FetchFailure) as failure:
            await fetched(channel, Media("image", "no-such-file"))
    assert (failure.value.code, failure.value.again) == ("gone", False)


async def test_telegram_gives_out_no_file_above_its_limit(world: World, tmp_path: Path) -> None:
    kept = world.telegram.keep_file(b"x" * (20 * 1024 * 1024 + 1), "video/mp4", "")
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        with pytest.raises(FetchFailure, match="too_large"):
            await fetched(channel, Media("video", kept.id))


async def test_a_file_on_whatsapp_is_fetched_whole_and_then_deleted_at_twilio(world: World) -> None:
    phone = world.whatsapp_phone("+26650000001")
    sent = await phone.send_photo(PICTURE)
    message = world.twilio.account.messages[sent.external_id]
    media = Media("image", f"https://api.twilio.com{message.uri}/Media/{message.media[0].id}", "image/png")
    async with opened(whatsapp_of(world)) as channel:
        assert await fetched(channel, media) == PICTURE
        await channel.discard(media)
        assert message.media == []
        await channel.discard(media)  # twice is once
        with pytest.raises(FetchFailure) as failure:
            await fetched(channel, media)
    assert failure.value.again, "the webhook may be faster than the file"


OTHER_ACCOUNT = "https://api.twilio.com/2010-04-01/Accounts/ACother/Messages/MM1/Media/ME1"


@pytest.mark.parametrize("address", ["https://evil.example/Media/ME1", OTHER_ACCOUNT, "http://127.0.0.1/x", ""])
async def test_our_credentials_go_to_no_address_that_came_from_outside(world: World, address: str) -> None:
    async with opened(whatsapp_of(world)) as channel:
        for call in (fetched(channel, Media("image", address)), channel.discard(Media("image", address))):
            with pytest.raises(FetchFailure, match="foreign_address"):
                await call


@pytest.mark.parametrize("make", [at.telegram, at.whatsapp])
async def test_a_provider_that_is_away_is_asked_again_later(make: Callable[[str], Channel]) -> None:
    sid = f"https://api.twilio.com/2010-04-01/Accounts/{at.ACCOUNT}/Messages/MM1/Media/ME1"

    async def failure_at(base: str) -> FetchFailure:
        async with opened(make(base)) as channel:
            with pytest.raises(FetchFailure) as failure:
                await fetched(channel, Media("image", sid))
            assert await channel.forget("1001", ["1", "2"], []) == ["1", "2"]
            return failure.value

    with nobody_listens() as base:
        assert (await failure_at(base)).again
    async with answering(None) as (base, _):
        assert (await failure_at(base)).again


async def test_telegram_deletes_what_is_younger_than_two_days(world: World, tmp_path: Path) -> None:
    phone = await phone_on_telegram(world)
    async with opened(telegram_of(world, tmp_path, Store())) as channel:
        ids = [await channel.send(Outbound(number, str(phone.id), f"Text {number}")) for number in range(3)]
        phone.received[0].at = clock.now() - timedelta(hours=49)
        assert await channel.forget(str(phone.id), [*ids, "999"], ["77"]) == []
        assert [message.text for message in phone.received] == ["Text 0"]
        await phone.block()
        assert await channel.forget(str(phone.id), ids, []) == []


async def test_twilio_deletes_messages_of_both_directions_with_their_files(world: World) -> None:
    phone = world.whatsapp_phone("+26650000001")
    received = [(await phone.send_photo(PICTURE)).external_id, (await phone.send("Hello")).external_id]
    messages = world.twilio.account.messages
    async with opened(whatsapp_of(world)) as channel:
        sent = await channel.send(Outbound(7, phone.key, "Hello"))
        assert await channel.forget(phone.key, [sent], received) == [sent]  # it is still on its way
        assert set(messages) == {sent}
        messages[sent].status = "delivered"
        assert await channel.forget(phone.key, [sent], received) == []
    assert messages == {}
