"""Imported people: one invitation, nothing else before a yes; a no is final, other words begin a registration."""

from functools import partial

from sqlalchemy import String, case, cast, insert, literal, select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button
from bot.contacts import consent, importing
from bot.contacts.consent import ASKED_TOGETHER, Proof
from bot.contacts.models import Contact, Decision, ImportBatch, Imported, State
from bot.content import Content
from bot.content.languages import SOURCE
from bot.conversations import choices, wordings
from bot.conversations.talk import Talk
from bot.messaging import outbox, templates
from bot.messaging.claims import Renderer
from bot.messaging.eligibility import ASKING
from bot.messaging.models import WAITING, OutboxMessage, Priority, Status, lane
from bot.messaging.outbox import Message

#: Kinds of the outbox rows: in the person's language, or in English and French where the list did not say one.
KIND, KIND_BOTH = "consent", "consent_both"
KINDS = (KIND, KIND_BOTH)
TEMPLATE, TEMPLATE_BOTH = "consent_invitation", "consent_invitation_both"


def renderers(content: Content) -> dict[str, Renderer]:
    """Return what delivery calls for outbox rows of these kinds."""
    return {KIND: partial(_render, content, TEMPLATE), KIND_BOTH: partial(_render, content, TEMPLATE_BOTH)}


def _render(content: Content, template: str, db: Session, ref: int, language: str) -> Message:
    return _message(content, template, db.get_one(ImportBatch, ref).source, language)


def message(content: Content, source: str, language: str | None) -> Message:
    """Return the invitation; `source` is who gave us the person's number, `language` None: it is not known."""
    return _message(content, TEMPLATE if language else TEMPLATE_BOTH, source, language or SOURCE)


def _message(content: Content, template: str, source: str, language: str) -> Message:
    shipped, values = content.templates[template], {"source": source}
    buttons = tuple(Button(id, title) for id, title in shipped.button_titles(language).items())
    return Message(shipped.render(language, values), buttons, template=template, variables=values)


def is_approved(db: Session, content: Content) -> bool:
    """Say whether the provider lets us send the invitation: without, nobody could be asked."""
    ways = (message(content, "", SOURCE), message(content, "", None))
    return all(templates.approved(db, content, way, SOURCE) is not None for way in ways)


def invite(db: Session, batch: ImportBatch) -> int:
    """Queue the one invitation for everybody of a batch; return how many."""
    now = clock.now()
    values = {
        OutboxMessage.contact_id: Imported.contact_id,
        OutboxMessage.channel: Contact.channel,
        OutboxMessage.sender: Contact.sender,
        OutboxMessage.priority: literal(Priority.BROADCAST),
        OutboxMessage.purpose: literal(ASKING),
        OutboxMessage.kind: case((Contact.language.is_(None), KIND_BOTH), else_=KIND),
        OutboxMessage.ref: literal(batch.id),
        OutboxMessage.lane: literal(lane(Priority.BROADCAST, batch.id)),
        OutboxMessage.once: literal(f"{KIND}:").concat(cast(Imported.contact_id, String)),
        OutboxMessage.status: literal(Status.QUEUED),
        OutboxMessage.due_at: literal(now),
        OutboxMessage.created_at: literal(now),
        OutboxMessage.status_at: literal(now),
    }
    people = select(*values.values()).join_from(Imported, Contact, Contact.id == Imported.contact_id)
    rows = people.where(Imported.batch_id == batch.id).order_by(Imported.contact_id)
    statement = insert(OutboxMessage).from_select(list(values), rows)
    inserted = db.execute(statement, execution_options={"preserve_rowcount": True})
    return int(inserted.rowcount)  # type: ignore[attr-defined]


def undo(db: Session, batch: ImportBatch) -> int:
    """Remove everybody of a batch who has not answered since; return how many."""
    found = set(db.scalars(importing.unanswered(batch)))
    with_provider = OutboxMessage.status.in_((Status.SENDING, Status.UNCERTAIN))
    mine = OutboxMessage.kind.in_(KINDS), OutboxMessage.ref == batch.id
    # Of a message that is with the provider this moment the outcome must still find its row: undo can be repeated.
    found -= set(db.scalars(select(OutboxMessage.contact_id).where(*mine, with_provider)))
    asked = set(db.scalars(select(OutboxMessage.contact_id).where(*mine, OutboxMessage.status.not_in(WAITING))))
    importing.forget(db, sorted(found), asked=asked)
    batch.undone_at = clock.now()
    return len(found)


def take(talk: Talk) -> bool:
    """Take an imported person's first word: a no is final and ends here, anything else is a newcomer's."""
    if talk.contact.state != State.INVITED:
        return False
    talk.contact.state = State.NEW
    outbox.cancel_unasked(talk.db, talk.contact.id, "answered")
    if choices.agreement(talk, talk.said) is not False:
        return False
    consent.record(talk.db, talk.contact, ASKED_TOGETHER, Decision.REFUSED, _proof(talk))
    talk.contact.state = State.DECLINED
    talk.say("registration.declined")
    return True


def _proof(talk: Talk) -> Proof:
    shown = message(talk.content, talk.contact.source or "", talk.contact.language)
    wording = str(shown.template)
    return Proof(
        wording=wording,
        wording_hash=wordings.keep_text(talk.db, wording, talk.language, shown.text),
        language=talk.language,
        channel=talk.address.channel,
        said=talk.said,
        inbound_id=talk.inbox_id,
    )
