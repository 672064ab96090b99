"""Invite people to a survey: once each, with consent, in their language, by template where the window is closed."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, insert, select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button, SenderKey
from bot.contacts.models import Consent, Contact, Decision, Purpose, State
from bot.content import Content
from bot.content.languages import SOURCE
from bot.messaging import lives
from bot.messaging.claims import Renderer
from bot.messaging.models import OutboxMessage, Priority, Status, lane
from bot.messaging.outbox import Message
from bot.surveys.models import Disposition, Run, Survey
from bot.surveys.publishing import form_of

KIND = "survey_invite"  #: of the outbox rows; `ref` is the survey
BEGIN, LATER = "begin", "later"

_SECONDS_EACH = 12  #: that a question takes, about
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Invitations:
    """What became of the people chosen."""

    chosen: int
    invited: int
    known: int  #: invited before, or with answers already
    without_consent: int  #: to surveys, or no member


def invite(db: Session, survey: Survey, people: Select[int] | Collection[int]) -> Invitations:
    """Invite those chosen (contact ids, or a SELECT of them) who agreed to surveys and have not answered this one."""
    found = preview(db, survey, people)
    columns = Contact.id, Contact.language, Contact.channel, Contact.sender
    rows = db.execute(select(*columns).where(*_open_to(survey, people)))
    now = clock.now()
    due = max(now, survey.opens_at or now)
    for batch in _batches(rows.all()):
        db.execute(insert(Run), [_run(survey, *row[:3]) for row in batch])
        db.execute(insert(OutboxMessage), [_message(survey, row[0], row[2:], due) for row in batch])
    return found


def preview(db: Session, survey: Survey, people: Select[int] | Collection[int]) -> Invitations:
    """Return what `invite` would do now."""
    chosen, agreed, fresh = Contact.id.in_(people), _agreed(), ~_has_run(survey)
    counts = [_count(db, chosen, *more) for more in ((), (agreed,), (agreed, fresh))]
    return Invitations(counts[0], counts[2], counts[1] - counts[2], counts[0] - counts[1])


def renderer(content: Content) -> Renderer:
    """Return what delivery calls for outbox rows of kind `KIND`."""

    def render(db: Session, ref: int, language: str) -> Message:
        survey, text = db.get_one(Survey, ref), content.catalogue.text
        values = {"title": survey.title, "minutes": str(minutes(survey))}
        buttons = [Button(f"sv:{survey.id}:{token}", text(f"button.{token}", language)) for token in (BEGIN, LATER)]
        invitation = text("survey.invitation", language, **values)
        return Message(invitation, tuple(buttons), template="survey_invitation", variables=values)

    return render


def minutes(survey: Survey) -> int:
    """Return about how long a survey takes, in steps of five minutes."""
    asked = sum(question.asked for question in form_of(survey).questions())
    return max(5, 5 * math.ceil(asked * _SECONDS_EACH / 300))


@dataclass(frozen=True, slots=True)
class Response:
    """How those who were invited responded."""

    invited: int
    began: int
    completed: int


def response(db: Session, survey: Survey) -> Response:
    """Return the response to the invitations of a survey; a SELECT, never a counter."""
    invited = select(OutboxMessage.contact_id).where(OutboxMessage.kind == KIND, OutboxMessage.ref == survey.id)
    rows = db.execute(
        select(Run.disposition, func.count())
        .where(Run.survey_id == survey.id, Run.contact_id.in_(invited), Run.occasion == "")
        .group_by(Run.disposition)
    )
    counts: dict[str, int] = dict(rows.all())
    total = sum(counts.values())
    return Response(total, total - counts.get(Disposition.INVITED, 0), counts.get(Disposition.COMPLETED, 0))


def _open_to(survey: Survey, people: Select[int] | Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return Contact.id.in_(people), _agreed(), ~_has_run(survey)


def _agreed() -> ColumnElement[bool]:
    """Return the condition that a contact is a member whose latest word on surveys is a yes."""
    latest = (
        select(func.max(Consent.id))
        .where(Consent.contact_id == Contact.id, Consent.purpose == Purpose.SURVEYS)
        .correlate(Contact)
        .scalar_subquery()
    )
    granted = exists().where(Consent.id == latest, Consent.decision == Decision.GRANTED)
    return (Contact.state == State.MEMBER) & granted


def _has_run(survey: Survey) -> ColumnElement[bool]:
    versions = select(Survey.id).where(Survey.form_id == survey.form_id)
    return exists().where(Run.contact_id == Contact.id, Run.survey_id.in_(versions), Run.occasion == "")


def _count(db: Session, *conditions: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).select_from(Contact).where(*conditions)) or 0


def _batches(rows: Collection[Any]) -> Iterator[list[Any]]:
    rows = list(rows)
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _run(survey: Survey, contact_id: int, language: str | None, channel: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "survey_id": survey.id,
        "contact_id": contact_id,
        "disposition": Disposition.INVITED,
        "language": language or SOURCE,
        "channel": channel,
        "state": {},
        "started_at": now,
        "updated_at": now,
    }


def _message(survey: Survey, contact_id: int, leaves_from: SenderKey, due_at: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "contact_id": contact_id,
        "channel": leaves_from[0],
        "sender": leaves_from[1],
        "priority": Priority.BROADCAST,
        "purpose": Purpose.SURVEYS,
        "kind": KIND,
        "ref": survey.id,
        "lane": lane(Priority.BROADCAST, survey.id),
        "once": f"{KIND}:{survey.id}:{contact_id}",
        "status": Status.QUEUED,
        "due_at": due_at,
        "expires_at": survey.closes_at or due_at + lives.of(Priority.BROADCAST),
        "created_at": now,
        "status_at": now,
    }
