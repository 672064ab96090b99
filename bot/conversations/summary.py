"""A person's details in words: what PROFILE and MY DATA say."""

from sqlalchemy.orm import Session

from bot import clock
from bot.contacts import consent, service
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging import outbox
from bot.surveys import service as surveys


def details(db: Session, content: Content, contact: Contact) -> dict[str, str]:
    """Return each detail as the person reads it."""
    language = contact.language or SOURCE
    say = content.catalogue.text
    none = say("profile.not_given", language)
    purposes = consent.granted_purposes(db, contact)
    codes = service.interests(db, contact)
    country = contact.residence and content.places.country_name(contact.residence, language)
    zone = contact.zone and content.formats.format_zone(clock.now(), contact.zone, language)
    named = [say(f"purpose.{purpose}", language) for purpose in consent.ASKED_TOGETHER if purpose in purposes]
    return {
        "language": LANGUAGES[language].name,
        "origin": say(f"origin.{contact.origin}", language) if contact.origin else none,
        "link": say(f"link.{contact.link}", language) if contact.link else none,
        "channel": say(f"channel.{contact.channel}", language),
        "residence": ", ".join(filter(None, (contact.city, country))) or none,
        "zone": zone or none,
        "interests": ", ".join(say(f"interest.{code}", language) for code in codes) or none,
        "purposes": ", ".join(named) or say("consent.no_purpose", language),
    }


def text(db: Session, content: Content, contact: Contact) -> str:
    """Return all of it in one text, with how much else is kept."""
    return content.catalogue.text(
        "mydata.summary",
        contact.language or SOURCE,
        **details(db, content, contact),
        surveys=surveys.count_runs(db, contact),
        messages=outbox.count_messages(db, contact.id),
    )
