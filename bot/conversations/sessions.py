"""Sessions in a chat, where more than the sessions themselves is needed: surveys, files, an address."""

from bot.contacts.models import State
from bot.conversations import leaving
from bot.conversations.talk import Talk
from bot.events import feeds

NEW_ADDRESS = "calendar:renew"


def calendar(talk: Talk, public_url: str) -> None:
    """Tell a member the address of their own calendar."""
    if talk.contact.state != State.MEMBER:
        leaving.greet(talk)
    elif not public_url:
        talk.say("session.calendar_none")
    else:
        address = f"{public_url}{feeds.path(talk.db, talk.contact)}"
        talk.say("session.calendar_feed", talk.button(NEW_ADDRESS, "button.new_address"), address=address)


def new_address(talk: Talk, public_url: str) -> None:
    """Close the address of a member's calendar, and tell another."""
    if feeds.revoke(talk.db, talk.contact) and public_url:
        talk.say("session.calendar_renewed")
    calendar(talk, public_url)
