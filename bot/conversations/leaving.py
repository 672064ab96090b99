"""STOP and START: leaving is one word, and only the other one leads back."""

from bot.contacts import consent
from bot.contacts.consent import Proof
from bot.contacts.models import Decision, Purpose, State
from bot.conversations import chats, registration, staff_chats, tickets, wordings
from bot.conversations.talk import Talk
from bot.events import replies as events
from bot.messaging import outbox
from bot.opportunities import leads
from bot.surveys import service as surveys

_CONFIRMED = "stop.confirmed"
_AFTER = {State.MEMBER: State.STOPPED, State.NEW: State.DECLINED}


def stop(talk: Talk) -> None:
    """Leave: every consent is withdrawn, and nothing unasked is sent any more until an explicit START."""
    state = State(talk.contact.state)
    talk.close_all()
    staff_chats.forget(talk)
    tickets.silence(talk)
    if state not in _AFTER:
        talk.say("stop.already")
        return
    talk.say(_CONFIRMED)
    talk.contact.state = _AFTER[state]
    if state == State.NEW:  # the ledger knows of the no, whatever this chat is joined to later
        consent.record(talk.db, talk.contact, list(Purpose), Decision.REFUSED, _proof(talk))
    held = consent.granted_purposes(talk.db, talk.contact)
    withdrawn = [purpose for purpose in Purpose if purpose in held]
    consent.record(talk.db, talk.contact, withdrawn, Decision.WITHDRAWN, _proof(talk))
    outbox.cancel_unasked(talk.db, talk.contact.id, "stopped")
    surveys.withdraw(talk.db, talk.contact)
    events.withdraw(talk.db, talk.content, talk.contact)
    leads.withdraw_all(talk.db, talk.contact, _proof(talk))
    talk.contact.wants_matches = None
    chats.offer_other(talk, withdrawn)


def _proof(talk: Talk) -> Proof:
    return Proof(
        wording=_CONFIRMED,
        wording_hash=wordings.keep(talk.db, talk.content, _CONFIRMED, talk.language),
        language=talk.language,
        channel=talk.address.channel,
        said=talk.said,
        inbound_id=talk.inbox_id,
    )


def start(talk: Talk, source: str | None) -> None:
    """Join, come back, or go on with what is open; `source` is the code of the join link."""
    chats.reopen(talk)
    if registration.is_open(talk) and not registration.is_changing(talk):
        registration.ask(talk)
    elif talk.contact.state == State.MEMBER:
        talk.say("registration.already_member")
    else:
        if talk.contact.state == State.STOPPED:
            talk.say("start.ask_consent_again")
        first = "consent" if talk.contact.language else "language"
        registration.begin(talk, first, source=source or talk.contact.source)


def greet(talk: Talk) -> None:
    """Answer somebody who is no member: a newcomer is asked to join, a no is not asked again."""
    match talk.contact.state:
        case State.NEW:
            registration.begin(talk, "language", source=talk.contact.source)
        case State.STOPPED:
            talk.say("stop.already")
        case State.UNDERAGE:
            talk.say("registration.underage")
        case _:
            talk.say("registration.declined")
