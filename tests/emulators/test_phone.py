"""The programmatic phone: waiting, finding buttons, transcripts."""

import asyncio

import httpx
import pytest

from bot.emulators.phone import Button, PhoneMessage
from bot.emulators.phones import phones_app
from bot.emulators.server import hosting, serve
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.world import World


@pytest.fixture
async def phone(world: World) -> TelegramPhone:
    return world.telegram_phone(name="Amina")


async def test_messages_are_taken_in_order_and_only_once(phone: TelegramPhone) -> None:
    for text in ("a", "b"):
        phone.show(PhoneMessage(text, text))
    assert [(await phone.next_message()).text for _ in range(2)] == ["a", "b"]
    with pytest.raises(TimeoutError):
        await phone.next_message(timeout_seconds=0.01)


async def test_waiting_skips_what_is_not_wanted(phone: TelegramPhone) -> None:
    waiting = asyncio.create_task(phone.wait_for(lambda message: "code" in message.text))
    await asyncio.sleep(0)
    for text in ("hello", "your code", "bye"):
        phone.show(PhoneMessage(text, text))
    assert (await waiting).text == "your code"
    assert (await phone.next_message()).text == "bye"


async def test_a_tap_finds_the_newest_buttons_or_those_of_a_given_message(phone: TelegramPhone) -> None:
    old = PhoneMessage("1", "old", buttons=(Button("x", "Old"),))
    new = PhoneMessage("2", "new", buttons=(Button("y", "New"),))
    for message in (old, new, PhoneMessage("3", "plain")):
        phone.show(message)
    assert phone.button("New")[0] is new
    assert phone.button("y")[1].label == "New"
    assert phone.button("Old", old)[0] is old
    with pytest.raises(LookupError):
        phone.button("Old")


async def test_the_transcript_shows_both_sides_with_buttons_files_and_places(phone: TelegramPhone) -> None:
    await phone.start()
    phone.show(PhoneMessage("2", "Ready?", buttons=(Button("y", "Yes"), Button("n", "No"))))
    await phone.edit(await phone.send("yess"), "yes")
    await phone.send_location(1.5, 2.0)
    await phone.send_document(b"x", "plan.pdf")
    lines = [line.partition(" ")[2] for line in phone.transcript().splitlines()]
    assert lines == [
        "Amina: /start",
        "bot: Ready? [Yes] [No]",
        "Amina: yes (edited)",
        "Amina: <1.5, 2.0>",
        "Amina: <plan.pdf>",
    ]


async def test_an_answer_marks_what_the_bot_has_taken_as_answered(phone: TelegramPhone) -> None:
    taken, lost = await phone.send("a"), await phone.send("b")
    phone.tick(taken)
    phone.show(PhoneMessage("3", "answer"))
    assert (taken.ticks, lost.ticks) == (3, 1)


async def test_the_server_says_when_its_port_is_taken() -> None:
    async with serve(World()) as addresses:
        port = int(addresses.base.rpartition(":")[2])
        assert addresses.phones == f"http://127.0.0.1:{port}/phones/"
        with pytest.raises(OSError, match="in use"):
            async with serve(World(), port):
                pass


async def test_a_server_stops_although_somebody_watches_the_page(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(3), httpx.AsyncClient(trust_env=False) as client:
        async with hosting(phones_app(world)) as base:
            watching = asyncio.create_task(client.get(f"{base}/api/events"))
            await asyncio.sleep(0.1)
            assert len(world.watchers) == 1
        with pytest.raises(httpx.RemoteProtocolError):
            await watching
    assert world.watchers == set()
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


async def test_closing_ends_long_polls_streams_and_work_in_progress(world: World) -> None:
    async with asyncio.timeout(2):
        async with serve(world):
            poll = asyncio.create_task(world.telegram.updates.poll(0, 100, 50))
            world.background.spawn(asyncio.sleep(60))
            await asyncio.sleep(0)
        assert await poll == []
