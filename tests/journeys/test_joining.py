"""Joining, refusing, and being too young."""

from pathlib import Path

import pytest

from bot import clock
from bot.contacts import consent, service
from bot.contacts.models import State
from bot.content.languages import LANGUAGES
from bot.demo.stage import stage
from bot.messaging.models import Status
from tests.journeys.conftest import FAST, HURRY, SETTINGS, People, somebody

pytestmark = pytest.mark.asyncio(loop_scope="session")
both = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])


@both
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_person_joins_in_any_language_on_any_channel(person: People, channel: str, language: str) -> None:
    palesa = person(channel, language)
    await palesa.play(
        """
        me: START embassy-london
        bot: registration.choose_language
        me: [{language}]
        bot: registration.welcome
        bot: registration.ask_consent | purpose.investment
        me: [button.agree]
        bot: registration.ask_adult
        me: [button.yes]
        bot: registration.ask_origin
        me: [origin.MU]
        bot: registration.ask_link
        me: [link.grandparent]
        bot: registration.ask_residence
        me: Leeds
        bot: registration.ask_interests
        me: 2, 9
        bot: registration.interests_saved | interest.bonds | interest.skills
        me: [button.done]
        bot: registration.done
        """,
        language=LANGUAGES[language].name,
    )
    contact = await palesa.details()
    assert (contact.state, contact.language, contact.source) == (State.MEMBER, language, "embassy-london")
    assert (contact.origin, contact.link, contact.residence, contact.city) == ("MU", "grandparent", "GB", "Leeds")
    assert contact.zone == "Europe/London"
    assert await palesa.query(service.interests, contact) == ["bonds", "skills"]
    assert await palesa.query(consent.granted_purposes, contact) == set(consent.ASKED_TOGETHER)


@both
@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_refuses_is_thanked_and_not_asked_again(person: People, channel: str, language: str) -> None:
    palesa = person(channel, language)
    await palesa.play(
        """
        me: Hello
        bot: registration.choose_language
        me: [{language}]
        bot: registration.welcome
        bot: registration.ask_consent
        me: [button.decline]
        bot: registration.declined
        me: hello again
        bot: registration.declined
        me: YES
        bot: registration.declined
        """,
        language=LANGUAGES[language].name,
    )
    assert (await palesa.details()).state == State.DECLINED


@both
async def test_a_person_who_mumbles_and_hesitates_still_gets_in(person: People, channel: str) -> None:
    palesa = person(channel, "en")
    await palesa.play(
        """
        me: hi
        bot: registration.choose_language
        me: what is this
        bot: registration.not_understood
        bot: registration.choose_language
        me: english please
        bot: registration.not_understood
        bot: registration.choose_language
        me: ENGLISH!!
        bot: registration.welcome
        bot: registration.ask_consent
        me: who are you
        bot: about.text
        me: is this real
        bot: verify.text | @outreach_emulated_bot
        me: ok
        bot: registration.ask_adult
        me: y
        bot: registration.ask_origin
        me: the mountains
        bot: registration.not_understood
        bot: registration.ask_origin
        me: lesotho
        bot: registration.ask_link
        me: [button.skip]
        bot: registration.ask_residence
        me: somewhere far
        bot: registration.residence_unknown | somewhere far
        me: congo
        bot: registration.residence_which
        me: [reg:residence:CD]
        bot: registration.ask_city
        me: Goma 🌋
        bot: registration.ask_timezone
        me: Lubumbashi
        bot: registration.ask_interests
        me: 11
        bot: registration.not_understood
        bot: registration.ask_interests
        me: 1 3
        bot: registration.interests_saved | interest.savings
        me: 1
        bot: registration.interests_saved | interest.business
        me: done
        bot: registration.done
        """
    )
    contact = await palesa.details()
    assert (contact.residence, contact.city, contact.zone) == ("CD", "Goma 🌋", "Africa/Lubumbashi")


@both
async def test_two_presses_count_once(person: People, channel: str) -> None:
    palesa = person(channel, "en")
    await palesa.play("me: START poster\nbot: registration.choose_language")
    for button, answers in {
        "English": ["registration.welcome", "registration.ask_consent"],
        "button.agree": ["registration.ask_adult"],
        "button.yes": ["registration.ask_origin"],
        "Lesotho": ["registration.ask_link"],
        "link.born": ["registration.ask_residence"],
    }.items():
        asked = palesa.phone.last
        await palesa.tap(button, asked)
        await palesa.tap(button, asked)
        for key in answers:
            await palesa.hear(key)
        await palesa.settle()
    await palesa.play("me: Leeds\nbot: registration.ask_interests\nme: SKIP\nbot: registration.done")


@both
async def test_a_late_press_gets_the_open_question(person: People, channel: str) -> None:
    palesa = person(channel, "en")
    await palesa.play(
        """
        me: START
        bot: registration.choose_language
        me: [English]
        bot: registration.welcome
        bot: registration.ask_consent
        me: [button.agree]
        bot: registration.ask_adult
        me: [button.yes]
        bot: registration.ask_origin
        """
    )
    await palesa.tap("Français", palesa.heard[0])
    await palesa.play("bot: registration.ask_origin")
    assert (await palesa.details()).language == "en"


async def test_receipts_follow_the_answers(person: People) -> None:
    palesa, thabo = person("whatsapp"), person("telegram")
    await palesa.join()
    await thabo.join()
    await palesa.reaches(Status.READ)
    await thabo.reaches(Status.SENT)


async def test_who_blocks_and_unblocks_goes_on(person: People) -> None:
    thabo = person("telegram")
    await thabo.play("me: /start\nbot: registration.choose_language")
    await thabo.phone.block()
    await thabo.phone.unblock()
    thabo.done += 2
    await thabo.play(
        "me: /start\nbot: registration.choose_language\nme: 1\nbot: registration.welcome\nbot: registration.ask_consent"
    )


@pytest.mark.asyncio(loop_scope="function")
async def test_polling_carries_the_same_chat(tmp_path: Path) -> None:
    clock.hurry(HURRY)
    try:
        async with stage(tmp_path, limits=FAST, telegram_mode="polling", **SETTINGS) as opened:
            await somebody(opened, "telegram", "mfe").join("MU", "Lafrans, Paris")
    finally:
        clock.reset()
