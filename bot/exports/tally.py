"""What an export holds, counted while it is written."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from bot.exports.cases import Case, Missing
from bot.exports.tables import Record
from bot.surveys.form import Question


@dataclass
class Tally:
    """Counts of the respondents and of the replies to each question, those by path; None is a value given."""

    respondents: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    days: tuple[str, str] = ("", "")  #: of the first and the last start or reply
    replies: defaultdict[str, Counter[Missing | None]] = field(
        default_factory=partial(defaultdict, Counter)
    )  #: by path
    codes: defaultdict[str, Counter[str]] = field(default_factory=partial(defaultdict, Counter))  #: by path

    def add(self, record: Record) -> None:
        """Count one line."""
        if not record.table.numbers:
            self._add_case(record.case)
        for variable, reply in zip(record.table.variables, record.replies, strict=True):
            self.replies[variable.path][reply.missing] += 1
            if reply.value and variable.choices:
                counts = self.codes[variable.path]
                for code in reply.value.split() if variable.takes_many else (reply.value,):
                    counts[code] += 1

    def _add_case(self, case: Case) -> None:
        self.respondents += 1
        self.dispositions[case.disposition] += 1
        self.sources[case.source or "(none)"] += 1
        self.languages[case.language] += 1
        self.channels[case.channel] += 1
        days = {case.day_started, case.day_completed, *self.days, *(reply.day for reply in case.replies.values())} - {
            ""
        }
        self.days = (min(days), max(days))

    @property
    def answers(self) -> int:
        """Return the number of values: refusals and all that is missing not counted."""
        return sum(counts[None] for counts in self.replies.values())

    @property
    def newest(self) -> date | None:
        """Return the day of the newest data."""
        return date.fromisoformat(self.days[1]) if self.days[1] else None

    def asked(self, question: Question) -> int:
        """Return how many times the question was put to somebody."""
        counts = self.replies[question.path]
        return counts[None] + counts[Missing.SKIPPED] + counts[Missing.REFUSED]

    def summary(self) -> dict[str, Any]:
        """Return who the data is about, for the manifest."""
        return {
            "respondents": self.respondents,
            "answers": self.answers,
            "first_day": self.days[0],
            "last_day": self.days[1],
            "dispositions": dict(sorted(self.dispositions.items())),
            "recruitment_sources": dict(sorted(self.sources.items())),
            "languages": dict(sorted(self.languages.items())),
            "channels": dict(sorted(self.channels.items())),
        }
