"""What members see of cards: the ways in, lists in pages, one card, saving."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button
from bot.contacts import service as contacts
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import SOURCE
from bot.messaging.outbox import Message
from bot.opportunities import leads, service, touches, wording
from bot.opportunities.models import COUNTRIES, SECTORS, SIZES, Opportunity, TouchKind

#: Cards of one page: with the way on they fit a list on every channel.
PAGE = 5
_ID = re.compile(r"[0-9]{1,18}")  # what a column holds: buttons can be forged
_PAGE_NUMBER = re.compile(r"[0-9]{1,3}")

#: What cards can be browsed by: name -> codes, and the key before each code's label.
_BY: dict[str, tuple[Sequence[str], str]] = {
    "country": (COUNTRIES, ""),
    "sector": (SECTORS, "interest."),
    "size": (SIZES, "size."),
}


def ways_in(db: Session, content: Content, contact: Contact) -> Message:
    """Offer the ways to look at cards; say so when there is none."""
    language = contact.language or SOURCE
    if not service.visible(db, content):
        return Message(content.catalogue.text("opportunity.none", language))
    codes = ("all", *_BY, "saved", "match")
    buttons = tuple(wording.button(content, language, f"by:{code}", f"button.opp_{code}") for code in codes)
    text = content.catalogue.text("opportunity.ways_in", language)
    return Message(f"{text}\n\n{content.catalogue.text('opportunity.risk_line', language)}", buttons)


def by(db: Session, content: Content, contact: Contact, how: str) -> Message:
    """Answer "<how>", "<how>:<code>", each perhaps with ":<page>" behind: a choice of codes, or a list of cards."""
    name, _, rest = how.partition(":")
    if name in _BY:
        code, _, page = rest.partition(":")
        if code not in _BY[name][0]:
            return _codes(db, content, contact, name)
        return _list(db, content, contact, lambda card: getattr(card, name) == code, f"{name}:{code}", page)
    if name == "saved":
        kept = set(touches.saved(db, contact))
        return _list(db, content, contact, lambda card: card.id in kept, "saved", rest, "opportunity.saved_none")
    if name == "match":
        return matching(db, content, contact, rest)
    return _list(db, content, contact, lambda _: True, "all", rest)


def matching(db: Session, content: Content, contact: Contact, page: str = "") -> Message:
    """List the cards about what the member named as an interest, and offer to be told or not."""
    interests = set(contacts.interests(db, contact))
    found = _list(db, content, contact, lambda card: card.sector in interests, "match", page, "opportunity.match_none")
    code = "match_off" if contact.wants_matches else "match_on"
    tell = wording.button(content, contact.language or SOURCE, f"by:{code}", f"button.opp_{code}")
    return replace(found, buttons=(*found.buttons, tell))


def _codes(db: Session, content: Content, contact: Contact, name: str) -> Message:
    """Ask by which country, sector or size: only those of which there is a card."""
    language, (codes, prefix) = contact.language or SOURCE, _BY[name]
    used = {getattr(card, name) for card in service.visible(db, content)}
    labels = {
        code: content.catalogue.text(f"{prefix}{code}", language)
        if prefix
        else content.places.country_name(code, language)
        for code in codes
        if code in used
    }
    if not labels:
        return Message(content.catalogue.text("opportunity.none", language))
    buttons = [Button(f"{wording.PREFIX}:by:{name}:{code}", label) for code, label in labels.items()]
    text = content.catalogue.text(f"opportunity.by_{name}", language)
    return Message(f"{text}\n\n{content.catalogue.text('opportunity.risk_line', language)}", tuple(buttons))


def _list(
    db: Session,
    content: Content,
    contact: Contact,
    wanted: Callable[[Opportunity], bool],
    how: str,
    page: str,
    nothing: str = "opportunity.none",
) -> Message:
    language = contact.language or SOURCE
    cards = [card for card in service.visible(db, content) if wanted(card)]
    if not cards:
        return Message(content.catalogue.text(nothing, language))
    number = int(page) if _PAGE_NUMBER.fullmatch(page) else 0
    shown = cards[number * PAGE : (number + 1) * PAGE] or cards[:PAGE]
    more = []
    if len(cards) > (number + 1) * PAGE:
        more.append(wording.button(content, language, f"by:{how}:{number + 1}", "button.opp_more"))
    return wording.listing(content, shown, language, more)


def show(db: Session, content: Content, contact: Contact, card: Opportunity) -> list[Message]:
    """Show one card with what can be done with it."""
    touches.note(db, contact, card, TouchKind.OPENED)
    language = contact.language or SOURCE
    checked = card.approved_at or clock.now()
    return wording.card_messages(content, card, language, checked, _choices(db, content, contact, card))


def save(db: Session, content: Content, contact: Contact, card: Opportunity) -> list[Message]:
    """Keep a card for later."""
    touches.note(db, contact, card, TouchKind.SAVED)
    choices = _choices(db, content, contact, card)
    return wording.about(content, card, contact.language or SOURCE, "opportunity.saved", choices)


def unsave(db: Session, content: Content, contact: Contact, card_id: int) -> Message:
    """Let a saved card go, also one that nobody sees any more."""
    touches.undo_save(db, contact, card_id)
    return Message(content.catalogue.text("opportunity.unsaved", contact.language or SOURCE))


def expired(content: Content, contact: Contact) -> Message:
    """Say that what an old button leads to is not shown any more."""
    return Message(content.catalogue.text("opportunity.expired", contact.language or SOURCE))


def _choices(db: Session, content: Content, contact: Contact, card: Opportunity) -> list[Button]:
    return wording.choices(
        content,
        card,
        contact.language or SOURCE,
        saved=touches.is_saved(db, contact, card),
        interested=leads.is_standing(db, contact, card),
    )


def read_id(text: str) -> int | None:
    """Return a card's id out of a button."""
    return int(text) if _ID.fullmatch(text) else None
