"""INVITE: a member forwards a link, and who joins by it came from a member that nobody can name."""

import re

import pytest

from bot.contacts import links
from bot.contacts.models import JoinLink
from tests.journeys.conftest import People

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("channel", "other"), [("telegram", "whatsapp"), ("whatsapp", "telegram")])
async def test_a_friend_joins_by_a_members_link(person: People, channel: str, other: str) -> None:
    palesa, thabo = person(channel, "fr"), person(other)
    await palesa.join()
    await palesa.play("me: inviter\nbot: invite.how\nbot: invite.text | https://t.me/ | https://wa.me/")
    [code] = {*re.findall(r"(?:start=|START%20)(m-[0-9a-f]+)", palesa.heard[-1].text)}
    await palesa.play("me: MON LIEN\nbot: invite.how\nbot: invite.text | {code}", code=code)
    await thabo.play("me: START {code}\nbot: registration.choose_language", code=code)
    await thabo.play(
        """
        me: [English]
        bot: registration.welcome
        bot: registration.ask_consent
        me: [button.agree]
        bot: registration.ask_adult
        me: [button.yes]
        bot: registration.ask_origin
        """
    )
    assert (await thabo.details()).source == code
    await palesa.play("me: EFFACER\nbot: delete.confirm\nme: [button.erase]\nbot: delete.done")
    await palesa.stage.app.run_job("erasures")
    assert await thabo.query(lambda db: db.get(JoinLink, code)) is None
    assert (await thabo.details()).source == code
    counted = await thabo.run(links.origins)
    assert code not in str([row.name for row in counted])


async def test_who_is_no_member_has_nothing_to_forward(person: People) -> None:
    await person("whatsapp").play("me: INVITE\nbot: registration.choose_language")
