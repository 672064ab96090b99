"""The same lives on both channels and in every language: too young, linked and erased, on a list of an embassy."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts import importing
from bot.contacts.models import State
from bot.contacts.sheets import Row
from bot.content.languages import LANGUAGES
from bot.conversations import inviting
from bot.demo.stage import Stage
from tests.journeys.chat import Person
from tests.journeys.conftest import People, somebody
from tests.journeys.test_one_person import two_chats

pytestmark = pytest.mark.asyncio(loop_scope="session")
everywhere = pytest.mark.parametrize(
    ("channel", "other", "language"),
    [(*way, code) for way in (("telegram", "whatsapp"), ("whatsapp", "telegram")) for code in LANGUAGES],
)


@everywhere
async def test_who_is_too_young_leaves_nothing_and_who_is_erased_is_a_stranger(
    person: People, channel: str, other: str, language: str
) -> None:
    child = person(channel, language)
    await child.play(
        f"""
        me: START school
        bot: registration.choose_language
        me: {LANGUAGES[language].name}
        bot: registration.welcome
        bot: registration.ask_consent
        me: 1 3
        bot: registration.ask_adult
        me: [button.no]
        bot: registration.underage
        me: MENU
        bot: registration.underage
        """
    )
    kept = await child.details()
    assert (kept.state, kept.source, kept.origin) == (State.UNDERAGE, None, None)

    first, second = await two_chats(person, channel, other, language)
    await second.play("me: DELETE\nbot: delete.confirm\nme: [button.erase]\nbot: delete.done")
    assert await first.stage.app.run_job("erasures") == 1
    await first.play("me: hello\nbot: registration.choose_language")
    second.done = 0
    await second.play("me: hello\nbot: registration.choose_language")


@pytest.mark.asyncio(loop_scope="function")
async def test_people_of_a_list_are_invited_once_in_its_language_and_decide_themselves(village: Stage) -> None:
    clock.move_to(clock.now().replace(hour=8, minute=0) + timedelta(days=1))
    people = {code: somebody(village, "whatsapp", code) for code in LANGUAGES}
    nameless = somebody(village, "whatsapp", "en")
    assert await village.app.database.run(_import, village, people | {"": nameless}) == 6
    assert await village.app.database.run(_import, village, people) == 0  # nobody is asked twice
    village.app.nudge()
    english, french = "We received your contact from the embassy", "Nous avons reçu votre contact par the embassy"
    for code, one in people.items():
        await one.hear(french if code in ("fr", "mfe") else english)
    await nameless.hear(english, "Bonjour")
    no = people.pop("ny")
    await no.play("me: [No]\nbot: registration.declined\nme: hello\nbot: registration.declined")
    for code, one in people.items():
        await one.play(
            f"""
            me: {"[Oui]" if code in ("fr", "mfe") else "yes"}
            bot: registration.choose_language
            me: {LANGUAGES[code].name}
            bot: registration.welcome
            bot: registration.ask_consent
            me: [button.agree]
            bot: registration.ask_adult
            me: [button.yes]
            bot: registration.ask_origin
            """
        )
        assert (await one.details()).source == "the embassy"
    await nameless.play("me: [Yes / Oui]\nbot: registration.choose_language")


def _import(db: Session, village: Stage, people: dict[str, Person]) -> int:
    sender = village.app.channels["whatsapp"].sender
    rows = [
        Row(line, one.phone.address.removeprefix("whatsapp:"), None, LANGUAGES[code].name if code else "")
        for line, (code, one) in enumerate(people.items(), 2)
    ]
    verdicts = importing.judge(db, rows, sender, None, language_of=village.app.content.keywords.language)
    assert inviting.is_approved(db, village.app.content)
    batch = importing.take(db, verdicts, sender, "the embassy", "1")
    return inviting.invite(db, batch) if batch else 0
