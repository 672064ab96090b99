"""Templates, and how texts and values read on a page, in the reader's language."""

import hashlib
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from gettext import NullTranslations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.contacts.models import Address
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.console import CONSOLE_LANGUAGES
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging.models import InboxMessage
from bot.sentences import said

_WEB = Path(__file__).parent.parent
STATIC = _WEB / "static"
#: Methods of a reader that templates use as filters.
FILTERS = (
    "number",
    "dollars",
    "when",
    "day",
    "day_month",
    "month",
    "weekday",
    "clock_time",
    "country",
    "label",
    "said",
)


class Reader:
    """A language of the console: its texts, and how it writes numbers, times and names of places."""

    def __init__(self, code: str, texts: NullTranslations) -> None:
        self.code = code
        self.texts = texts
        self.locale = Locale.parse(LANGUAGES[code].locale)

    def said(self, text: str) -> str:
        """Return a sentence of the program in this language; any other text as it is."""
        return said(text, self.texts.gettext)

    def number(self, value: float) -> str:
        """Return a number with its thousands apart."""
        return format_decimal(value, locale=self.locale)

    def dollars(self, value: float) -> str:
        """Return an amount of US dollars."""
        return format_currency(value, "USD", locale=self.locale)

    def share(self, part: float, whole: float) -> str:
        """Return a percentage, `<1%` for what is little but not nothing."""
        ratio = part / whole if whole else 0
        return ("<" if 0 < ratio < 0.01 else "") + format_percent(max(ratio, 0.01) if ratio else 0, locale=self.locale)

    def when(self, value: datetime | None, zone: str = HOME_ZONE) -> Markup:
        """Return a time as the office reads it; the page says which zone that is."""
        if value is None:
            return Markup("–")
        text = format_datetime(value.astimezone(ZoneInfo(zone)), "d MMM y, HH:mm", locale=self.locale)
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), text)

    def day(self, value: datetime) -> Markup:
        """Return the day alone, where the hour does not matter."""
        on = value.astimezone(ZoneInfo(HOME_ZONE)).date()
        return Markup('<time datetime="{}">{}</time>').format(
            on.isoformat(), format_date(on, "d MMM y", locale=self.locale)
        )

    def calendar_day(self, value: date) -> str:
        """Return a day as it stands in the calendar of its place."""
        return format_date(value, "d MMM y", locale=self.locale)

    def day_month(self, value: date) -> str:
        """Return a day of this year."""
        return format_date(value, "d MMM", locale=self.locale)

    def month(self, value: date) -> str:
        """Return the month of a day, with its year."""
        return format_date(value, "LLLL y", locale=self.locale).capitalize()

    def weekday(self, value: date) -> str:
        """Return the short name of a day of the week."""
        return format_date(value, "ccc", locale=self.locale)

    def clock_time(self, value: datetime) -> str:
        """Return the time of day at the office."""
        return f"{value.astimezone(ZoneInfo(HOME_ZONE)):%H:%M:%S}"

    def span(self, value: timedelta) -> str:
        """Return a length of time in its largest unit."""
        return format_timedelta(value, locale=self.locale)

    def country(self, code: str | None) -> str:
        """Return a country's name, or the code itself when it is none."""
        return str(self.locale.territories.get(code or "", code or "–"))

    def label(self, content: Content, prefix: str, code: str) -> str:
        """Return what members read for a code, such as an origin or an interest."""
        known = content.catalogue.entry(f"{prefix}{code}", SOURCE)
        return content.catalogue.text(f"{prefix}{code}", self.code) if known else code

    @cached_property
    def environment(self) -> Environment:
        """Return the templates in this language."""
        made = Environment(
            loader=FileSystemLoader(_WEB / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        made.policies["ext.i18n.trimmed"] = True
        made.install_gettext_translations(self.texts, newstyle=True)  # type: ignore[attr-defined]
        for name in FILTERS:
            made.filters[name] = getattr(self, name)
        made.filters |= {"language": language, "masked": masked}
        made.tests["inbound"] = lambda row: isinstance(row, InboxMessage)
        made.globals |= {"asset": asset, "share": self.share, "languages": LANGUAGES, "home_zone": HOME_ZONE}
        made.globals |= {"reader": self, "spoken": {code: LANGUAGES[code].name for code in CONSOLE_LANGUAGES}}
        return made

    def render(self, template: str, **values: Any) -> str:
        """Return the page."""
        return self.environment.get_template(template).render(**values)


@cache
def reader(code: str, texts: NullTranslations) -> Reader:
    """Return the reader of a language; templates are compiled once for each."""
    return Reader(code, texts)


def language(code: str | None) -> str:
    """Return a language's own name."""
    return LANGUAGES[code].name if code in LANGUAGES else code or "–"


def masked(address: Address) -> str:
    """Return enough of an address to tell two apart, and not enough to write to it."""
    value = address.value.removeprefix(f"{address.channel}:")
    return f"{value[:4] if value.startswith('+') else ''}•••{value[-2:]}"


@cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/console/static/{name}?{digest}"
