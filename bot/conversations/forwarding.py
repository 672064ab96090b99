"""INVITE: a member's own link to forward. It tells that a member invited somebody, never who."""

from collections.abc import Callable, Mapping

from bot.contacts import links
from bot.conversations.talk import Talk


def give(talk: Talk, join_addresses: Callable[[str], Mapping[str, str]]) -> None:
    """Answer with the link on each channel, as a message of its own that can be forwarded."""
    addresses = join_addresses(links.of_member(talk.db, talk.contact).code)
    if not addresses:
        talk.say("invite.none")
        return
    named = [f"{talk.text(f'channel.{channel}')}: {address}" for channel, address in addresses.items()]
    talk.say("invite.how")
    talk.say("invite.text", links="\n".join(named))
