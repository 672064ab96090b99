"""How a report speaks: its texts from report.po, the form's own labels, and numbers as the language writes them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from bot.content.catalogue import Catalogue
from bot.content.languages import LANGUAGES
from bot.surveys.form import Form, Question, Text

#: What stands where a number is hidden.
HIDDEN = "–"
_RANGE = re.compile(r"(?<=\d)–(?=\d)")


@dataclass(frozen=True)
class Wording:
    """One language of the report."""

    catalogue: Catalogue
    language: str

    def say(self, key: str, /, **values: object) -> str:
        """Return a text of report.po."""
        return _spaced(self.catalogue.text(key, self.language, **values))

    def fill(self, texts: Mapping[str, str], **values: object) -> str:
        """Return a text of the plan."""
        filled = texts[self.language]
        for name, value in values.items():
            filled = filled.replace("{" + name + "}", str(value))
        return _spaced(filled)

    def number(self, value: float) -> str:
        """Return a number with its thousands apart."""
        return _spaced(format_decimal(value, locale=self._locale))

    def count(self, value: int | None) -> str:
        """Return a number of people, or what stands for a hidden one."""
        return HIDDEN if value is None else self.number(value)

    def share(self, value: float | None) -> str:
        """Return a whole percentage; what is little but not nothing is `<1%`."""
        if value is None:
            return HIDDEN
        small = 0 < value < 0.005
        return ("<" if small else "") + _spaced(format_percent(0.01 if small else value, locale=self._locale))

    def percent(self, value: float) -> str:
        """Return a percentage with one decimal."""
        return _spaced(format_percent(value / 100, "#,##0.0 %" if self.language == "fr" else "#,##0.0%", self._locale))

    def day(self, iso: str) -> str:
        """Return a day in words."""
        return _spaced(format_date(date.fromisoformat(iso), "d MMMM y", locale=self._locale))

    def month(self, day: date) -> str:
        """Return the month and year of a day."""
        return _spaced(format_date(day, "LLLL y", locale=self._locale)).capitalize()

    def between(self, first: str, last: str) -> str:
        """Return the days of collecting; a single day is said once."""
        if not first:
            return self.say("dates_none")
        same = first == last or date.fromisoformat(last) - date.fromisoformat(first) < timedelta(days=1)
        return (
            self.say("date_one", day=self.day(first))
            if same
            else self.say("dates", first=self.day(first), last=self.day(last))
        )

    def country(self, code: str) -> str:
        """Return a country's name."""
        return str(self._locale.territories.get(code, code))

    def listed(self, items: Iterable[str]) -> str:
        """Return several things in one sentence."""
        from babel.lists import format_list

        return _spaced(format_list(list(items), locale=self._locale))

    def labelled(self, form: Form, text: Text) -> str:
        """Return a text of the form in this language, or in the form's own."""
        mine = (name for name in form.languages if name.endswith(f"({self.language})"))
        wording = form.wording(text, next(mine, form.default_language))
        return _spaced(str(wording or ""))

    def choices(self, form: Form, question: Question) -> dict[str, str]:
        """Return the label of each choice by code."""
        return {choice.value: self.labelled(form, choice.label) for choice in question.choices}

    @property
    def _locale(self) -> Locale:
        return Locale.parse(LANGUAGES[self.language].locale)


def _spaced(text: str) -> str:
    """Return a text with the wider of the two spaces that keep words together, and ranges of numbers in one piece."""
    return _RANGE.sub("\u2060–\u2060", text.replace("\u202f", "\u00a0"))  # the font has no narrow space
