"""Rows of investment cards, of what members did with them, and of what it costs to send money."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.crypto import EncryptedText
from bot.db import Base, BigId

COUNTRIES = ("LS", "MW", "MU")
#: Codes of interests that members declare: what a card is about, and whom it may fit.
SECTORS = ("savings", "bonds", "business", "property", "agriculture", "tourism", "technology")
INSTRUMENTS = ("account", "bond", "fund", "shares", "loan", "property", "business", "other")
#: Bands of the least amount, about, in US dollars.
SIZES = ("under_100", "under_1000", "under_10000", "over_10000")
#: What staff write in each language; risks are one on each line.
TEXTS = (
    "title", "summary", "term", "return", "basis", "fees", "exit", "eligibility", "documents", "risks",
)  # fmt: skip


class CardStatus(StrEnum):
    """Where a card stands; that it expired is said by its date alone."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"


class Opportunity(Base):
    """An investment card: information, never an offer."""

    __tablename__ = "opportunity"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    texts: Mapped[dict[str, Any]]  #: language -> {one of TEXTS: text}
    country: Mapped[str] = mapped_column(String(2))
    sector: Mapped[str] = mapped_column(String(32))
    issuer: Mapped[str] = mapped_column(String(200))
    licence: Mapped[str] = mapped_column(String(200))  #: regulator and licence reference
    instrument: Mapped[str] = mapped_column(String(32))
    currency: Mapped[str] = mapped_column(String(3))
    minimum: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    size: Mapped[str] = mapped_column(String(16))  #: one of SIZES
    authority: Mapped[str] = mapped_column(String(200))  #: who gets the leads; named in the consent
    authority_contact: Mapped[str] = mapped_column(String(200))  #: for staff: where the list is sent
    languages: Mapped[list[str]]  #: in which the authority answers
    review_on: Mapped[date | None] = mapped_column(Date)  #: by when somebody looks again whether all is still true
    valid_until: Mapped[date | None] = mapped_column(Date)  #: its last day

    status: Mapped[CardStatus] = mapped_column(String(16), default=CardStatus.DRAFT, index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id"))
    writers: Mapped[list[Any]] = mapped_column(JSON)  #: ids of everybody who wrote on it: none of them approves
    approved_hash: Mapped[str | None] = mapped_column(String(64))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    approved_at: Mapped[datetime | None]
    lapsed_at: Mapped[datetime | None]  #: when everybody concerned was told that it is over
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime]


class TouchKind(StrEnum):
    """What a member did with a card."""

    OPENED = "opened"
    SAVED = "saved"
    ASKED = "asked"
    INTERESTED = "interested"


class Touch(Base):
    """The first time a member did something with a card."""

    __tablename__ = "opportunity_touch"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    opportunity_id: Mapped[int] = mapped_column(
        ForeignKey("opportunity.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    kind: Mapped[TouchKind] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]  #: a saved card that was let go


class Outcome(StrEnum):
    """What became of a lead, as far as anybody told us."""

    IN_TOUCH = "in_touch"
    NOT_REACHED = "not_reached"
    INVESTED = "invested"
    NOT_INVESTED = "not_invested"
    NOT_ELIGIBLE = "not_eligible"


class Lead(Base):
    """A member who is interested in a card."""

    __tablename__ = "opportunity_lead"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"), index=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)  #: what we and the authority call it
    authority: Mapped[str] = mapped_column(String(200), index=True)  #: whom the consent names; a card may change
    details: Mapped[str] = mapped_column(EncryptedText)  #: name and number, as the person wrote them for this
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]  #: when we asked how it went
    heard: Mapped[str | None] = mapped_column(String(16))  #: what the person answered: yes, not_yet
    outcome: Mapped[Outcome | None] = mapped_column(String(16))
    outcome_at: Mapped[datetime | None]
    forgotten_at: Mapped[datetime | None]  #: when the name and number went, long after the card ended

    __table_args__ = (UniqueConstraint("contact_id", "opportunity_id"),)


class LeadWord(Base):
    """One word of a member on sharing one lead; rows are only ever added, the latest counts."""

    __tablename__ = "opportunity_lead_word"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("opportunity_lead.id", ondelete="CASCADE"), index=True)
    decision: Mapped[str] = mapped_column(String(16))  #: contacts.models.Decision
    wording: Mapped[str] = mapped_column(String(64))  #: key of the wording shown
    wording_hash: Mapped[str] = mapped_column(String(64))  #: of the exact text, with gaps for the person's own details
    language: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str] = mapped_column(String(16))
    said: Mapped[str] = mapped_column(EncryptedText)  #: the raw reply
    inbound_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]


class Handover(Base):
    """One list that an authority got."""

    __tablename__ = "opportunity_handover"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    authority: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(200))
    by: Mapped[int] = mapped_column(ForeignKey("staff_user.id"))
    at: Mapped[datetime]


class HandedOver(Base):
    """One line of a list. It names nobody, so it stays when the person is erased: the authority must hear of it."""

    __tablename__ = "opportunity_handed_over"

    handover_id: Mapped[int] = mapped_column(
        ForeignKey("opportunity_handover.id", ondelete="CASCADE"), primary_key=True
    )
    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    withdrawn: Mapped[bool]  #: the line that tells the authority to delete what it holds

    __table_args__ = (Index(None, "reference"),)


class TransferCost(Base):
    """What one provider takes for 200 US dollars on one corridor."""

    __tablename__ = "transfer_cost"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    origin: Mapped[str] = mapped_column(String(2))  #: ISO 3166 country that the money leaves
    destination: Mapped[str] = mapped_column(String(2))
    provider: Mapped[str] = mapped_column(String(80))
    fee: Mapped[Decimal] = mapped_column(Numeric(10, 2))  #: US dollars
    margin: Mapped[Decimal] = mapped_column(Numeric(6, 2))  #: of the exchange rate, percent of the amount
    source: Mapped[str] = mapped_column(String(200))
    as_of: Mapped[date] = mapped_column(Date)
    recorded_by: Mapped[int] = mapped_column(ForeignKey("staff_user.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("origin", "destination", "provider"),)
