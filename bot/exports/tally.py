"""What an export holds, counted while it is written."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.exports.cases import Case, Missing
from bot.exports.tables import Record
from bot.surveys.form import Question


@dataclass
class Tally:
    """Counts of the respondents and of the replies to each question."""

    respondents: int = 0
    answers: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    days: tuple[str, str] = ("", "")  #: of the first and the last start or reply
    replies: dict[str, Counter[Missing | None]] = field(default_factory=dict)  #: by path; None: answered
    codes: dict[str, Counter[str]] = field(default_factory=dict)  #: by path

    def add(self, record: Record) -> None:
        """Count one line."""
        if not record.table.numbers:
            self._add_case(record.case)
        for variable, reply in zip(record.table.variables, record.replies, strict=True):
            path = variable.question.path
            self.replies.setdefault(path, Counter())[reply.missing] += 1
            self.answers += reply.missing is None
            if reply.value and variable.question.choices:
                chosen = reply.value.split() if variable.takes_many else (reply.value,)
                self.codes.setdefault(path, Counter()).update(chosen)

    def _add_case(self, case: Case) -> None:
        self.respondents += 1
        self.dispositions[case.disposition] += 1
        self.sources[case.source or "(none)"] += 1
        self.languages[case.language] += 1
        self.channels[case.channel] += 1
        days = [case.day_started, case.day_completed, *(reply.day for reply in case.replies.values()), *self.days]
        known = [day for day in days if day]
        self.days = (min(known), max(known))

    @property
    def newest(self) -> date | None:
        """Return the day of the newest data."""
        return date.fromisoformat(self.days[1]) if self.days[1] else None

    def asked(self, question: Question) -> int:
        """Return how many times the question was put to somebody."""
        counts = self.replies.get(question.path, Counter())
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
