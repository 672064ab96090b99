"""What each answer, and each trouble on the wire, means for a message: through the real clients."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bot.channels.base import (
    Channel,
    Misconfigured,
    NeedsTemplate,
    OptedOut,
    OutcomeUnknown,
    Refused,
    SendFailure,
    TryLater,
    Unreachable,
)
from bot.channels.whatsapp.failures import CODES, from_code

from .conftest import hello, opened, telegram, whatsapp
from .wire import answering, captured, nobody_accepts, nobody_listens

BOTH = pytest.mark.parametrize("make", [telegram, whatsapp])


async def failure_of(channel: Channel) -> SendFailure:
    async with opened(channel):
        with pytest.raises(SendFailure) as caught:
            await channel.send(hello(channel))
    return caught.value


async def answered(make: Callable[[str], Channel], path: str) -> SendFailure:
    async with answering(captured(path)) as (base, asked):
        failure = await failure_of(make(base))
    assert len(asked) == 1, "a call is never repeated by the client"
    assert "secret-token" not in str(failure)
    return failure


@pytest.mark.parametrize(
    ("payload", "case", "flags"),
    [
        ("403_blocked.json", Unreachable, {"gone": False}),
        ("403_never_started.json", Unreachable, {"gone": False}),
        ("403_deactivated.json", Unreachable, {"gone": True}),
        ("403_kicked.json", Unreachable, {"gone": True}),
        ("400_chat_not_found.json", Unreachable, {"gone": True}),
        ("400_migrated.json", Unreachable, {"gone": True}),
        ("400_entities.json", Misconfigured, {"sender": False}),
        ("400_too_long.json", Misconfigured, {"sender": False}),
        ("400_button_data.json", Misconfigured, {"sender": False}),
        ("429_retry_after.json", TryLater, {"throttled": True, "after": 7.0}),
        ("429_proxy.json", TryLater, {"throttled": True, "after": None}),
        ("401_unauthorized.json", Misconfigured, {"sender": True}),
        ("404_not_found.json", Misconfigured, {"sender": True}),
        ("403_proxy.html", Misconfigured, {"sender": True}),
        ("400_proxy.html", Misconfigured, {"sender": True}),
        ("409_conflict.json", TryLater, {"throttled": True}),
        ("500_internal.json", OutcomeUnknown, {}),
        ("502_gateway.html", OutcomeUnknown, {}),
        ("200_junk.html", OutcomeUnknown, {}),
        ("200_no_message.json", OutcomeUnknown, {}),
        ("200_ok_false.json", Refused, {}),
    ],
)
async def test_each_of_telegrams_answers_is_one_failure(
    payload: str, case: type[SendFailure], flags: dict[str, object]
) -> None:
    failure = await answered(telegram, f"telegram/{payload}")
    assert type(failure) is case
    assert {name: getattr(failure, name) for name in flags} == flags


@pytest.mark.parametrize(
    ("payload", "case", "flags"),
    [
        ("429_20429.json", TryLater, {"throttled": True}),
        ("400_63018.json", TryLater, {"throttled": True, "after": 60}),
        ("400_63010.json", TryLater, {"throttled": False}),
        ("400_63016.json", NeedsTemplate, {}),
        ("400_21610.json", OptedOut, {}),
        ("400_63014.json", Unreachable, {"gone": False}),
        ("400_21211.json", Unreachable, {"gone": True}),
        ("400_21408.json", Refused, {}),
        ("400_63049.json", Refused, {}),
        ("400_63007.json", Misconfigured, {"sender": True}),
        ("400_21656.json", Misconfigured, {"sender": False}),
        ("400_63019.json", Misconfigured, {"sender": False}),
        ("400_63015.json", Refused, {}),
        ("400_30007.json", Refused, {"suspect": True}),
        ("400_63051.json", Refused, {"suspect": True}),
        ("403_proxy.html", Misconfigured, {"sender": True}),
        ("401_20003.json", Misconfigured, {"sender": True}),
        ("404_20404.json", Misconfigured, {"sender": True}),
        ("500_20500.json", OutcomeUnknown, {}),
        ("503_gateway.html", OutcomeUnknown, {}),
        ("201_junk.html", OutcomeUnknown, {}),
    ],
)
async def test_each_of_twilios_answers_is_one_failure(
    payload: str, case: type[SendFailure], flags: dict[str, object]
) -> None:
    failure = await answered(whatsapp, f"whatsapp/{payload}")
    assert type(failure) is case
    assert {name: getattr(failure, name) for name in flags} == flags


_ROWS: dict[type[SendFailure], set[int]] = {
    TryLater: {20429, 63018, 30001, 30022, 14107, 20500, 20503, 63009, 63010, 63012, 30008},
    NeedsTemplate: {63016},
    OptedOut: {21610, 63033},
    Unreachable: {63014, 21211, 21614, 63003, 63024, 30003, 30004, 30005, 30006},
    Refused: {21408, 63049, 63032, 63015, 30007, 63026, 63035, 63036, 131050},
    Misconfigured: {
        63007, 63001, 63002, 63008, 63020, 63013, 63005, 63006, 63021, 63030, 63027, 63028, 63040, 63041,
        21655, 21656, 21658, 21617, 21654, 21703, 21704, 21705, 20003, 20404, 63019, 63037,
    },
}  # fmt: skip


def test_every_code_of_the_table_has_its_action_and_no_other_code_is_in_it() -> None:
    assert {code: type(from_code(code)) for code in CODES} == {
        code: case for case, codes in _ROWS.items() for code in codes
    }


def test_a_code_that_nobody_knows_fails_one_message_and_is_suspect() -> None:
    failure = from_code(63999)
    assert isinstance(failure, Refused)
    assert failure.suspect


@BOTH
@pytest.mark.parametrize("broken", [nobody_listens, nobody_accepts])
async def test_a_call_that_never_left_rests_the_sender_and_costs_no_attempt(
    make: Callable[[str], Channel], broken: Callable[[], AbstractContextManager[str]]
) -> None:
    with broken() as base:
        failure = await failure_of(make(base))
    assert isinstance(failure, TryLater)
    assert failure.throttled
    assert failure.code == "no_connection"


@BOTH
async def test_a_call_that_found_no_place_in_our_own_pool_never_left(make: Callable[..., Channel]) -> None:
    async with answering(None) as (base, asked):
        channel = make(base, pool=1)
        async with opened(channel):
            channels = asyncio.gather(*(channel.send(hello(channel)) for _ in range(2)), return_exceptions=True)
            results = await channels
    assert {type(result) for result in results} == {OutcomeUnknown, TryLater}
    assert len(asked) == 1


@BOTH
async def test_no_answer_in_time_means_that_nobody_knows(make: Callable[[str], Channel]) -> None:
    async with answering(None) as (base, asked):
        failure = await failure_of(make(base))
    assert isinstance(failure, OutcomeUnknown)
    assert len(asked) == 1


@BOTH
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"ok']
)
async def test_an_answer_cut_at_any_place_means_that_nobody_knows(
    make: Callable[[str], Channel], answer: bytes
) -> None:
    async with answering(answer, cut=True) as (base, asked):
        failure = await failure_of(make(base))
    assert isinstance(failure, OutcomeUnknown)
    assert len(asked) == 1


async def test_an_edit_of_unknown_outcome_is_repeated_since_twice_the_same_edit_is_one() -> None:
    async with answering(None) as (base, _):
        channel = telegram(base)
        async with opened(channel):
            with pytest.raises(TryLater):
                await channel.send(hello(channel, edits="5"))
