"""Read numbers and dates as people type them; doubt is None, so that the question is asked again."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from bot.content.normalise import normalise, plain_marks

# A currency may stand before the number; after it only its code, because "2M" and "5k" mean millions and thousands.
_CODES = r"ZAR|LSL|MWK|MUR|GBP|EUR|USD|AUD|CAD"
_NUMBER = re.compile(
    rf"(?:(?:{_CODES}|MK|RS|R|M|[$£€])\.?\s*)?"
    r"(?P<sign>[+-]?)(?P<whole>\d{1,3}(?P<group>[ ,.'])\d{3}(?:(?P=group)\d{3})*|\d+)"
    r"(?:(?P<point>[.,])(?P<rest>\d+))?"
    rf"(?:\s*(?:{_CODES}|€))?",
    re.IGNORECASE,
)
#: A phone writes 1½ for 1 1/2.
_DECIMALS = {"½": "5", "¼": "25", "¾": "75"}
_PARTS = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d{1,15})? ?(?P<part>[½¼¾])")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4})")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|e)?")


def read_number(text: str, decimal: str) -> Decimal | None:
    """Return the number in `text`; `decimal` is the language's own decimal sign, which settles "1,000"."""
    tidy = plain_marks(text)
    if parts := _PARTS.fullmatch(tidy):
        return Decimal(f"{parts['sign']}{parts['whole'] or 0}.{_DECIMALS[parts['part']]}")
    found = _NUMBER.fullmatch(tidy)
    if not found or (found["point"] and found["point"] == found["group"]):
        return None
    whole, group, rest = found["whole"], found["group"], found["rest"]
    if group == decimal and not rest and whole.count(group) == 1:
        if not whole.startswith("0"):
            return None
        whole, rest = whole.split(group)
    digits = re.sub(r"\D", "", whole)
    return Decimal(f"{found['sign']}{digits}.{rest or 0}")


def read_date(text: str, month: Callable[[str], int | None], fillers: frozenset[str], years: range) -> date | None:
    """Return the date in `text`: ISO, day first, or with the month in words.

    `month` gives the number of a month's name; `fillers` are the words that may stand beside a date (weekdays, "le").
    """
    tidy = plain_marks(text)
    if found := _ISO.fullmatch(tidy):
        return _date(int(found[1]), int(found[2]), int(found[3]), years)
    if found := _DAY_FIRST.fullmatch(tidy):
        return _date(int(found[3]), int(found[2]), int(found[1]), years)
    return _in_words([word for word in normalise(text).split() if word not in fillers], month, years)


def _in_words(words: list[str], month: Callable[[str], int | None], years: range) -> date | None:
    """Read "12 mars 1990" and "March 12th, 1990"."""
    days = [int(found[1]) for word in words if (found := _DAY.fullmatch(word))]
    written_years = [int(word) for word in words if len(word) == 4 and word.isdecimal()]
    months = [number for word in words if (number := month(word)) is not None]
    if len(words) != 3 or (len(days), len(months), len(written_years)) != (1, 1, 1):
        return None
    return _date(written_years[0], months[0], days[0], years)


def _date(year: int, month: int, day: int, years: range) -> date | None:
    try:
        return date(year, month, day) if year in years else None
    except ValueError:
        return None
