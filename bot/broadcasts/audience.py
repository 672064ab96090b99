"""Who a broadcast is meant for: a rule, never a list. Whether each may get it is decided elsewhere."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, exists, false, func, select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact, Interest, State

#: What members may ask for beyond a purpose.
MATCHES = "matches"


class BadAudience(ValueError):
    """The rule cannot be read."""


@dataclass(frozen=True, slots=True)
class Audience:
    """All conditions must hold; an empty one always does, and any one of its values is enough."""

    origins: tuple[str, ...] = ()
    residences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  #: codes of join links
    channels: tuple[str, ...] = ()  #: preferred ones
    wishes: tuple[str, ...] = ()  #: "matches": asked to be told what fits the declared interests
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
        return rule


def _texts(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)


def count(db: Session, audience: Audience) -> int:
    """Return how many people the rule finds now."""
    return db.scalar(select(func.count()).select_from(Contact).where(audience.condition())) or 0
