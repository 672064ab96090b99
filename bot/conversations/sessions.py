"""Sessions in a chat, where more than the sessions themselves is needed: surveys, files, an address."""

import re

from bot.contacts.models import State
from bot.content import Keyword
from bot.conversations import leaving
from bot.conversations.talk import Talk
from bot.events import attendance, certificates, feeds, materials, replies, wording
from bot.events.models import Event
from bot.events.wording import Reader
from bot.messaging import owed
from bot.messaging.outbox import Message
from bot.surveys import service as surveys
from bot.surveys.publishing import newest_open

#: The question that waits for the name on a certificate.
NAMING = "certificate"
_BUTTON = re.compile(r"rsvp:([0-9]{1,15}):([a-z]+)")
_FORMS = {"pretest": "pretest_form", "posttest": "posttest_form", "feedback": "feedback_form"}
NEW_ADDRESS = "calendar:renew"


def calendar(talk: Talk, public_url: str) -> None:
    """Tell a member the address of their own calendar."""
    if talk.contact.state != State.MEMBER:
        leaving.greet(talk)
    elif not public_url:
        talk.say("session.calendar_none")
    else:
        address = f"{public_url}{feeds.path(talk.db, talk.contact)}"
        subscription = f"webcal:{address.partition(':')[2]}"  # what calendar apps call a feed that is read again
        renew = talk.button(NEW_ADDRESS, "button.new_address")
        talk.say("session.calendar_feed", renew, address=address, subscription=subscription)


def new_address(talk: Talk, public_url: str) -> None:
    """Close the address of a member's calendar, and tell another."""
    if feeds.revoke(talk.db, talk.contact) and public_url:
        talk.say("session.calendar_renewed")
    calendar(talk, public_url)


def press(talk: Talk, button: str) -> None:
    """Do what a button under a message about a session asks for."""
    found = _BUTTON.fullmatch(button)
    event = talk.db.get(Event, int(found[1])) if found else None
    choice = found[2] if found else ""
    if event is not None and choice in _FORMS:
        _ask(talk, event, choice)
    elif event is not None and choice == "certificate":
        _ask_name(talk, event)
    elif event is not None and choice == "documents":
        _documents(talk, event)
    else:
        talk.send(replies.press(talk.db, talk.content, talk.contact, button))


def _ask(talk: Talk, event: Event, choice: str) -> None:
    """Begin the survey; where a template, which has one button, hid the others, show all of them first."""
    others = event.certificate or event.posttest_form or not event.feedback_form
    if choice != "feedback" or not others or not owed.pay(talk.db, talk.address):
        _survey(talk, getattr(event, _FORMS[choice]), f"{choice}:{event.id}")


def check_in(talk: Talk) -> bool:
    """Take a typed code for a check-in; False when it is none."""
    if talk.inbound.kind != "text" or talk.contact.state != State.MEMBER:
        return False
    said = attendance.by_code(talk.db, talk.content, talk.contact, talk.inbound.text)
    if said is None:
        return False
    talk.send(said)
    return True


def take_name(talk: Talk) -> None:
    """Take what was written as the name on the certificate, or let it be."""
    event = talk.db.get_one(Event, talk.dialogue.data["event"])
    name = certificates.clean_name(talk.inbound.text)
    if talk.keyword == Keyword.SKIP:
        talk.close()
        talk.say("unknown.text")
    elif name is None:
        talk.say("certificate.bad_name")
    else:
        talk.close()
        _send_certificate(talk, event, name)


def _send_certificate(talk: Talk, event: Event, name: str) -> None:
    row = certificates.issue(talk.db, event, talk.contact, name)
    values = {"title": _title(talk, event), "name": row.name, "code": certificates.spaced(row.code)}
    again = talk.button(f"rsvp:{event.id}:certificate", "button.certificate")
    talk.send(Message(talk.text("certificate.ready", **values), (again,), media=certificates.file(row)))


def _ask_name(talk: Talk, event: Event) -> None:
    if not certificates.is_due(talk.db, event, talk.contact):
        talk.say("certificate.none", title=_title(talk, event))
        return
    talk.say("certificate.ask_name", title=_title(talk, event))
    talk.ask_aside(NAMING, event=event.id)


def _survey(talk: Talk, form_id: str | None, occasion: str) -> None:
    survey = newest_open(talk.db, form_id) if form_id else None
    if survey is None:
        talk.say("session.no_form")
        return
    for message in surveys.begin(talk.db, talk.content, talk.contact, talk.address.channel, survey, occasion=occasion):
        talk.send(message)


def _documents(talk: Talk, event: Event) -> None:
    found = materials.messages(talk.db, event) if replies.is_shown(talk.db, event, talk.contact) else []
    for message in found:
        talk.send(message)
    if not found:
        talk.say("session.no_documents")


def _title(talk: Talk, event: Event) -> str:
    return wording.title(event, Reader.of(talk.contact))
