"""What an export holds, counted while it is written."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from bot.exports.blocks import Block, Column
from bot.exports.cases import Case, Missing
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
            for record in block.records:
                self._add_case(record.case)
        days = {day for column in block.columns for day in {reply.day for reply in column.replies}}
        self._add_days(days)
        for column in block.columns:
            self._add_column(column)

    def _add_column(self, column: Column) -> None:
        variable = column.variable
        for index, count in Counter(column.indexes).items():
            given = column.distinct[index]
            self.replies[variable][given.missing] += count
            if given.value and variable.choices:
                for code in given.value.split() if variable.takes_many else (given.value,):
                    self.codes[variable][code] += count

    def _add_case(self, case: Case) -> None:
        self.respondents += 1
        self.versions[case.version] += 1
        self.dispositions[case.disposition] += 1
        self.sources[case.source or "(none)"] += 1
        self.languages[case.language] += 1
        self.channels[case.channel] += 1
        self._add_days({case.day_started, case.day_completed})

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
        return counts[None] + counts[Missing.SKIPPED] + counts[Missing.REFUSED]

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
