"""Who a broadcast is meant for: a rule, never a list. Whether each may get it is decided elsewhere."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, select
from sqlalchemy.orm import Session

from bot.broadcasts import taking_part
from bot.broadcasts.models import KIND
from bot.contacts.models import Contact, Grouped, Interest, State
from bot.messaging.models import OutboxMessage, Status

#: What members may ask for beyond a purpose.
MATCHES = "matches"
#: Statuses of a message that certainly did not arrive, and the reasons of those that are no such case.
MISSED = (Status.FAILED, Status.EXPIRED, Status.SUPPRESSED, Status.CANCELLED)
NOT_MISSED = ("left_uncertain", "linked")


class BadAudience(ValueError):
    """The rule cannot be read."""


@dataclass(frozen=True, slots=True)
class Audience:
    """All conditions must hold; an empty one always does, and any one of its values is enough, unless it says "not"."""

    origins: tuple[str, ...] = ()
    residences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  #: codes of join links
    channels: tuple[str, ...] = ()  #: preferred ones
    wishes: tuple[str, ...] = ()  #: "matches": asked to be told what fits the declared interests
    groups: tuple[str, ...] = ()  #: numbers of groups that staff made
    missed: tuple[str, ...] = ()  #: numbers of broadcasts that certainly did not reach them
    answered: tuple[str, ...] = ()  #: ids of survey forms
    not_answered: tuple[str, ...] = ()  #: the same; of several none is answered
    attended: tuple[str, ...] = ()  #: numbers of sessions
    not_attended: tuple[str, ...] = ()  #: the same; of several none was attended
    replies: tuple[str, ...] = ()  #: to invitations: "<number of the session>:<taking_part.Reply>"
    states: tuple[str, ...] = (State.MEMBER,)

    def to_json(self) -> dict[str, Any]:
        """Return the form in which it is stored; the order in which staff ticked does not matter."""
        return {name: sorted(set(values)) for name, values in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Audience":
        """Read the stored form; raise BadAudience for a condition we do not know: ignoring it would widen the rule."""
        known = {field.name for field in fields(cls)}
        if unknown := set(stored) - known:
            raise BadAudience(f"Unknown condition {', '.join(sorted(unknown))}: use {', '.join(sorted(known))}")
        if wrong := sorted(name for name, values in stored.items() if not _texts(values)):
            raise BadAudience(f"The condition {', '.join(wrong)} must be a list of codes")
        return cls(**{name: tuple(values) for name, values in stored.items()})

    def condition(self) -> ColumnElement[bool]:
        """Return the rule as a condition on Contact."""
        columns = {
            Contact.origin: self.origins,
            Contact.residence: self.residences,
            Contact.language: self.languages,
            Contact.source: self.sources,
            Contact.channel: self.channels,
        }
        rule: ColumnElement[bool] = Contact.state.in_(self.states)
        for column, values in columns.items():
            if values:
                rule &= column.in_(values)
        if self.wishes:
            rule &= Contact.wants_matches.is_(True) if MATCHES in self.wishes else false()
        if self.interests:
            rule &= exists().where(Interest.contact_id == Contact.id, Interest.code.in_(self.interests))
        if self.groups:
            rule &= exists().where(
                Grouped.contact_id == Contact.id, Grouped.group_id.in_(taking_part.numbers(self.groups))
            )
        if self.missed:
            rule &= Contact.id.in_(_missed(self.missed))
        return rule & taking_part.condition(self)


def _missed(broadcasts: tuple[str, ...]) -> Select[int]:
    """Select whom none of these broadcasts can have reached: nobody of unknown outcome is among them."""
    row = OutboxMessage
    return select(row.contact_id).where(
        row.kind == KIND,
        row.ref.in_(taking_part.numbers(broadcasts)),
        row.status.in_(MISSED),
        func.coalesce(row.reason, "").not_in(NOT_MISSED),
    )


def _texts(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)


def count(db: Session, audience: Audience) -> int:
    """Return how many people the rule finds now."""
    return db.scalar(select(func.count()).select_from(Contact).where(audience.condition())) or 0


def count_missed(db: Session, broadcast: int, most: int) -> int:
    """Return how many members a broadcast certainly did not reach, counting no further than `most`."""
    # Joined, so that the rows of the broadcast are gone through and nobody else's.
    rows = _missed((str(broadcast),)).join(Contact, Contact.id == OutboxMessage.contact_id)
    found = rows.where(Contact.state == State.MEMBER).limit(most)
    return db.scalar(select(func.count()).select_from(found.subquery())) or 0
