"""Templates, and how values read on a page."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.contacts.models import Address
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging.models import InboxMessage

_WEB = Path(__file__).parent.parent
STATIC = _WEB / "static"
_LOCALE = Locale.parse("en_GB")


def number(value: float) -> str:
    """Return a number with its thousands apart."""
    return format_decimal(value, locale=_LOCALE)


def when(value: datetime | None, zone: str = HOME_ZONE) -> Markup:
    """Return a time as the office reads it; the page says which zone that is."""
    if value is None:
        return Markup("–")
    text = format_datetime(value.astimezone(ZoneInfo(zone)), "d MMM y, HH:mm", locale=_LOCALE)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), text)


def day(value: datetime) -> Markup:
    """Return the day alone, where the hour does not matter."""
    on = value.astimezone(ZoneInfo(HOME_ZONE)).date()
    return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), format_date(on, "d MMM y", _LOCALE))


def clock_time(value: datetime) -> str:
    """Return the time of day at the office."""
    return f"{value.astimezone(ZoneInfo(HOME_ZONE)):%H:%M:%S}"


def country(code: str | None) -> str:
    """Return a country's name, or the code itself when it is none."""
    return str(_LOCALE.territories.get(code or "", code or "–"))


def language(code: str | None) -> str:
    """Return a language's own name."""
    return LANGUAGES[code].name if code in LANGUAGES else code or "–"


def label(content: Content, prefix: str, code: str) -> str:
    """Return what members read for a code, such as an origin or an interest."""
    known = content.catalogue.entry(f"{prefix}{code}", SOURCE)
    return content.catalogue.text(f"{prefix}{code}", SOURCE) if known else code


def masked(address: Address) -> str:
    """Return enough of an address to tell two apart, and not enough to write to it."""
    value = address.value.removeprefix(f"{address.channel}:")
    return f"{value[:4] if value.startswith('+') else ''}•••{value[-2:]}"


def share(part: float, whole: float) -> str:
    """Return a percentage, `<1%` for what is little but not nothing."""
    percent = 100 * part / whole if whole else 0
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


@cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/console/static/{name}?{digest}"


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(_WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (number, when, day, clock_time, country, language, label, masked):
        made.filters[function.__name__] = function
    made.tests["inbound"] = lambda row: isinstance(row, InboxMessage)
    made.globals |= {"asset": asset, "share": share, "languages": LANGUAGES, "home_zone": HOME_ZONE}
    return made


def render(template: str, **values: Any) -> str:
    """Return the page."""
    return environment().get_template(template).render(**values)
