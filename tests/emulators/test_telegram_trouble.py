"""Limits and faults of the Bot API, as python-telegram-bot sees them."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut

from bot import clock
from bot.emulators.faults import Fault, Kind
from bot.emulators.limits import Limits
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.world import World


@pytest.fixture
async def phone(world: World) -> TelegramPhone:
    made = world.telegram_phone()
    await made.start()
    return made


async def test_one_chat_takes_a_short_burst_and_then_one_message_a_second(
    bot: Bot, phone: TelegramPhone, frozen
) -> None:
    for _ in range(5):
        await bot.send_message(phone.id, "hi")
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(phone.id, "hi")
    assert refused.value.retry_after == timedelta(seconds=1)
    clock.advance(timedelta(seconds=1))
    await bot.send_message(phone.id, "hi")
    with pytest.raises(RetryAfter):
        await bot.send_message(phone.id, "hi")
    assert len(phone.received) == 6


async def test_one_bot_may_send_thirty_messages_a_second_over_all_chats(bot: Bot, world: World, frozen) -> None:
    phones = [world.telegram_phone() for _ in range(31)]
    for phone in phones:
        await phone.start()
    for phone in phones[:30]:
        await bot.send_message(phone.id, "hi")
    with pytest.raises(RetryAfter):
        await bot.send_message(phones[30].id, "hi")
    clock.advance(timedelta(seconds=0.1))
    await bot.send_message(phones[30].id, "hi")


@pytest.mark.parametrize("limits", [Limits(chat_rate=100, chat_burst=100, telegram_rate=1000, telegram_burst=1000)])
async def test_limits_can_be_lifted(bot: Bot, phone: TelegramPhone) -> None:
    for _ in range(40):
        await bot.send_message(phone.id, "hi")
    assert len(phone.received) == 40


async def test_faults_strike_the_named_phone_as_often_as_told(bot: Bot, phone: TelegramPhone, world: World) -> None:
    other = world.telegram_phone()
    await other.start()
    world.faults.add(Fault(Kind.TOO_MANY_REQUESTS, phone.key, times=2, seconds=7))
    for _ in range(2):
        with pytest.raises(RetryAfter) as refused:
            await bot.send_message(phone.id, "hi")
        assert refused.value.retry_after == timedelta(seconds=7)
    await bot.send_message(other.id, "hi")
    await bot.send_message(phone.id, "hi")
    assert len(phone.received) == len(other.received) == 1


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault(Kind.BLOCKED), Forbidden, "bot was blocked by the user"),
        (Fault(Kind.BAD_REQUEST, text="Bad Request: TOPIC_CLOSED"), BadRequest, "Topic_closed"),
        (Fault(Kind.SERVER_ERROR), NetworkError, "Bad Gateway"),
        (Fault(Kind.SERVER_ERROR, code=500), NetworkError, "Internal Server Error"),
    ],
)
async def test_a_refusing_fault_delivers_nothing(
    bot: Bot, phone: TelegramPhone, world: World, fault: Fault, error: type[Exception], text: str
) -> None:
    world.faults.add(fault)
    with pytest.raises(error, match=text):
        await bot.send_message(phone.id, "hi")
    assert phone.received == []


async def test_a_message_can_be_delivered_and_never_be_answered(
    make_bot: Callable[[str, float], Bot], phone: TelegramPhone, world: World
) -> None:
    impatient = make_bot(world.accounts.telegram_token, 0.2)
    await impatient.initialize()
    world.faults.add(Fault(Kind.HANG_THEN_DELIVER))
    with pytest.raises(TimedOut) as lost:
        await impatient.send_message(phone.id, "hi")
    assert isinstance(lost.value.__cause__, httpx.ReadTimeout)
    assert world.ledger.count(phone.key, "hi") == 1


async def test_the_answer_can_be_cut_off(bot: Bot, phone: TelegramPhone, world: World, caplog) -> None:
    world.faults.add(Fault(Kind.DROP_ANSWER))
    with pytest.raises(NetworkError) as lost:
        await bot.send_message(phone.id, "hi")
    assert isinstance(lost.value.__cause__, httpx.RemoteProtocolError)
    await bot.send_message(phone.id, "hi")
    assert world.ledger.count(phone.key, "hi") == 2
    assert world.ledger.doubles() == {(phone.key, "hi"): 2}
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


def test_the_same_seed_gives_the_same_faults() -> None:
    def run(seed: int) -> list[bool]:
        faults = World(seed=seed).faults
        faults.add(Fault(Kind.SERVER_ERROR, times=None, probability=0.5))
        return [faults.take("telegram:1", Kind.SERVER_ERROR) is not None for _ in range(50)]

    assert run(1) == run(1) != run(2)
    assert 10 < sum(run(1)) < 40


def test_faults_can_be_cleared() -> None:
    faults = World().faults
    faults.add(Fault(Kind.SERVER_ERROR, times=None))
    faults.clear()
    assert faults.take("telegram:1", Kind.SERVER_ERROR) is None
