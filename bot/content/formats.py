"""Write dates, times, numbers and money the way each language does, and read what people type back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_decimal_symbol

from bot.content.catalogue import Catalogue
from bot.content.files import read_yaml
from bot.content.languages import LANGUAGES
from bot.content.normalise import normalise
from bot.content.reading import read_date, read_number

_SHIFTS = {"today": 0, "yesterday": -1, "tomorrow": 1}


@dataclass(frozen=True)
class _Names:
    months: tuple[str, ...]
    days: tuple[str, ...]


class Formats:
    """Dates, times, numbers and money in five languages."""

    def __init__(self, catalogue: Catalogue, supplement: Mapping[str, Any]) -> None:
        self._catalogue = catalogue
        self._cities: Mapping[str, str] = supplement["cities"]
        self._names = {code: _names(code, supplement["names"].get(code, {})) for code in LANGUAGES}
        self._understood = {
            normalise(spelling): int(month)
            for month, spellings in supplement["months_understood"].items()
            for spelling in spellings
        }
        weekdays = {normalise(day) for names in self._names.values() for day in names.days}
        self._fillers = frozenset(weekdays | {normalise(word) for word in supplement["beside_dates"]})
        self._near = {
            normalise(word): timedelta(days=_SHIFTS[day])
            for day, words in supplement["days_understood"].items()
            for word in words
        }

    @classmethod
    def load(cls, messages_dir: Path, catalogue: Catalogue) -> "Formats":
        """Read formats.yaml: what CLDR lacks."""
        return cls(catalogue, read_yaml(messages_dir / "formats.yaml"))

    def format_date(self, day: date, language: str) -> str:
        """Return the date as "Saturday 9 March 2024"."""
        names = self._names[language]
        return f"{names.days[day.weekday()]} {day.day} {names.months[day.month - 1]} {day.year}"

    def format_datetime(self, at_utc: datetime, zone: str, language: str) -> str:
        """Return the moment in `zone` as "Saturday 9 March 2024, 18:00 (Maseru time, UTC+2)"."""
        local = at_utc.astimezone(ZoneInfo(zone))
        return self._catalogue.text(
            "format.datetime",
            language,
            date=self.format_date(local, language),
            time=format(local, "%H:%M"),
            zone=self.format_zone(at_utc, zone, language),
        )

    def format_zone(self, at_utc: datetime, zone: str, language: str) -> str:
        """Return the name of `zone` as "Maseru time, UTC+2"; the offset is the one in force at `at_utc`."""
        offset = at_utc.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
        return self._catalogue.text("format.zone", language, city=self.city(zone, language), offset=_utc(offset))

    def city(self, zone: str, language: str) -> str:
        """Return the city that names `zone`."""
        if zone in self._cities:
            return self._cities[zone]
        locale = Locale.parse(LANGUAGES[language].locale)
        # CLDR names a city only where it differs from the zone's own last part.
        return str(locale.time_zones.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " "))

    def format_number(self, number: int | float | Decimal, language: str) -> str:
        """Return the number with the separators of `language`."""
        return format_decimal(number, locale=LANGUAGES[language].locale)

    def format_money(self, amount: int | float | Decimal, currency: str, language: str) -> str:
        """Return the amount with its ISO code, "1,234.50 LSL": symbols such as $ and M mean several currencies."""
        whole = amount == int(amount)
        pattern = "#,##0 ¤¤" if whole else "#,##0.00 ¤¤"
        return format_currency(amount, currency, pattern, locale=LANGUAGES[language].locale, currency_digits=not whole)

    def parse_number(self, text: str, language: str) -> Decimal | None:
        """Return the number a person typed ("1 000,5", "R1,500.50"), or None when it could be another."""
        return read_number(text, get_decimal_symbol(LANGUAGES[language].locale))

    def parse_date(self, text: str, language: str, today: date) -> date | None:
        """Return the date a person typed ("12 mars 1990", "12/3/1990", "1990-03-12"), or None when unsure."""
        shift = self._near.get(normalise(text))
        if shift is not None:
            return today + shift
        return read_date(text, partial(self._month, language), self._fillers, range(1900, today.year + 101))

    def _month(self, language: str, word: str) -> int | None:
        """Find a month by its name in any language, the person's first, or by an abbreviation that fits only one."""
        others = (code for code in LANGUAGES if code != language)
        for code in (language, *others):
            found = [n for n, name in enumerate(self._names[code].months, 1) if normalise(name) == word]
            if found:
                return found[0]
        if word in self._understood:
            return self._understood[word]
        for code in (language, *LANGUAGES):
            found = [n for n, name in enumerate(self._names[code].months, 1) if normalise(name).startswith(word)]
            if len(word) >= 3 and found:
                return found[0] if len(found) == 1 else None
        return None


def _names(code: str, supplement: Mapping[str, list[str]]) -> _Names:
    locale = Locale.parse(LANGUAGES[code].locale)
    months = supplement.get("months") or [locale.months["format"]["wide"][number] for number in range(1, 13)]
    days = supplement.get("days") or [locale.days["format"]["wide"][number] for number in range(7)]
    return _Names(tuple(months), tuple(days))


def _utc(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
