"""A person and a member of staff talk, on both channels; the bot steps aside and comes back."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.conversations.models import Ticket
from bot.demo.stage import Stage
from bot.staff import service
from bot.staff.models import Role
from tests.web.console_browser import PASSWORD, Browser

from .chat import Person
from .conftest import People, somebody

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def agent(opened: Stage) -> Browser:
    """Return the browser of somebody who answers members."""
    await opened.app.database.run(_add_agent)
    return await Browser(opened.app.web()).sign_in(Role.AGENT)


def _add_agent(db: Session) -> None:
    if service.find(db, "agent@example.org") is None:
        service.add(db, "agent@example.org", "Agent", Role.AGENT, password=PASSWORD)


async def thread_of(person: Person) -> str:
    contact = await person.details()
    found = await person.query(lambda db: db.scalar(select(Ticket.id).where(Ticket.contact_id == contact.id)))
    return f"/inbox/{found}"


@pytest.mark.parametrize(("channel", "language"), [("telegram", "en"), ("whatsapp", "fr")])
async def test_a_person_and_staff_talk_until_the_chat_goes_back_to_the_bot(
    town: Stage, person: People, channel: str, language: str
) -> None:
    palesa = person(channel, language)
    await palesa.join()
    await palesa.play("""
        me: HUMAN
        bot: human.ask
        me: Where can I vote?
        bot: human.received
    """)
    browser = await agent(town)
    path = await thread_of(palesa)
    page = await browser.open(path)
    assert "Where can I vote?" in page.text
    await browser.submit(page, f"{path}/reply", text="Where do you live?", do="stay")
    await palesa.play("""
        bot: Where do you live?
        me: In Joburg
        me: MENU
        bot: menu.text
    """)
    page = await browser.open(path)
    assert "In Joburg" in page.text
    await browser.submit(page, f"{path}/close")
    await palesa.play("""
        bot: human.handed_back
        me: Thank you
        bot: human.added
    """)
    await browser.submit(await browser.open(path), f"{path}/reply", text="Gladly.", do="close")
    await palesa.play("bot: Gladly.")


@pytest.mark.asyncio(loop_scope="function")
async def test_an_answer_after_whatsapps_window_asks_first_and_comes_at_the_button(village: Stage) -> None:
    palesa = somebody(village, "whatsapp")
    await palesa.join()
    await palesa.play("""
        me: HUMAN
        bot: human.ask
        me: Where can I vote?
        bot: human.received
    """)
    clock.advance(timedelta(hours=30))
    browser = await agent(village)
    path = await thread_of(palesa)
    await browser.submit(await browser.open(path), f"{path}/reply", text="At the embassy.", do="close")
    await palesa.play("""
        bot: has an answer to your question
        me: [Read it]
        bot: At the embassy.
        me: [Read it]
        bot: unknown.text
    """)
