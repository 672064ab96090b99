"""Who took part: conditions of an audience about surveys and sessions."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Protocol

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true

from bot.contacts.models import Contact
from bot.events.models import Answer, Attendance, Event, Rsvp, Standing
from bot.events.service import invited
from bot.surveys.models import Disposition, Run, Survey

#: How a run ends that leaves nothing to ask for: reminding those who said no, or whom it is not for, would be rude.
DECIDED = (
    Disposition.COMPLETED,
    Disposition.REFUSED,
    Disposition.INELIGIBLE,
    Disposition.WITHDRAWN,
    Disposition.QUOTA_FULL,
)


class Reply(StrEnum):
    """What somebody said to the invitation to a session."""

    YES = "yes"  #: and has a place
    WAITING = "waiting"  #: yes, and waits for a place
    MAYBE = "maybe"
    NO = "no"
    SILENT = "silent"  #: was invited and has not answered


class Conditions(Protocol):
    """The part of an audience that is decided here; broadcasts.audience says what each means."""

    @property
    def answered(self) -> Collection[str]: ...
    @property
    def not_answered(self) -> Collection[str]: ...
    @property
    def attended(self) -> Collection[str]: ...
    @property
    def not_attended(self) -> Collection[str]: ...
    @property
    def replies(self) -> Collection[str]: ...


def condition(rule: Conditions) -> ColumnElement[bool]:
    """Return the conditions on Contact; what does not exist finds nobody, even after a "not", which would widen."""
    parts: list[ColumnElement[bool]] = []
    if rule.answered:
        parts.append(_has_run(rule.answered, (Disposition.COMPLETED,)))
    if rule.not_answered:
        known = select(func.count(Survey.form_id.distinct())).where(Survey.form_id.in_(rule.not_answered))
        parts += [known.scalar_subquery() == len(set(rule.not_answered)), ~_has_run(rule.not_answered, DECIDED)]
    if rule.attended:
        parts.append(_was_at(numbers(rule.attended)))
    if rule.not_attended:
        ids = set(numbers(rule.not_attended))
        known = select(func.count(Event.id)).where(Event.id.in_(ids))
        parts += [known.scalar_subquery() == len(set(rule.not_attended)), ~_was_at(ids)]
    if rule.replies:
        parts.append(or_(false(), *_replied(rule.replies)))
    return and_(true(), *parts)


def _has_run(forms: Collection[str], dispositions: Collection[Disposition]) -> ColumnElement[bool]:
    versions = select(Survey.id).where(Survey.form_id.in_(forms))
    return exists().where(Run.contact_id == Contact.id, Run.survey_id.in_(versions), Run.disposition.in_(dispositions))


def _was_at(sessions: Collection[int]) -> ColumnElement[bool]:
    return exists().where(Attendance.contact_id == Contact.id, Attendance.event_id.in_(sessions))


def _replied(codes: Collection[str]) -> Iterator[ColumnElement[bool]]:
    for reply in Reply:
        sessions = numbers(code.removesuffix(f":{reply}") for code in codes if code.endswith(f":{reply}"))
        if not sessions:
            continue
        answer = Rsvp.contact_id == Contact.id
        if reply == Reply.SILENT:
            silent = (~exists().where(answer, Rsvp.event_id == id) & Contact.id.in_(invited(id)) for id in sessions)
            yield or_(*silent)
        elif reply in (Reply.YES, Reply.WAITING):
            standing = Standing.CONFIRMED if reply == Reply.YES else Standing.WAITING
            yield exists().where(answer, Rsvp.event_id.in_(sessions), Rsvp.standing == standing)
        else:
            yield exists().where(answer, Rsvp.event_id.in_(sessions), Rsvp.answer == Answer(reply))


def numbers(codes: Iterator[str] | Collection[str]) -> list[int]:
    """Return numbers of rows; what is none, such as one that no column holds, finds nobody."""
    return [int(code) for code in codes if code.isascii() and code.isdecimal() and len(code) < 16]
