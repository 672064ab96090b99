"""A form on the page of phones, before anybody gets it."""

import asyncio

import httpx

from bot.content.languages import LANGUAGES
from bot.demo.preview import preview
from bot.surveys.publishing import prepare
from tests.journeys.conftest import SURVEY


async def test_every_language_has_a_phone_on_each_channel_where_the_form_is_asked() -> None:
    async with preview(prepare(SURVEY.encode(), "small.md")) as shown:
        asked = await asyncio.gather(*(phone.next_message(10) for phone in shown.phones))
        assert {(phone.channel, phone.language_code) for phone in shown.phones} == {
            (channel, code) for channel in ("telegram", "whatsapp") for code in LANGUAGES
        }
        french = [
            message.text for message, phone in zip(asked, shown.phones, strict=True) if phone.language_code == "fr"
        ]
        assert all("Envoyez-vous" in text for text in french)
        phone = shown.phones[0]
        await phone.tap("Yes")
        assert "What do you wish for?" in (await phone.next_message(10)).text
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.get(f"{shown.url}api/phones")
        assert page.json()["all"] == 2 * len(LANGUAGES)
