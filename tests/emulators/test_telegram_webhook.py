"""Updates go to the bot's webhook as the real server sends them."""

import asyncio
import threading
from datetime import timedelta

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Conflict

from bot import clock
from bot.emulators.faults import Fault, Kind
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.world import World


@pytest.fixture
async def phone(world: World) -> TelegramPhone:
    return world.telegram_phone()


def texts(bodies: list[dict]) -> list[str]:
    return [body["message"]["text"] for body in bodies]


async def test_updates_carry_the_secret_and_the_phone_sees_that_they_were_taken(
    bot: Bot, phone: TelegramPhone, hook
) -> None:
    await bot.set_webhook(hook.url, secret_token="s3cret")
    own = await phone.send("hello")
    [body] = await hook.got(1)
    assert body["message"]["text"] == "hello"
    assert hook.requests[0].headers["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"
    assert hook.requests[0].content_type == "application/json"
    await asyncio.sleep(0.05)
    assert own.ticks == 2


async def test_polling_is_refused_while_a_webhook_is_set(bot: Bot, hook) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    await bot.set_webhook(hook.url)
    with pytest.raises(Conflict, match="terminated by setWebhook"):
        await poll
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()


async def test_waiting_updates_follow_the_bot_from_polling_to_webhook_and_back(
    bot: Bot, phone: TelegramPhone, hook
) -> None:
    await phone.send("a")
    hook.answers = [500] * 20
    await bot.set_webhook(hook.url, allowed_updates=["message"])
    await hook.got(1)
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count, info.allowed_updates) == (hook.url, 1, ("message",))
    await bot.delete_webhook()
    assert [update.message.text for update in await bot.get_updates()] == ["a"]
    assert (await bot.get_webhook_info()).url == ""


async def test_pending_updates_can_be_dropped(bot: Bot, phone: TelegramPhone, hook) -> None:
    await phone.send("old")
    await bot.set_webhook(hook.url, drop_pending_updates=True)
    await phone.send("new")
    assert texts(await hook.got(1)) == ["new"]


async def test_a_refused_update_comes_again_and_holds_up_its_chat_but_no_other(
    bot: Bot, phone: TelegramPhone, world: World, hook
) -> None:
    clock.hurry(20)
    hook.answers = [500, 500]
    await bot.set_webhook(hook.url)
    await phone.send("first")
    await phone.send("second")
    await hook.got(2)
    await world.telegram_phone().send("other chat")
    bodies = await hook.got(5)
    mine = [body for body in bodies if body["message"]["chat"]["id"] == phone.id]
    assert texts(mine) == ["first", "first", "first", "second"]
    assert len({body["update_id"] for body in bodies}) == 3
    assert (await bot.get_webhook_info()).last_error_message == "Wrong response from the webhook: 500"


async def test_an_update_nobody_takes_is_given_up_when_it_expires(bot: Bot, phone: TelegramPhone, hook) -> None:
    hook.answers = [500, 500]
    hook.before_answer = lambda _: clock.advance(timedelta(hours=25))
    await bot.set_webhook(hook.url)
    await phone.send("poison")
    await hook.got(1)
    await phone.send("fine")
    assert texts(await hook.got(2)) == ["poison", "fine"]


async def test_a_tap_overtakes_a_message_that_hangs(bot: Bot, phone: TelegramPhone, world: World, hook) -> None:
    await phone.start()
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
    await bot.set_webhook(hook.url, drop_pending_updates=True)
    await bot.send_message(phone.id, "Ready?", reply_markup=keyboard)
    hook.hangs = lambda body: "message" in body
    await phone.send("text")
    await phone.tap("Go")
    message, tap = await hook.got(2)
    assert (message["message"]["text"], tap["callback_query"]["data"]) == ("text", "go")
    hook.released.set()


async def test_the_phone_survives_a_webhook_that_is_not_there(bot: Bot, phone: TelegramPhone) -> None:
    await bot.set_webhook("http://127.0.0.1:9/nobody")
    await phone.send("hello")
    await asyncio.sleep(0.1)
    info = await bot.get_webhook_info()
    assert (info.pending_update_count, info.last_error_message) == (
        1,
        "Wrong response from the webhook: Connection failed",
    )
    await bot.send_message(phone.id, "still here")
    assert phone.last.text == "still here"


async def test_webhooks_the_server_refuses(bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Secret token contains unallowed characters"):
        await bot.set_webhook("https://example.org", secret_token="a b")
    with pytest.raises(BadRequest, match="Invalid max_connections"):
        await bot.set_webhook("https://example.org", max_connections=101)
    with pytest.raises(BadRequest, match="Bad webhook"):
        await bot.set_webhook("ftp://example.org")


async def test_an_update_can_come_twice(bot: Bot, phone: TelegramPhone, world: World, hook) -> None:
    world.faults.add(Fault(Kind.DUPLICATE_UPDATE, phone.key))
    await bot.set_webhook(hook.url)
    await phone.send("twice")
    await phone.send("once")
    bodies = await hook.got(3)
    assert texts(bodies) == ["twice", "twice", "once"]
    assert bodies[0]["update_id"] == bodies[1]["update_id"]


async def test_updates_can_come_in_the_wrong_order(bot: Bot, phone: TelegramPhone, world: World) -> None:
    world.faults.add(Fault(Kind.REORDER_UPDATES))
    await phone.send("first")
    await phone.send("second")
    assert [update.message.text for update in await bot.get_updates()] == ["second", "first"]


async def test_a_held_update_comes_even_when_nothing_follows(bot: Bot, phone: TelegramPhone, world: World) -> None:
    world.faults.add(Fault(Kind.REORDER_UPDATES, seconds=0.05))
    await phone.send("alone")
    assert [update.message.text for update in await bot.get_updates(timeout=2)] == ["alone"]


async def test_thousands_of_phones_cost_no_threads(world: World) -> None:
    before = threading.active_count()
    phones = [world.telegram_phone(name=f"Member {number}") for number in range(5000)]
    for phone in phones:
        await phone.send("hi")
    assert len(world.telegram.updates) == 5000
    assert threading.active_count() <= before
