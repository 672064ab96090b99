"""Investment cards: what there is, and how many members did what with it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.content import Content
from bot.opportunities import service, touches
from bot.opportunities.models import CardStatus, Opportunity
from bot.staff.scopes import Scope
from bot.web.api.access import Call, needs
from bot.web.api.values import After, Id, Limit, Page
from bot.web.console.visit import found

router = APIRouter(tags=["opportunities"])
Reads = Annotated[Call, needs(Scope.OPPORTUNITIES_READ)]


class CardOut(BaseModel):
    """A card: information, never an offer."""

    id: int
    status: str
    visible: bool  #: members may see it today
    texts: dict[str, dict[str, Any]]
    country: str
    sector: str
    issuer: str
    licence: str
    instrument: str
    currency: str
    minimum: Decimal | None
    size: str
    authority: str
    languages: list[str]
    review_on: date | None
    valid_until: date | None
    created_at: datetime
    touches: dict[str, int]  #: opened, saved, asked, interested: how many people


@router.get("/opportunities")
async def listing(call: Reads, status: CardStatus | None = None, after: After = 0, limit: Limit = 50) -> Page[CardOut]:
    """List the cards, oldest first."""
    return await call.read(_list, call.context.content, status, after, limit)


def _list(db: Session, content: Content, status: CardStatus | None, after: int, limit: int) -> Page[CardOut]:
    rows = select(Opportunity).where(Opportunity.id > after).order_by(Opportunity.id).limit(limit + 1)
    chosen = rows.where(Opportunity.status == status) if status else rows
    return Page[CardOut].of([(row.id, _shown(db, content, row)) for row in db.scalars(chosen)], limit)


def _shown(db: Session, content: Content, row: Opportunity) -> CardOut:
    plain = {name: getattr(row, name) for name in CardOut.model_fields if name not in ("visible", "touches")}
    return CardOut(**plain, visible=service.is_visible(content, row), touches=touches.figures(db, row))


@router.get("/opportunities/{id}")
async def one(call: Reads, id: Id) -> CardOut:
    """Show one card."""
    return await call.read(lambda db: _shown(db, call.context.content, found(db.get(Opportunity, id))))
