"""Joining, refusing, and being too young."""

import pytest

from bot.contacts import consent, service
from bot.contacts.models import State
from bot.content.languages import LANGUAGES
from tests.journeys.conftest import People

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
    assert (contact.origin, contact.residence, contact.city, contact.zone) == ("MU", "GB", "Leeds", "Europe/London")
    assert await palesa.query(service.interests, contact) == ["bonds", "skills"]
    assert await palesa.query(consent.granted_purposes, contact) == set(consent.ASKED_TOGETHER)
