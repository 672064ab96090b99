"""What members say about investment cards: browse, save, ask, be interested, take it back."""

from bot.contacts import consent
from bot.contacts import service as contacts
from bot.contacts.consent import Proof
from bot.contacts.models import Decision, Purpose
from bot.content import Keyword
from bot.conversations import choices, tickets, wordings
from bot.conversations.models import TicketKind
from bot.conversations.talk import Talk
from bot.messaging.outbox import Message
from bot.opportunities import browsing, gate, leads, service, touches, wording
from bot.opportunities.models import Opportunity, TouchKind

#: Questions asked out of turn about a card, or about being told.
ASKING, DETAILS, SHARING, MATCHING = "card_question", "card_details", "card_sharing", "card_matching"
STEPS = (ASKING, DETAILS, SHARING, MATCHING)
MATCH_WORDING = "opportunity.match_ask.v1"
_AGREE, _DECLINE = "button.agree", "button.decline"
_LEAST_DIGITS = 7  #: of a phone number


def ways_in(talk: Talk) -> Message:
    """Return the ways to look at cards."""
    return browsing.ways_in(talk.db, talk.content, talk.contact)


def press(talk: Talk, rest: str) -> list[Message]:
    """Answer a pressed button, "by:..." or "<card>:<what>"; one of long ago reads kindly that it is over."""
    number, _, what = rest.partition(":")
    if number == "by":
        return _by(talk, what)
    card_id = browsing.read_id(number)
    if card_id is None:
        return [ways_in(talk)]
    if what == "unsave":
        return [browsing.unsave(talk.db, talk.content, talk.contact, card_id)]
    if what in ("withdraw", "heard", "not_yet"):  # of a lead: good whether the card is shown or not
        return _about_lead(talk, card_id, what)
    card = service.find_visible(talk.db, talk.content, card_id)
    if card is None:
        return [browsing.expired(talk.content, talk.contact)]
    return _about_card(talk, card, what)


def _by(talk: Talk, how: str) -> list[Message]:
    if how == "match_on":
        return _ask_matching(talk)
    if how == "match_off":
        talk.contact.wants_matches = False
        return [Message(talk.text("opportunity.match_off"))]
    return [browsing.by(talk.db, talk.content, talk.contact, how)]


def _about_card(talk: Talk, card: Opportunity, what: str) -> list[Message]:
    match what:
        case "save":
            return browsing.save(talk.db, talk.content, talk.contact, card)
        case "ask":
            talk.ask_aside(ASKING, card=card.id)
            return _say(talk, card, "opportunity.ask_question")
        case "interest":
            talk.ask_aside(DETAILS, card=card.id)
            return _say(talk, card, "opportunity.ask_details")
        case _:
            return browsing.show(talk.db, talk.content, talk.contact, card)


def _say(talk: Talk, card: Opportunity, key: str, **values: object) -> list[Message]:
    return wording.about(talk.content, card, talk.language, key, values=values)


def _about_lead(talk: Talk, card_id: int, what: str) -> list[Message]:
    lead = leads.find(talk.db, talk.contact.id, card_id)
    card = talk.db.get(Opportunity, card_id)
    if lead is None or card is None:
        return [browsing.expired(talk.content, talk.contact)]
    if what != "withdraw":
        leads.hear(talk.db, lead, what)
        return _say(talk, card, "opportunity.followup_thanks")
    key = "opportunity.interest_withdrawn"
    leads.withdraw(talk.db, lead, _proof(talk, key, "title", "authority"))
    return wording.about(talk.content, card, talk.language, key, values={"authority": lead.authority})


def press_answer(talk: Talk, rest: str) -> list[Message]:
    """Take a button under a question of ours; one of an earlier question only shows what it was about."""
    about, _, said = rest.partition(":")
    if talk.dialogue.step in (SHARING, MATCHING) and about == str(talk.dialogue.data.get("card", "match")):
        return _take(talk, said)
    return press(talk, "by:match" if about == "match" else f"{about}:show")


def hear(talk: Talk) -> list[Message]:
    """Take what is written as the answer to the open question."""
    return _take(talk, talk.inbound.text)


def _take(talk: Talk, said: str) -> list[Message]:
    step = talk.dialogue.step
    if step == MATCHING:
        return _take_matching(talk, said)
    card = service.find_visible(talk.db, talk.content, int(talk.dialogue.data["card"]))
    if card is None:
        talk.close()
        return [browsing.expired(talk.content, talk.contact)]
    if talk.keyword == Keyword.BACK:
        talk.close()
        return browsing.show(talk.db, talk.content, talk.contact, card)
    if step == ASKING:
        return _take_question(talk, card)
    return _take_details(talk, card) if step == DETAILS else _take_sharing(talk, card, said)


def _take_question(talk: Talk, card: Opportunity) -> list[Message]:
    ticket = tickets.keep(talk, TicketKind.HUMAN, about=f"{service.KIND}:{card.id}")
    touches.note(talk.db, talk.contact, card, TouchKind.ASKED)
    talk.close()
    return _say(talk, card, "opportunity.question_received", number=ticket.id)


def _take_details(talk: Talk, card: Opportunity) -> list[Message]:
    """Show exactly what would be passed on, and ask; nothing is kept before the yes."""
    details = " ".join(talk.inbound.text.split())
    is_reachable = "@" in details or sum(char.isdigit() for char in details) >= _LEAST_DIGITS
    if talk.inbound.kind != "text" or not is_reachable or len(details) > leads.DETAILS_LIMIT:
        return _say(talk, card, "opportunity.details_unclear", limit=leads.DETAILS_LIMIT)
    return _ask_sharing(talk, card, details)


def _ask_sharing(talk: Talk, card: Opportunity, details: str) -> list[Message]:
    code = talk.contact.residence
    residence = talk.content.places.country_name(code, talk.language) if code else talk.text("profile.not_given")
    text = wording.share_text(talk.content, card, talk.language, details, residence)
    talk.ask_aside(SHARING, card=card.id, details=details, hash=gate.content_hash(card))
    buttons = [talk.button(f"share:{card.id}:yes", _AGREE), talk.button(f"share:{card.id}:no", _DECLINE)]
    return wording.messages(talk.content, card, talk.language, text, buttons)


def _take_sharing(talk: Talk, card: Opportunity, said: str) -> list[Message]:
    agreed, details = choices.agreement(talk, said, _AGREE, _DECLINE), str(talk.dialogue.data["details"])
    if agreed is None or talk.dialogue.data["hash"] != gate.content_hash(card):  # a card that changed is asked anew
        return _ask_sharing(talk, card, details)
    talk.close()
    if not agreed:
        return _say(talk, card, "opportunity.not_shared")
    proof = _proof(talk, wording.SHARE_WORDING, "title", "authority", "details", "residence")
    lead = leads.share(talk.db, talk.contact, card, details, proof)
    return _say(talk, card, "opportunity.interest_saved", reference=lead.reference)


def _ask_matching(talk: Talk) -> list[Message]:
    codes = contacts.interests(talk.db, talk.contact)
    if not codes:
        return [Message(talk.text("opportunity.match_none"))]
    interests = ", ".join(talk.text(f"interest.{code}") for code in codes)
    text = talk.content.catalogue.consent_text(MATCH_WORDING, talk.language, interests=interests)
    talk.ask_aside(MATCHING)
    buttons = (talk.button("share:match:yes", _AGREE), talk.button("share:match:no", _DECLINE))
    return [Message(f"{text}\n\n{talk.text('opportunity.risk_line')}", buttons)]


def _take_matching(talk: Talk, said: str) -> list[Message]:
    agreed = choices.agreement(talk, said, _AGREE, _DECLINE)
    if agreed is None:
        return _ask_matching(talk)
    talk.close()
    talk.contact.wants_matches = agreed
    if agreed:
        proof = _proof(talk, MATCH_WORDING, "interests")
        consent.record(talk.db, talk.contact, [Purpose.INVESTMENT], Decision.GRANTED, proof)
    return [Message(talk.text("opportunity.match_on" if agreed else "opportunity.match_off"))]


def _proof(talk: Talk, key: str, *gaps: str) -> Proof:
    """Return what was shown and said; the wording is kept for ever, with gaps where something of the person's stood."""
    text = talk.content.catalogue.consent_text(key, talk.language, **{name: f"{{{name}}}" for name in gaps})
    return Proof(
        wording=key,
        wording_hash=wordings.keep_text(talk.db, key, talk.language, text),
        language=talk.language,
        channel=talk.address.channel,
        said=talk.said,
        inbound_id=talk.inbox_id,
    )
