"""Templates at the provider: which wording is approved there, under which id."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.base import Template
from bot.content import Content
from bot.messaging.models import Content as ContentRow
from bot.messaging.outbox import Message


def approved(db: Session, content: Content, message: Message, language: str) -> Template | None:
    """Return the approved template that says this message in the nearest language, or None."""
    shipped = content.templates.get(message.template) if message.template else None
    if shipped is None:
        return None
    nearest = shipped.language_for(language)
    row = db.scalars(
        select(ContentRow)
        .where(ContentRow.name == shipped.name, ContentRow.language == nearest, ContentRow.approval == "approved")
        .order_by(ContentRow.created_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Template(row.content_id, shipped.variables_for_whatsapp(nearest, message.variables))
