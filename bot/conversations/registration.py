"""Registration: a table of questions, each asked in one function and understood in another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot import clock
from bot.channels.base import Button
from bot.contacts import consent, service
from bot.contacts.consent import ASKED_TOGETHER, Proof
from bot.contacts.models import Decision, Purpose, State
from bot.content import Keyword
from bot.content.languages import LANGUAGES
from bot.content.normalise import normalise
from bot.content.places import Place
from bot.conversations.talk import Talk
from bot.messaging import outbox
from bot.messaging.outbox import Message

WORDING = "consent.wording.v1"
ORIGINS = ("LS", "MW", "MU", "multi", "other")
INTERESTS = (
    "savings",
    "bonds",
    "business",
    "property",
    "agriculture",
    "tourism",
    "technology",
    "remittances",
    "skills",
    "training",
)
#: Returned by a step that has said itself why it asks again.
ASKED_AGAIN = "asked again"


@dataclass(frozen=True, slots=True)
class Step:
    """One question: `ask` queues it, `take` returns the next step's name, or None when it did not understand."""

    ask: Callable[[Talk], None]
    take: Callable[[Talk, str], str | None]


def begin(talk: Talk, source: str | None) -> None:
    """Start at the language, remembering through which link the person came."""
    talk.open("language", source=source)
    ask(talk)


def ask(talk: Talk) -> None:
    """Ask the open question (again)."""
    STEPS[str(talk.dialogue.step)].ask(talk)


def take(talk: Talk) -> None:
    """Read an answer to the open question and go on to the next."""
    step = str(talk.dialogue.step)
    prefix = f"reg:{step}:"
    if talk.inbound.button is not None and not talk.inbound.button.startswith(prefix):
        _stale_button(talk)
        return
    said = (talk.inbound.button or "").removeprefix(prefix) or talk.inbound.text
    following = STEPS[step].take(talk, said)
    if following is None:
        talk.say("registration.not_understood")
        ask(talk)
    elif following != ASKED_AGAIN:
        _go(talk, step, said, following)


def _go(talk: Talk, step: str, said: str, following: str) -> None:
    changing = bool(talk.dialogue.data.get("changing"))
    if following == END or (changing and following != "timezone"):
        talk.open(None)
        if changing:
            talk.say("profile.changed")
        return
    talk.open(following, before=f"reg:{step}:{said}")
    ask(talk)


def _stale_button(talk: Talk) -> None:
    """A second press of the same button says nothing new; another one is answered with the open question."""
    if talk.inbound.button != talk.dialogue.data.get("before"):
        ask(talk)


END = "end"


def _choices(talk: Talk, step: str, prefix: str, codes: tuple[str, ...]) -> tuple[Button, ...]:
    return tuple(Button(f"reg:{step}:{code}", talk.text(f"{prefix}.{code}")) for code in codes)


def _chosen(talk: Talk, said: str, prefix: str, codes: tuple[str, ...]) -> str | None:
    """Return the code that was meant by a code, a number or a label in any language."""
    wanted = normalise(said)
    if said in codes:
        return said
    if wanted.isdecimal() and 1 <= int(wanted) <= len(codes):
        return codes[int(wanted) - 1]
    labels = talk.content.catalogue.text
    for code in codes:
        if any(normalise(labels(f"{prefix}.{code}", language)) == wanted for language in LANGUAGES):
            return code
    return None


def _yes_or_no(talk: Talk, said: str) -> bool | None:
    meaning = talk.content.keywords.match(said)
    return {Keyword.YES: True, Keyword.NO: False}.get(meaning) if meaning else None


def _yes_no_buttons(talk: Talk, step: str, yes: str, no: str) -> tuple[Button, ...]:
    return talk.button(f"reg:{step}:yes", yes), talk.button(f"reg:{step}:no", no)


def _ask_language(talk: Talk) -> None:
    buttons = [Button(f"reg:language:{language.code}", language.name) for language in LANGUAGES.values()]
    talk.say("registration.choose_language", *buttons)


def _take_language(talk: Talk, said: str) -> str | None:
    language = language_of(talk, said)
    if language is None:
        return None
    talk.contact.language = language
    talk.say("registration.welcome")
    return "consent"


def language_of(talk: Talk, said: str) -> str | None:
    """Return the language that a code, a number or a name means."""
    codes = tuple(LANGUAGES)
    wanted = normalise(said)
    if wanted.isdecimal() and 1 <= int(wanted) <= len(codes):
        return codes[int(wanted) - 1]
    return said if said in codes else talk.content.keywords.language(said)


def _ask_consent(talk: Talk) -> None:
    wording = talk.content.catalogue.consent_text(WORDING, talk.language)
    buttons = _yes_no_buttons(talk, "consent", "button.agree", "button.decline")
    talk.say("registration.ask_consent", *buttons, wording=wording)


def _take_consent(talk: Talk, said: str) -> str | None:
    agreed = _yes_or_no(talk, said)
    purposes = ASKED_TOGETHER if agreed else _numbered_purposes(said)
    if not purposes and agreed is not False:
        return None
    if talk.contact.state == State.MEMBER:
        _change_consent(talk, set(purposes), Proof(**_proof(talk, said)))
        return END
    if agreed is False:
        _decline(talk)
        return END
    # Kept aside until the person is known to be an adult: of a child nothing may stay.
    talk.open("adult", consent={"purposes": list(purposes), **_proof(talk, said)})
    return "adult"


def _change_consent(talk: Talk, wanted: set[Purpose], proof: Proof) -> None:
    held = consent.granted_purposes(talk.db, talk.contact)
    gone = [purpose for purpose in ASKED_TOGETHER if purpose in held and purpose not in wanted]
    new = [purpose for purpose in ASKED_TOGETHER if purpose in wanted and purpose not in held]
    consent.record(talk.db, talk.contact, gone, Decision.WITHDRAWN, proof)
    consent.record(talk.db, talk.contact, new, Decision.GRANTED, proof)
    for purpose in gone:
        outbox.cancel_unasked(talk.db, talk.contact.id, "consent_withdrawn", purpose)


def _numbered_purposes(said: str) -> tuple[Purpose, ...]:
    numbers = {int(part) for part in normalise(said).split() if part.isdecimal()}
    if not numbers or not numbers <= set(range(1, len(ASKED_TOGETHER) + 1)):
        return ()
    return tuple(purpose for number, purpose in enumerate(ASKED_TOGETHER, 1) if number in numbers)


def _proof(talk: Talk, said: str) -> dict[str, Any]:
    return {
        "said": said,
        "inbound_id": talk.inbox_id,
        "wording": WORDING,
        "wording_hash": talk.content.catalogue.version_hash(WORDING, talk.language),
        "language": talk.language,
        "channel": talk.address.channel,
    }


def _decline(talk: Talk) -> None:
    consent.record(talk.db, talk.contact, ASKED_TOGETHER, Decision.REFUSED, Proof(**_proof(talk, talk.said)))
    talk.contact.state = State.DECLINED
    service.forget_profile(talk.contact)
    talk.say("registration.declined")


def _ask_adult(talk: Talk) -> None:
    talk.say("registration.ask_adult", *_yes_no_buttons(talk, "adult", "button.yes", "button.no"))


def _take_adult(talk: Talk, said: str) -> str | None:
    adult = _yes_or_no(talk, said)
    if adult is None:
        return None
    if not adult:
        talk.contact.state = State.UNDERAGE
        service.forget_profile(talk.contact)
        talk.say("registration.underage")
        return END
    given = dict(talk.dialogue.data["consent"])
    purposes = [Purpose(code) for code in given.pop("purposes")]
    consent.record(talk.db, talk.contact, purposes, Decision.GRANTED, Proof(**given))
    talk.contact.state, talk.contact.joined_at = State.MEMBER, clock.now()
    talk.contact.source = talk.dialogue.data.get("source")
    return "origin"


def _ask_origin(talk: Talk) -> None:
    talk.say("registration.ask_origin", *_choices(talk, "origin", "origin", ORIGINS))


def _take_origin(talk: Talk, said: str) -> str | None:
    origin = _chosen(talk, said, "origin", ORIGINS)
    if origin is None:
        return None
    talk.contact.origin = origin
    return "residence"


def _ask_residence(talk: Talk) -> None:
    talk.say("registration.ask_residence")


def _take_residence(talk: Talk, said: str) -> str | None:
    found = [Place(said)] if talk.inbound.button else talk.content.places.find_country(said)
    if not found:
        talk.say("registration.residence_unknown", answer=said[:60])
        return ASKED_AGAIN
    if len(found) > 1 or not found[0].sure:
        names = {place.country: talk.content.places.country_name(place.country, talk.language) for place in found}
        buttons = [Button(f"reg:residence:{country}", name) for country, name in names.items()]
        talk.say("registration.residence_which", *buttons)
        return ASKED_AGAIN
    place = found[0]
    talk.contact.residence, talk.contact.city = place.country, place.city
    zones = talk.content.places.zones(place.country)
    talk.contact.zone = place.zone or (zones[0].name if len(zones) == 1 else None)
    return "interests" if talk.contact.zone else "timezone"


def _ask_timezone(talk: Talk) -> None:
    country = str(talk.contact.residence)
    buttons = [Button(f"reg:timezone:{zone.name}", talk.text(zone.key)) for zone in talk.content.places.zones(country)]
    talk.say("registration.ask_timezone", *buttons, country=talk.content.places.country_name(country, talk.language))


def _take_timezone(talk: Talk, said: str) -> str | None:
    zones = talk.content.places.zones(str(talk.contact.residence))
    zone = _chosen(talk, said, "zone", tuple(zone.name for zone in zones))
    if zone is None:
        return None
    talk.contact.zone = zone
    return "interests"


def _ask_interests(talk: Talk) -> None:
    lines = [f"{number} {talk.text(f'interest.{code}')}" for number, code in enumerate(INTERESTS, start=1)]
    buttons = talk.button("reg:interests:done", "button.done"), talk.button("reg:interests:skip", "button.skip")
    talk.send(Message("\n".join([talk.text("registration.ask_interests"), "", *lines]), buttons))


def _take_interests(talk: Talk, said: str) -> str | None:
    meaning = talk.content.keywords.match(said)
    if meaning in (Keyword.DONE, Keyword.SKIP):
        if not talk.dialogue.data.get("changing"):
            talk.say("registration.done")
        return END
    codes = _many(talk, said)
    if not codes:
        return None
    chosen = set(service.interests(talk.db, talk.contact)) ^ set(codes)
    service.set_interests(talk.db, talk.contact, [code for code in INTERESTS if code in chosen])
    if not chosen:
        talk.say("registration.interests_none")
        return ASKED_AGAIN
    names = ", ".join(talk.text(f"interest.{code}") for code in INTERESTS if code in chosen)
    buttons = (talk.button("reg:interests:done", "button.done"),)
    talk.say("registration.interests_saved", *buttons, interests=names)
    return ASKED_AGAIN


def _many(talk: Talk, said: str) -> list[str]:
    """Return the codes meant by "1,3", "1 3" or labels; nothing when any part is not understood."""
    parts = said.split(",") if "," in said else said.split() if normalise(said).replace(" ", "").isdecimal() else [said]
    codes = [_chosen(talk, part.strip(), "interest", INTERESTS) for part in parts if part.strip()]
    return [] if None in codes else [code for code in codes if code]


STEPS: dict[str, Step] = {
    "language": Step(_ask_language, _take_language),
    "consent": Step(_ask_consent, _take_consent),
    "adult": Step(_ask_adult, _take_adult),
    "origin": Step(_ask_origin, _take_origin),
    "residence": Step(_ask_residence, _take_residence),
    "timezone": Step(_ask_timezone, _take_timezone),
    "interests": Step(_ask_interests, _take_interests),
}
