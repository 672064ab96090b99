"""One person on Telegram and WhatsApp: joined by a code, one history, one consent, one copy."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts import consent
from bot.contacts.models import Address, Contact, State
from bot.demo.stage import Stage
from bot.messaging.models import InboxMessage
from bot.surveys.models import Run
from tests.journeys.chat import Person
from tests.journeys.conftest import People, somebody

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def code_of(person: Person) -> str:
    """Ask for a code as a person does, and return it."""
    await person.play("me: PROFILE\nbot: profile.summary\nme: 7\nbot: link_chat.code")
    return next(word.strip(".") for word in person.heard[-1].text.split() if word.startswith("LINK-"))


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_two_chats_become_one_person(village: Stage) -> None:
    thabo, again = somebody(village, "telegram"), somebody(village, "whatsapp")
    await thabo.join()
    await thabo.play("me: SURVEY\nbot: Small survey\nme: [Yes]\nbot: survey.progress\nme: STOP\nbot: stop.confirmed")
    await thabo.play(
        "me: START\nbot: start.ask_consent_again\nbot: registration.ask_consent\nme: 1 3\nbot: start.welcome_back"
    )
    await again.join(home="Leeds")
    await again.play("me: SURVEY\nbot: Small survey")
    await again.play(
        f"me: {await code_of(thabo)}\nbot: link_chat.done\nbot: link_chat.ask_channel\n"
        "me: [Telegram]\nbot: link_chat.preferred | Telegram"
    )
    assert again.done == await village.app.database.query(_noted, again) - thabo.done
    # Of two ledgers the more careful word counts: one of them had kept news and surveys only.
    assert await village.app.database.query(consent.granted_purposes, await again.details()) == {"news", "surveys"}
    contact = await again.details()
    assert contact.id == (await thabo.details()).id
    assert (contact.residence, contact.state) == ("ZA", State.MEMBER)
    assert await village.app.database.query(_rows) == (1, 2, 1)
    again.done = thabo.done = 0
    await again.play("me: STOP\nbot: stop.confirmed\nbot: stop.other_channel | Telegram")
    await again.play("me: [button.stop_both]\nbot: stop.already")
    await thabo.play("me: hello\nbot: stop.already")
    assert await village.app.database.query(consent.granted_purposes, contact) == set()


def _noted(db: Session, person: Person) -> int:
    contact = person.contact(db)
    assert contact
    return db.scalar(select(func.count()).select_from(InboxMessage).where(InboxMessage.contact_id == contact.id)) or 0


def _rows(db: Session) -> tuple[int, ...]:
    return tuple(db.scalar(select(func.count()).select_from(table)) or 0 for table in (Contact, Address, Run))


async def test_a_newcomer_with_a_code_need_not_join_again(person: People) -> None:
    thabo, again = person("whatsapp", "fr"), person("telegram", "fr")
    await thabo.join("MU", "Lyon")
    await again.play(
        f"me: /start\nbot: registration.choose_language\nme: {await code_of(thabo)}\n"
        "bot: link_chat.done\nbot: link_chat.ask_channel"
    )
    again.done = 0
    await again.play("me: MES DONNEES\nbot: mydata.summary | Lyon\nbot: mydata.sent\nbot: mydata.sent_rows")


async def test_a_code_works_once_for_a_while_and_for_another_channel_only(person: People) -> None:
    thabo, second, third = person("whatsapp"), person("telegram"), person("telegram")
    await thabo.join()
    code = await code_of(thabo)
    same = person("whatsapp")
    await same.play(f"me: {code}\nbot: link_chat.wrong")
    await second.play(
        f"me: {code[:-1]}X\nbot: registration.choose_language\nme: LINK-999999-{code[-8:]}\nbot: link_chat.wrong"
    )
    await second.play(f"me: {code.lower()}\nbot: link_chat.done\nbot: link_chat.ask_channel")
    await third.play(f"me: {code}\nbot: link_chat.wrong")
    late, fourth = person("whatsapp"), person("telegram")
    await late.join()
    code = await code_of(late)
    clock.advance(timedelta(minutes=21))
    await fourth.play(f"me: {code}\nbot: link_chat.wrong")


async def test_who_refused_or_left_is_not_joined_to_anybody(person: People) -> None:
    thabo, left = person("whatsapp"), person("telegram")
    await thabo.join()
    await left.join()
    await left.play("me: STOP\nbot: stop.confirmed")
    await left.play(f"me: {await code_of(thabo)}\nbot: link_chat.wrong")
