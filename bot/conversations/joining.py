"""The first three questions: language, consent, being an adult. Before they are answered nothing else is kept."""

from collections.abc import Sequence
from typing import Any

from bot import clock
from bot.channels.base import Button
from bot.contacts import consent
from bot.contacts.consent import ASKED_TOGETHER, Proof
from bot.contacts.models import Decision, Purpose, State
from bot.content.languages import LANGUAGES
from bot.conversations import choices, wordings
from bot.conversations.steps import END, Step
from bot.conversations.talk import Talk
from bot.messaging import outbox
from bot.messaging.outbox import Message
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind

WORDING = "consent.wording.v1"
_AGREE, _DECLINE = "button.agree", "button.decline"


def _ask_language(talk: Talk) -> None:
    buttons = [Button(f"reg:language:{language.code}", language.name) for language in LANGUAGES.values()]
    talk.say("registration.choose_language", *buttons)


def _take_language(talk: Talk, said: str) -> str | None:
    language = choices.language(talk, said)
    if language is None:
        return None
    talk.contact.language = language
    talk.send(Message(talk.with_notice("registration.welcome")))
    return "consent"


def _ask_consent(talk: Talk) -> None:
    wording = talk.content.catalogue.consent_text(WORDING, talk.language)
    buttons = talk.button("reg:consent:yes", _AGREE), talk.button("reg:consent:no", _DECLINE)
    talk.say("registration.ask_consent", *buttons, wording=wording)


def _take_consent(talk: Talk, said: str) -> str | None:
    agreed = choices.agreement(talk, said, _AGREE, _DECLINE)
    purposes = ASKED_TOGETHER if agreed else _numbered(said)
    if not purposes and agreed is not False:
        return None
    shown = _shown(talk, said)
    if talk.contact.state == State.MEMBER:
        _change(talk, purposes, shown)
        return END
    if agreed is False:
        _decline(talk, shown)
        return END
    if talk.contact.joined_at is not None:  # known to be an adult
        _join(talk, purposes, shown)
        talk.say("start.welcome_back")
        return END if talk.contact.origin else "origin"
    # Kept aside until the person is known to be an adult: of a child nothing may stay.
    talk.open("adult", consent={"purposes": list(purposes), **shown})
    return "adult"


def _numbered(said: str) -> tuple[Purpose, ...]:
    wanted = choices.numbers(said, len(ASKED_TOGETHER))
    return tuple(purpose for number, purpose in enumerate(ASKED_TOGETHER, 1) if number in wanted)


def _shown(talk: Talk, said: str) -> dict[str, Any]:
    """Return what proves the answer: of a wording that changes meanwhile, the one that was shown counts."""
    return {
        "said": said,
        "inbound_id": talk.inbox_id,
        "wording": WORDING,
        "wording_hash": wordings.keep(talk.db, talk.content, WORDING, talk.language),
        "language": talk.language,
        "channel": talk.address.channel,
    }


def _change(talk: Talk, wanted: Sequence[Purpose], shown: dict[str, Any]) -> None:
    """Bring a member's consents to what was said now."""
    held = consent.granted_purposes(talk.db, talk.contact)
    gone = [purpose for purpose in ASKED_TOGETHER if purpose in held and purpose not in wanted]
    new = [purpose for purpose in wanted if purpose not in held]
    consent.record(talk.db, talk.contact, gone, Decision.WITHDRAWN, Proof(**shown))
    consent.record(talk.db, talk.contact, new, Decision.GRANTED, Proof(**shown))
    for purpose in gone:
        outbox.cancel_unasked(talk.db, talk.contact.id, "consent_withdrawn", purpose)
    names = [talk.text(f"purpose.{purpose}") for purpose in wanted]
    talk.say("consent.saved", purposes=", ".join(names) or talk.text("consent.no_purpose"))


def _decline(talk: Talk, shown: dict[str, Any]) -> None:
    consent.record(talk.db, talk.contact, ASKED_TOGETHER, Decision.REFUSED, Proof(**shown))
    if talk.contact.state == State.STOPPED:
        talk.say("stop.already")
        return
    talk.contact.state = State.DECLINED
    talk.say("registration.declined")


def _join(talk: Talk, purposes: Sequence[Purpose], shown: dict[str, Any]) -> None:
    consent.record(talk.db, talk.contact, purposes, Decision.GRANTED, Proof(**shown))
    talk.contact.state = State.MEMBER
    if talk.contact.joined_at is None:
        talk.contact.joined_at = clock.now()
        webhooks.emit(talk.db, Kind.MEMBER_JOINED, {"contact": talk.contact.id})


def _ask_adult(talk: Talk) -> None:
    buttons = talk.button("reg:adult:yes", "button.yes"), talk.button("reg:adult:no", "button.no")
    talk.say("registration.ask_adult", *buttons)


def _take_adult(talk: Talk, said: str) -> str | None:
    adult = choices.agreement(talk, said)
    if adult is None:
        return None
    if not adult:
        talk.contact.state = State.UNDERAGE
        talk.say("registration.underage")
        return END
    given = dict(talk.dialogue.data["consent"])
    purposes = [Purpose(code) for code in given.pop("purposes")]
    _join(talk, purposes, given)
    talk.contact.source = talk.dialogue.data.get("source")
    return "origin"


STEPS = {
    "language": Step(_ask_language, _take_language),
    "consent": Step(_ask_consent, _take_consent),
    "adult": Step(_ask_adult, _take_adult),
}
