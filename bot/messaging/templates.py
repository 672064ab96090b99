"""Templates at the provider: which wording is approved there, under which id."""

import hashlib
import json
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Template
from bot.content import Content
from bot.content import Template as Shipped
from bot.content.templates import WHATSAPP_LANGUAGES
from bot.db import Database
from bot.messaging.models import Content as ContentRow
from bot.messaging.outbox import Message

APPROVED = "approved"


class Approved:
    """Looks up approved templates, each once for a batch."""

    def __init__(self, db: Session, content: Content) -> None:
        self._db, self._content = db, content
        self._known: dict[tuple[str, str], str | None] = {}

    def find(self, message: Message, language: str) -> Template | None:
        """Return the approved template that says this message in the nearest language, or None."""
        shipped = self._content.templates.get(message.template) if message.template else None
        if shipped is None:
            return None
        nearest = shipped.language_for(language)
        key = (shipped.name, nearest)
        if key not in self._known:
            self._known[key] = self._db.scalar(
                select(ContentRow.content_id)
                .where(ContentRow.name == shipped.name, ContentRow.language == nearest)
                .where(ContentRow.approval == APPROVED)
                .order_by(ContentRow.created_at.desc())
                .limit(1)
            )
        content_id = self._known[key]
        if content_id is None:
            return None
        variables = shipped.variables_for_whatsapp(nearest, message.variables)
        # The provider refuses an empty value for everybody who would get it.
        return Template(content_id, variables) if all(variables.values()) else None


def approved(db: Session, content: Content, message: Message, language: str) -> Template | None:
    """Return the approved template that says this message in the nearest language, or None."""
    return Approved(db, content).find(message, language)


class Provider(Protocol):
    """Where templates are made and approved."""

    async def template(
        self, name: str, language: str, types: dict[str, Any], samples: dict[str, str], category: str
    ) -> str:
        """Make a template and ask for its approval; return its id."""
        ...

    async def approval(self, content_id: str) -> str:
        """Return the provider's word on a template."""
        ...


async def sync(database: Database, content: Content, provider: Provider) -> dict[str, str]:
    """Make what is missing at the provider and read how far approval is; return name/language -> approval."""
    states = {}
    for name, shipped in content.templates.items():
        for language in WHATSAPP_LANGUAGES:
            definition = _definition(shipped, language)
            known = await database.query(_find, definition)
            if known is None:
                content_id = await provider.template(
                    # A name is never free again, even when its template was refused.
                    f"{name}_{language}_{definition[:8]}",
                    language,
                    _types(shipped, language),
                    shipped.samples_for_whatsapp(),
                    shipped.category,
                )
            elif known.approval == "approved":
                states[f"{name}/{language}"] = "approved"
                continue
            else:
                content_id = known.content_id
            approval = await provider.approval(content_id)
            await database.run(_remember, definition, content_id, name, language, approval)
            states[f"{name}/{language}"] = approval
    return states


def _types(shipped: Shipped, language: str) -> dict[str, Any]:
    body: dict[str, Any] = {"body": shipped.body_for_whatsapp(language)}
    if shipped.buttons:
        body["actions"] = [{"title": title, "id": id} for id, title in shipped.button_titles(language).items()]
    return {str(shipped.content_type): body}


def _definition(shipped: Shipped, language: str) -> str:
    """A change of wording is another template: the old one's approval does not cover it."""
    whole = [shipped.name, language, _types(shipped, language), shipped.samples_for_whatsapp()]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _find(db: Session, definition: str) -> ContentRow | None:
    row = db.get(ContentRow, definition)
    if row is not None:
        db.expunge(row)
    return row


def _remember(db: Session, definition: str, content_id: str, name: str, language: str, approval: str) -> None:
    row = db.get(ContentRow, definition)
    if row is None:
        row = ContentRow(definition=definition, content_id=content_id, created_at=clock.now())
        db.add(row)
    row.name, row.language, row.approval = name, language, approval


class StoredContents:
    """Remembers in the database which content objects exist at the provider."""

    def __init__(self, database: Database, account: str) -> None:
        self._database, self._account = database, account

    async def get(self, definition: str) -> str | None:
        """Return the content id of a definition's hash, if it was made."""
        row = await self._database.query(_find, self._key(definition))
        return row.content_id if row else None

    async def put(self, definition: str, content_id: str) -> None:
        """Remember a content id."""
        await self._database.run(_keep, self._key(definition), content_id)

    def _key(self, definition: str) -> str:
        return hashlib.sha256(f"{self._account} {definition}".encode()).hexdigest()


def _keep(db: Session, definition: str, content_id: str) -> None:
    if db.get(ContentRow, definition) is None:
        db.add(ContentRow(definition=definition, content_id=content_id, created_at=clock.now()))
