"""Messages that are changed after they were sent."""

import pytest
from sqlalchemy import select

from bot.emulators.phone import PhoneMessage
from bot.surveys.models import Answer

from .chat import Person
from .conftest import People

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def write(person: Person, text: str) -> PhoneMessage:
    person.done += 1
    return await person.phone.send(text)


async def edit(person: Person, message: PhoneMessage, text: str) -> None:
    person.done += 1
    await person.phone.edit(message, text)  # type: ignore[union-attr]  # WhatsApp tells nobody of edits


async def test_the_last_answer_is_corrected_an_older_one_is_not_and_a_stop_is_obeyed(person: People) -> None:
    anna = person("telegram")
    await anna.join()
    await anna.play("me: SURVEY\nbot: Small survey | Do you send money home?")
    sends = await write(anna, "perhaps")
    await anna.play("bot: Do you send money home?")
    await edit(anna, sends, "yes")  # not understood before: the question is still open
    await anna.play("bot: What do you wish for?")
    await edit(anna, sends, "no")  # understood before: the question before is answered anew
    await anna.play("bot: What do you wish for?")
    wish = await write(anna, "peace")
    await anna.play("bot: survey.review | peace")
    await edit(anna, sends, "yes")
    await anna.play("bot: survey.edited_late")
    await edit(anna, wish, "work")
    await anna.play("bot: survey.review | work")
    rows = await anna.query(lambda db: db.execute(select(Answer.value, Answer.private, Answer.superseded_at)).all())
    assert [(value or private, bool(old)) for value, private, old in rows[-4:]] == [
        ("yes", True), ("no", False), ("peace", True), ("work", False),
    ]  # fmt: skip
    await edit(anna, wish, "stop")
    await anna.play("bot: stop.confirmed")
