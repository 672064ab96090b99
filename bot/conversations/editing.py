"""A message that its sender changes: the last answer to a survey is corrected, of others we say what to do."""

from dataclasses import replace

from bot.contacts.models import State
from bot.conversations import registration
from bot.conversations.talk import Talk
from bot.messaging import inbox
from bot.surveys import service as surveys


def take(talk: Talk) -> None:
    """Take new words in the place of the old ones, where what they answered is still the last thing we asked."""
    earlier = inbox.earlier_version(talk.db, talk.contact.id, talk.inbound, talk.inbox_id)
    if earlier and earlier.text == talk.inbound.text:
        return  # the provider added a preview of an address, or the like
    if registration.is_open(talk):
        talk.say("unknown.edited")
        registration.ask(talk)
    elif talk.contact.state == State.MEMBER:
        _take_of_member(talk, earlier)


def _take_of_member(talk: Talk, earlier: inbox.Earlier | None) -> None:
    run = surveys.open_run(talk.db, talk.contact) if talk.dialogue.step is None else None
    if run is None:
        talk.say("unknown.edited")
    elif earlier is None or not earlier.is_last:
        talk.say("survey.edited_late")
    else:
        typed = replace(talk.inbound, kind="text")
        for message in surveys.correct(talk.db, talk.content, talk.contact, run, typed, earlier.text, earlier.at):
            talk.send(message)
