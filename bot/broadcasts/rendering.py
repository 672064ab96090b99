"""What a recipient reads: the text of the nearest language, the risk line where it is due, how to leave."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bot.broadcasts import attachments
from bot.broadcasts.models import Broadcast
from bot.channels.base import Button
from bot.contacts.models import Purpose
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE, chain
from bot.messaging.claims import Renderer
from bot.messaging.outbox import Message

#: Variable of a template that takes the named risks.
RISKS = "risks"


class Wording(Protocol):
    """What rendering reads of a broadcast: its row, or a draft not yet stored."""

    @property
    def purpose(self) -> str: ...
    @property
    def texts(self) -> Mapping[str, Any]: ...
    @property
    def buttons(self) -> Any: ...
    @property
    def template(self) -> str | None: ...
    @property
    def attachments(self) -> Mapping[str, Any]: ...
    @property
    def variables(self) -> Mapping[str, Any]: ...
    @property
    def risks(self) -> Mapping[str, Any]: ...


def renderer(content: Content) -> Renderer:
    """Return what delivery calls for outbox rows of kind `models.KIND`."""
    return partial(_render, content)


def words_renderer(content: Content) -> Renderer:
    """Return the same for those who have the file already."""
    return lambda db, ref, language: replace(_render(content, db, ref, language), media=None)


def _render(content: Content, db: Session, ref: int, language: str) -> Message:
    broadcast = db.get_one(Broadcast, ref)
    return replace(message(content, broadcast, language), paid=broadcast.paid)


def message(content: Content, wording: Wording, language: str) -> Message:
    """Return the message in one language, as it leaves."""
    known = language if language in LANGUAGES else SOURCE
    parts = [wording.texts.get(text_language(wording, known), "").strip()]
    if risks := nearest(wording.risks, known):
        parts.append(content.catalogue.text("opportunity.risks", known, risks=risks))
    if wording.purpose == Purpose.INVESTMENT:
        parts.append(content.catalogue.text("opportunity.risk_line", known))
    parts.append(content.catalogue.text("broadcast.footer_stop", known))
    return Message(
        text="\n\n".join(parts),
        buttons=tuple(Button(button["id"], nearest(button["labels"], known)) for button in wording.buttons),
        media=attachments.media(wording.attachments, known),
        template=wording.template,
        variables=_variables(wording, known),
    )


def text_language(wording: Wording, language: str) -> str:
    """Return the language whose text stands in for `language`: its own, or the nearest that has one."""
    return next((code for code in chain(language) if wording.texts.get(code, "").strip()), SOURCE)


def nearest(labels: Mapping[str, str], language: str) -> str:
    """Return the label in the nearest language; the checks see to it that English is there."""
    return next((labels[code] for code in chain(language) if labels.get(code)), "")


def _variables(wording: Wording, language: str) -> dict[str, str]:
    """Return the template's values, each from the nearest language that gives one."""
    found: dict[str, str] = {}
    for code in reversed(chain(language)):
        found |= {name: str(value) for name, value in wording.variables.get(code, {}).items() if value}
    if risks := nearest(wording.risks, language):
        found[RISKS] = risks
    return found


def content_hash(content: Content, broadcast: Broadcast) -> str:
    """Return the SHA-256 of everything an approval covers: what people will read in every language, who, and when.

    A translation or template that changes in messages/ changes it too.
    """
    template = content.templates.get(broadcast.template or "")
    covered = {
        "title": broadcast.title,
        "purpose": broadcast.purpose,
        "texts": broadcast.texts,
        "messages": {code: message(content, broadcast, code).to_json() for code in LANGUAGES},
        "buttons": broadcast.buttons,
        "attachments": broadcast.attachments,
        "variables": broadcast.variables,
        "risks": broadcast.risks,
        "template": [broadcast.template, {code: template.render(code, {}) for code in template.texts}]
        if template
        else broadcast.template,
        "paid": broadcast.paid,
        "audience": broadcast.audience,
        "times": [
            at.isoformat() if at else None
            for at in (broadcast.scheduled_at, broadcast.expires_at, broadcast.repeat_until)
        ],
        "turns": [broadcast.at_local, broadcast.repeat],
    }
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
