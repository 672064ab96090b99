"""The questions about a member that follow: all may be skipped, all can be changed later."""

from bot.channels.base import Button
from bot.contacts import service
from bot.content import Keyword
from bot.content.places import Place
from bot.conversations import choices
from bot.conversations.steps import ASKED_AGAIN, END, Step
from bot.conversations.talk import Talk
from bot.messaging.outbox import Message

ORIGINS = ("LS", "MW", "MU", "multi", "other")
LINKS = ("born", "citizen", "parent", "grandparent", "partner", "other", "pnts")
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
_LONGEST_CITY = 80
_ECHO = 60  #: characters of an answer that we repeat


def _skipped(talk: Talk, said: str) -> bool:
    return talk.content.keywords.match(said) == Keyword.SKIP


def _ask_origin(talk: Talk) -> None:
    talk.say("registration.ask_origin", *choices.buttons(talk, "origin", "origin", ORIGINS))


def _take_origin(talk: Talk, said: str) -> str | None:
    if _skipped(talk, said):
        return "residence"
    origin = choices.chosen(talk, said, "origin", ORIGINS)
    if origin is None:
        return None
    if origin != talk.contact.origin:  # what was said of another country does not count for this one
        talk.contact.origin, talk.contact.link = origin, None
    return "residence" if origin == "other" else "link"


def _ask_link(talk: Talk) -> None:
    buttons = *choices.buttons(talk, "link", "link", LINKS), talk.button("reg:link:skip", "button.skip")
    talk.say("registration.ask_link", *buttons)


def _take_link(talk: Talk, said: str) -> str | None:
    if _skipped(talk, said):
        return "residence"
    link = choices.chosen(talk, said, "link", LINKS)
    if link is None:
        return None
    talk.contact.link = link
    return "residence"


def _ask_residence(talk: Talk) -> None:
    talk.say("registration.ask_residence")


def _take_residence(talk: Talk, said: str) -> str | None:
    if _skipped(talk, said):
        return "interests"
    if guess := talk.dialogue.data.get("guess"):
        if talk.keyword == Keyword.YES:
            return _settle(talk, Place(guess))
        talk.open("residence", guess=None)  # a later yes does not mean this one
    found = _pressed_country(talk, said) if talk.inbound.button else talk.content.places.find_country(said)
    if not found:
        talk.say("registration.residence_unknown", answer=said[:_ECHO])
        return ASKED_AGAIN
    if len(found) > 1:
        _ask_which(talk, found)
        return ASKED_AGAIN
    if not found[0].sure:
        _ask_whether(talk, found[0].country, said)
        return ASKED_AGAIN
    return _settle(talk, found[0])


def _pressed_country(talk: Talk, code: str) -> list[Place]:
    return [Place(code)] if code in talk.content.places.codes else []


def _ask_which(talk: Talk, found: list[Place]) -> None:
    names = {place.country: talk.content.places.country_name(place.country, talk.language) for place in found}
    buttons = [Button(f"reg:residence:{country}", name) for country, name in names.items()]
    talk.say("registration.residence_which", *buttons)


def _ask_whether(talk: Talk, country: str, said: str) -> None:
    """Ask about the one country that what was written resembles."""
    name = talk.content.places.country_name(country, talk.language)
    button = Button(f"reg:residence:{country}", name)
    talk.say("registration.residence_confirm", button, answer=said[:_ECHO], country=name)
    talk.open("residence", guess=country)


def _settle(talk: Talk, place: Place) -> str:
    """Note where the person lives and return what is still to be asked about it."""
    zones = talk.content.places.zones(place.country)
    talk.contact.residence, talk.contact.city = place.country, place.city
    talk.contact.zone = place.zone or (zones[0].name if len(zones) == 1 else None)
    return _after_city(talk) if place.city else "city"


def _after_city(talk: Talk) -> str:
    return "interests" if talk.contact.zone else "timezone"


def _ask_city(talk: Talk) -> None:
    talk.say("registration.ask_city", talk.button("reg:city:skip", "button.skip"))


def _take_city(talk: Talk, said: str) -> str | None:
    if _skipped(talk, said):
        return _after_city(talk)
    city = " ".join(said.split())
    if not any(char.isalpha() for char in city) or len(city) > _LONGEST_CITY:
        return None
    country = talk.contact.residence
    known = [place for place in talk.content.places.find_country(city) if place.country == country and place.city]
    talk.contact.city = known[0].city if known and known[0].sure else city
    talk.contact.zone = talk.contact.zone or (known[0].zone if known and known[0].sure else None)
    return _after_city(talk)


def _ask_timezone(talk: Talk) -> None:
    country = str(talk.contact.residence)
    buttons = [Button(f"reg:timezone:{zone.name}", talk.text(zone.key)) for zone in talk.content.places.zones(country)]
    talk.say("registration.ask_timezone", *buttons, country=talk.content.places.country_name(country, talk.language))


def _take_timezone(talk: Talk, said: str) -> str | None:
    if _skipped(talk, said):
        return "interests"
    zones = talk.content.places.zones(str(talk.contact.residence))
    zone = choices.chosen(talk, said, "zone", [zone.name for zone in zones])
    if zone is None:
        return None
    talk.contact.zone = zone
    return "interests"


def has_several_zones(talk: Talk) -> bool:
    """Say whether there is a time zone to choose where the person lives."""
    country = talk.contact.residence
    return country is not None and len(talk.content.places.zones(country)) > 1


def _ask_interests(talk: Talk) -> None:
    lines = [f"{number} {talk.text(f'interest.{code}')}" for number, code in enumerate(INTERESTS, start=1)]
    buttons = talk.button("reg:interests:done", "button.done"), talk.button("reg:interests:skip", "button.skip")
    talk.send(Message("\n".join([talk.text("registration.ask_interests"), "", *lines]), buttons))


def _take_interests(talk: Talk, said: str) -> str | None:
    if talk.content.keywords.match(said) in (Keyword.DONE, Keyword.SKIP):
        if not talk.dialogue.data.get("changing"):
            talk.say("registration.done")
        return END
    codes = choices.several(talk, said, "interest", INTERESTS)
    if not codes:
        return None
    chosen = set(service.interests(talk.db, talk.contact)) ^ set(codes)
    service.set_interests(talk.db, talk.contact, [code for code in INTERESTS if code in chosen])
    if not chosen:
        talk.say("registration.interests_none")
        return ASKED_AGAIN
    names = ", ".join(talk.text(f"interest.{code}") for code in INTERESTS if code in chosen)
    talk.say("registration.interests_saved", talk.button("reg:interests:done", "button.done"), interests=names)
    return ASKED_AGAIN


def _names_origin(talk: Talk, said: str) -> bool:
    return choices.chosen(talk, said, "origin", ORIGINS) is not None


def _names_interests(talk: Talk, said: str) -> bool:
    return bool(choices.several(talk, said, "interest", INTERESTS))


STEPS = {
    "origin": Step(_ask_origin, _take_origin, _names_origin),
    "link": Step(_ask_link, _take_link),
    "residence": Step(_ask_residence, _take_residence),
    "city": Step(_ask_city, _take_city),
    "timezone": Step(_ask_timezone, _take_timezone),
    "interests": Step(_ask_interests, _take_interests, _names_interests),
}
