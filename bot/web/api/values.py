"""Values as the API takes and gives them: clean texts, numbers that a column holds, pages of a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.broadcasts.audience import Audience
from bot.contacts.models import State
from bot.web.forms import YEARS, clean

LARGEST = 999_999_999_999_999  #: id that every column holds
Id = Annotated[int, Path(ge=1, le=LARGEST)]
RowId = Annotated[int, Field(ge=1, le=LARGEST)]
After = Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200)]
T = TypeVar("T")


def cleaned(value: Any) -> Any:
    """Return JSON without the characters that no column takes."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    return {clean(str(name)): cleaned(one) for name, one in value.items()} if isinstance(value, dict) else value


def _within(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
    return value


Word = Annotated[str, BeforeValidator(cleaned), Field(max_length=64)]
Moment = Annotated[AwareDatetime, AfterValidator(_within)]


class Body(BaseModel):
    """What a caller sends: fields that are not known are refused, not ignored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, given: Any) -> Any:
        return cleaned(given)


class Page(BaseModel, Generic[T]):
    """A part of a list, oldest first: what is added meanwhile comes on a later page, and nothing comes twice."""

    items: list[T]
    next: int | None  #: `after` of the next page; None: this is the last one, for now

    @classmethod
    def of(cls, rows: Sequence[tuple[int, T]], limit: int) -> "Page[T]":
        """Return a page of (id, item); `rows` are one more than `limit` when there is another page."""
        shown = rows[:limit]
        return cls(items=[item for _, item in shown], next=shown[-1][0] if len(rows) > limit else None)


Codes = Annotated[list[Word], Field(max_length=250)]


class AudienceIn(Body):
    """Who is meant: all conditions must hold, an empty one always does, one of its values is enough."""

    origins: Codes = []
    residences: Codes = []
    languages: Codes = []
    interests: Codes = []
    sources: Codes = []
    channels: Codes = []
    wishes: Codes = []
    groups: Codes = []
    missed: Codes = []
    answered: Codes = []
    not_answered: Codes = []
    attended: Codes = []
    not_attended: Codes = []
    replies: Codes = []

    def rule(self) -> Audience:
        """Return the rule; members only."""
        given = {name: tuple(filter(None, values)) for name, values in self.model_dump().items()}
        return Audience(**given, states=(State.MEMBER,))
