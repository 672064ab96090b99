"""Two chats of one person: where our messages go, what a STOP in one means, and where they go when one is blocked."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button
from bot.contacts import consent
from bot.contacts.models import Address, Purpose, Reach, State
from bot.content.languages import LANGUAGES
from bot.messaging import outbox
from bot.messaging.models import OutboxMessage, Priority
from bot.messaging.outbox import Message
from tests.journeys.chat import Person
from tests.journeys.conftest import People
from tests.journeys.test_two_chats import code_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAMES = {"telegram": "Telegram", "whatsapp": "WhatsApp"}
both_ways = pytest.mark.parametrize(("here", "there"), [("telegram", "whatsapp"), ("whatsapp", "telegram")])


async def two_chats(person: People, here: str, there: str, language: str = "en") -> tuple[Person, Person]:
    """Return one person's two phones; messages go to the one named first."""
    first, second = person(here, language), person(there, language)
    await first.join()
    await second.play(
        f"""
        me: /start
        bot: registration.choose_language
        language: {language}
        me: {await code_of(first)}
        bot: link_chat.done
        bot: link_chat.ask_channel
        me: [{NAMES[here]}]
        bot: link_chat.preferred | {NAMES[here]}
        """
    )
    first.done = second.done = 0
    return first, second


def news(db: Session, person: Person, text: str) -> int:
    """Queue something unasked, and return its row."""
    contact = person.contact(db)
    assert contact
    row = outbox.queue(
        db,
        contact,
        Message(text, (Button("yes", "Yes"),)),
        kind="notice",
        priority=Priority.REMINDER,
        purpose=Purpose.NEWS,
        once=text,
        expires_at=clock.now() + timedelta(hours=1),  # too near to wait for the morning
    )
    assert row
    return row.id


def reaches(db: Session, person: Person) -> dict[str, str]:
    contact = person.contact(db)
    assert contact
    return {row.channel: row.reach for row in db.scalars(select(Address).where(Address.contact_id == contact.id))}


@both_ways
async def test_the_preferred_channel_is_chosen_and_changed(person: People, here: str, there: str) -> None:
    first, second = await two_chats(person, here, there)
    assert (await first.details()).channel == here
    await first.play(f"me: PROFILE\nbot: profile.summary | {NAMES[here]}\nme: 9\nbot: link_chat.ask_channel")
    await first.play(f"me: {NAMES[there]}\nbot: link_chat.preferred | {NAMES[there]}")
    assert (await second.details()).channel == there


@both_ways
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_stop_in_one_chat_counts_for_both_unless_the_other_is_kept(
    person: People, here: str, there: str, language: str
) -> None:
    first, _ = await two_chats(person, here, there, language)
    await first.play(f"me: STOP\nbot: stop.confirmed\nbot: stop.other_channel | {NAMES[there]}")
    contact = await first.details()
    assert contact.state == State.STOPPED
    assert await first.query(consent.granted_purposes, contact) == set()
    await first.play(f"me: [button.keep_other]\nbot: stop.here_only | {NAMES[there]}")
    contact = await first.details()
    assert (contact.state, contact.channel) == (State.MEMBER, there)
    assert await first.query(consent.granted_purposes, contact) == set(consent.ASKED_TOGETHER)
    assert await first.query(reaches, first) == {here: Reach.CLOSED, there: Reach.OPEN}
    # An ordinary word is answered, and opens nothing.
    await first.play("me: MENU\nbot: menu.text")
    assert (await first.query(reaches, first))[here] == Reach.CLOSED
    await first.play("me: START\nbot: registration.already_member")
    assert (await first.query(reaches, first))[here] == Reach.OPEN


@both_ways
async def test_a_stop_that_is_left_at_that_stays_and_a_late_button_opens_nothing(
    person: People, here: str, there: str
) -> None:
    first, second = await two_chats(person, here, there)
    await first.play("me: STOP\nbot: stop.confirmed\nbot: stop.other_channel\nme: thanks\nbot: stop.already")
    question = first.heard[-2]
    await first.play("me: [button.stop_both]\nbot: stop.already")
    await first.tap("button.keep_other", question)
    await first.play("bot: stop.already")
    await second.play("me: hello\nbot: stop.already")
    assert (await first.details()).state == State.STOPPED


async def test_when_one_chat_is_blocked_news_go_to_the_other(person: People) -> None:
    first, second = await two_chats(person, "telegram", "whatsapp")
    await first.phone.block()
    first.done += 1
    await first.settle()
    id = await second.run(news, second, f"Only once {second.phone.address}")
    second.stage.app.nudge()
    assert (await second.phone.next_message(8)).text.startswith("Only once")
    row = await second.query(lambda db: db.get_one(OutboxMessage, id))
    assert row.channel == "whatsapp"
    with pytest.raises(TimeoutError):
        await first.phone.next_message(0.1)
