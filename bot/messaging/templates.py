"""Templates at the provider: which wording is approved there, under which id."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Template
from bot.content import Content
from bot.content import Template as Shipped
from bot.content.templates import FILE_KINDS, WHATSAPP_LANGUAGES, ContentType
from bot.db import Database
from bot.messaging.models import Content as ContentRow
from bot.messaging.outbox import Message

log = structlog.get_logger(__name__)

APPROVED, UNSUBMITTED = "approved", "unsubmitted"


class Approved:
    """Looks up approved templates, each once for a batch."""

    def __init__(self, db: Session, content: Content, media_base: str = "") -> None:
        self._db, self._content, self._media_base = db, content, media_base
        self._known: dict[tuple[str, str], str | None] = {}

    def find(self, message: Message, language: str) -> Template | None:
        """Return the approved template that says this message in the nearest language, with its file if it may."""
        shipped = self._content.templates.get(message.template) if message.template else None
        if shipped is None:
            return None
        nearest = shipped.language_for(language)
        variables = shipped.variables_for_whatsapp(nearest, message.variables)
        if not all(variables.values()):  # the provider refuses an empty value for everybody who would get it
            return None
        if message.media and shipped.takes_files and message.media.kind in FILE_KINDS and self._media_base:
            content_id = self._content_id(shipped.with_file(message.media.kind), nearest)
            if content_id:
                return Template(content_id, variables, shipped.file_variable)
        content_id = self._content_id(shipped, nearest)
        return Template(content_id, variables) if content_id else None

    def _content_id(self, shipped: Shipped, language: str) -> str | None:
        key = (shipped.name, language)
        if key not in self._known:
            self._known[key] = self._db.scalar(
                select(ContentRow.content_id).where(
                    ContentRow.definition == definition(shipped, language, self._media_base),
                    ContentRow.approval == APPROVED,
                )
            )
        return self._known[key]


def approved(db: Session, content: Content, message: Message, language: str, media_base: str = "") -> Template | None:
    """Return the approved template that says this message in the nearest language, or None."""
    return Approved(db, content, media_base).find(message, language)


def every(content: Content, media_base: str) -> dict[str, Shipped]:
    """Return all templates to be approved: the shipped ones, and those with a file that we could serve."""
    found = dict(content.templates)
    if media_base:
        taking = [shipped for shipped in content.templates.values() if shipped.takes_files]
        found |= {one.name: one for shipped in taking for one in map(shipped.with_file, FILE_KINDS)}
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Serving:
    """Where providers fetch files from us."""

    base: str = ""  #: what every such address begins with; none: nobody can reach us
    example: Callable[[str], str] = lambda kind: kind  #: kind of file -> the end of the address of one, for reviewers


class Provider(Protocol):
    """Where templates are made and approved."""

    async def create(self, name: str, language: str, types: dict[str, Any], samples: dict[str, str]) -> str:
        """Make a content object and return its id."""
        ...

    async def submit(self, content_id: str, name: str, category: str) -> None:
        """Ask for approval."""
        ...

    async def approval(self, content_id: str) -> str:
        """Return the provider's word on a template."""
        ...


async def sync(
    database: Database, content: Content, provider: Provider, serving: Serving | None = None
) -> dict[str, str]:
    """Make what is missing at the provider and read how far approval is; return name/language -> approval."""
    serving, states = serving or Serving(), {}
    for name, shipped in every(content, serving.base).items():
        for language in WHATSAPP_LANGUAGES:
            try:
                states[f"{name}/{language}"] = await _sync_one(database, provider, shipped, language, serving)
            except Exception as error:  # one that fails must not keep the others from being approved
                log.error("template not synchronised", template=name, language=language, error=type(error).__name__)
                states[f"{name}/{language}"] = "error"
    return states


async def _sync_one(database: Database, provider: Provider, shipped: Shipped, language: str, serving: Serving) -> str:
    key = definition(shipped, language, serving.base)
    # A name is never free again, even when its template was refused.
    name = f"{shipped.name}_{language}_{key[:8]}"
    known = await database.query(_find, key)
    if known:
        content_id = known.content_id
    else:
        samples = shipped.samples_for_whatsapp()
        if shipped.content_type is ContentType.MEDIA:
            samples[shipped.file_variable] = serving.example(shipped.name.rpartition("_")[2])
        content_id = await provider.create(name, language, _types(shipped, language, serving.base), samples)
        await database.run(_remember, key, content_id, shipped.name, language, UNSUBMITTED)
    approval = await provider.approval(content_id)
    if approval == UNSUBMITTED:
        await provider.submit(content_id, name, shipped.category)
        approval = await provider.approval(content_id)
    # Also of an approved one: WhatsApp pauses and disables what people complain about.
    await database.run(_remember, key, content_id, shipped.name, language, approval)
    return approval


def _types(shipped: Shipped, language: str, media_base: str) -> dict[str, Any]:
    body: dict[str, Any] = {"body": shipped.body_for_whatsapp(language)}
    if shipped.buttons:
        body["actions"] = [{"title": title, "id": id} for id, title in shipped.button_titles(language).items()]
    if shipped.content_type is ContentType.MEDIA:
        body["media"] = [f"{media_base}{{{{{shipped.file_variable}}}}}"]
    return {str(shipped.content_type): body}


def definition(shipped: Shipped, language: str, media_base: str = "") -> str:
    """Return the hash of a wording: a change makes another template, which the old one's approval does not cover."""
    whole = [shipped.name, language, _types(shipped, language, media_base), shipped.samples_for_whatsapp()]
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
