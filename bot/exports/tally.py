"""What an export holds, counted while it is written."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from bot.exports.cases import Missing, Person
from bot.exports.columns import Block, Column
from bot.exports.variables import Variable


@dataclass
class Tally:
    """Counts of the respondents and of the replies to each question, by variable; None is a value given."""

    respondents: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    days: tuple[str, str] = ("", "")  #: of the first and the last start or reply
    replies: defaultdict[Variable, Counter[Missing | None]] = field(default_factory=partial(defaultdict, Counter))
    codes: defaultdict[Variable, Counter[str]] = field(default_factory=partial(defaultdict, Counter))
    versions: Counter[str] = field(default_factory=Counter)

    def add(self, block: Block) -> None:
        """Count the lines of a block."""
        if not block.table.numbers:
            for person in block.people:
                self._add_person(person)
            self._add_days({block.newest})
        for column in block.columns:
            self._add_column(column)

    def _add_column(self, column: Column) -> None:
        variable = column.variable
        replies, codes, choices = self.replies[variable], self.codes[variable], variable.choices
        for given, count in zip(column.distinct, column.counts, strict=True):
            replies[given.missing] += count
            if choices and given.value:
                for code in given.value.split() if variable.takes_many else (given.value,):
                    codes[code] += count

    def _add_person(self, person: Person) -> None:
        self.respondents += 1
        self.versions[person.version] += 1
        self.dispositions[person.disposition] += 1
        self.sources[person.source or "(none)"] += 1
        self.languages[person.language] += 1
        self.channels[person.channel] += 1
        self._add_days({person.day_started, person.day_completed})

    def _add_days(self, days: set[str]) -> None:
        known = {*days, *self.days} - {""}
        if known:
            self.days = (min(known), max(known))

    @property
    def answers(self) -> int:
        """Return the number of values: refusals and all that is missing not counted."""
        return sum(counts[None] for counts in self.replies.values())

    @property
    def newest(self) -> date | None:
        """Return the day of the newest data."""
        return date.fromisoformat(self.days[1]) if self.days[1] else None

    def asked(self, variable: Variable) -> int:
        """Return how many times the question was put to somebody."""
        counts = self.replies[variable]
        return sum(counts[each] for each in (None, Missing.SKIPPED, Missing.REFUSED, Missing.INVALID))

    def summary(self) -> dict[str, Any]:
        """Return who the data is about, for the manifest."""
        return {
            "respondents": self.respondents,
            "answers": self.answers,
            "first_day": self.days[0],
            "last_day": self.days[1],
            "versions": dict(sorted(self.versions.items())),
            "dispositions": dict(sorted(self.dispositions.items())),
            "recruitment_sources": dict(sorted(self.sources.items())),
            "languages": dict(sorted(self.languages.items())),
            "channels": dict(sorted(self.channels.items())),
        }
