"""A card as an office would write it, and the people who do."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from bot.content import Content
from bot.opportunities import gate, service
from bot.opportunities.models import Opportunity
from bot.opportunities.service import Draft
from bot.staff import service as staff
from bot.staff.models import Role, StaffUser

ENGLISH = {
    "title": "Diaspora savings account",
    "summary": "An account in US dollars for citizens who live abroad.",
    "term": "12 months",
    "fees": "2 USD a month",
    "exit": "Once a month, up to half of it",
    "eligibility": "Citizens abroad for 12 months or more",
    "risks": "The bank can fail.\nThe exchange rate can move against you.",
}
RISKS = {"fr": "La banque peut faillir.", "st": "Banka e ka oa.", "ny": "Banki ingagwe.", "mfe": "Labank kapav tonbe."}


def draft(**changes: object) -> Draft:
    """Return a card that lacks nothing, but for the changes."""
    texts = {"en": dict(ENGLISH), **{code: {"risks": text} for code, text in RISKS.items()}}
    fields: dict[str, object] = {
        "texts": texts,
        "country": "MW",
        "sector": "savings",
        "issuer": "Bank of Zomba",
        "licence": "Reserve Bank of Malawi, licence 12",
        "instrument": "account",
        "currency": "USD",
        "minimum": Decimal(50),
        "size": "under_100",
        "authority": "Diaspora Affairs Unit",
        "authority_contact": "unit@example.org",
        "languages": ("en", "ny"),
        "review_on": service.today() + timedelta(days=30),
        "valid_until": service.today() + timedelta(days=60),
    }
    return Draft(**(fields | changes))  # type: ignore[arg-type]


def saying(**english: str) -> Draft:
    """Return the card with other English texts."""
    return draft(texts=draft().texts | {"en": ENGLISH | english})


def colleague(db: Session, role: Role, name: str = "") -> StaffUser:
    """Return a member of staff of a role, the same each time."""
    email = f"{name or role}@cards.example.org"
    return staff.find(db, email) or staff.add(db, email, f"{role} {name}", role)[0]


def published(db: Session, content: Content, what: Draft | None = None) -> Opportunity:
    """Return a card that members may see."""
    card = service.draft(db, colleague(db, Role.EDITOR), what or draft())
    service.approve(db, content, card, colleague(db, Role.APPROVER), seen=gate.content_hash(card))
    return card
