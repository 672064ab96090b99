"""Phone numbers as lists give them: read to E.164, or why not. Nothing is guessed, of the number or the person."""

import re
from enum import StrEnum
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberType


class Trouble(StrEnum):
    """What is wrong with a number."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    NO_SUCH_NUMBER = "no_such_number"
    NO_COUNTRY = "no_country"
    PLUS_MISSING = "plus_missing"
    SEVERAL = "several"
    ROUNDED = "rounded"
    OLD_MAURITIAN = "old_mauritian"
    OLD_MALAWIAN = "old_malawian"
    FIXED_LINE = "fixed_line"


class Read(NamedTuple):
    """A number in E.164, or what is wrong with it."""

    e164: str
    trouble: Trouble | None = None


#: Countries whose mobile numbers are known by one look at their pattern; tested against `phonenumbers`.
FAST_REGIONS = (
    "LS", "MW", "MU", "ZA", "ZW", "ZM", "BW", "SZ", "MZ", "NA", "TZ", "KE", "GB", "IE", "FR", "DE", "AE", "IN",
)  # fmt: skip
#: What people put between digits, and what spreadsheets and chats leave invisibly around them.
_INVISIBLE = "\u200b\u200e\u200f\u202a\u202c\u2066\u2069\ufeff"
_BETWEEN = dict.fromkeys(map(ord, f" \t\u00a0\u202f\u2009()-\u2011\u2013'{_INVISIBLE}"))
_ROUNDED = re.compile(r"\d[.,]?\d*[eE]\+?\d+")
_SEVERAL = re.compile(r"\d{4}\D*(?:[/;,|&\n]|\b(?:or|and|ou|et)\b)\D*\d{4}")
_ENDS_AS_DECIMAL = re.compile(r"(\+?\d{7,})\.0")
_LEAST_WITHOUT_PLUS = 10


class _Mobiles(NamedTuple):
    """How mobile numbers of a country look, from the library's own tables."""

    code: str  #: of the country, with +
    plain: str  #: pattern of what follows it
    national: re.Pattern[str]  #: as written at home


def _mobiles(region: str) -> _Mobiles:
    table = PhoneMetadata.metadata_for_region(region)
    if table is None or table.mobile is None:
        raise LookupError(f"phonenumbers knows no mobile numbers of {region}")
    plain, trunk = str(table.mobile.national_number_pattern), table.national_prefix
    return _Mobiles(f"+{table.country_code}", plain, re.compile(f"{f'{trunk}?' if trunk else ''}({plain})"))


_MOBILES = {region: _mobiles(region) for region in FAST_REGIONS}
_INTERNATIONAL = re.compile("|".join(rf"\{one.code}(?:{one.plain})" for one in _MOBILES.values()))


def read(written: str, region: str | None = None) -> Read:
    """Read one cell; `region` (ISO 3166) is the country of numbers that are written without theirs."""
    return Read(quick) if (quick := read_quickly(written, region)) else read_slowly(written, region)


def read_quickly(written: str, region: str | None = None) -> str | None:
    """Read a mobile number of a country we know without asking `phonenumbers`; None when it is anything else."""
    bare = written.translate(_BETWEEN)
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    if bare.startswith("+"):
        return bare if _INTERNATIONAL.fullmatch(bare) else None
    known = _MOBILES.get(region or "")
    found = known and known.national.fullmatch(bare)
    return f"{known.code}{found[1]}" if known and found else None


def read_slowly(written: str, region: str | None = None) -> Read:
    """Read by `phonenumbers` alone."""
    text = _tidy(written)
    if not text:
        return Read("", Trouble.EMPTY)
    if _ROUNDED.fullmatch(text):
        return Read("", Trouble.ROUNDED)
    if _SEVERAL.search(text):
        return Read("", Trouble.SEVERAL)
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return Read("", _unparsed(text, region))
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return Read("", _invalid(text, number))
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    return Read(e164, Trouble.FIXED_LINE if kind == PhoneNumberType.FIXED_LINE else None)


def _tidy(written: str) -> str:
    text = written.strip(f" \t\r\n'\u00a0{_INVISIBLE}")
    if whole := _ENDS_AS_DECIMAL.fullmatch(text):
        text = whole[1]
    return f"+{text[2:]}" if text.startswith("00") else text


def _unparsed(text: str, region: str | None) -> Trouble:
    if sum(map(str.isdigit, text)) < 5:
        return Trouble.NOT_A_NUMBER
    if region is None and not text.startswith("+"):
        return Trouble.PLUS_MISSING if _is_valid(f"+{text}") else Trouble.NO_COUNTRY
    return Trouble.NOT_A_NUMBER


def _invalid(text: str, number: PhoneNumber) -> Trouble:
    national = phonenumbers.national_significant_number(number)
    if len(national) == 7 and number.country_code == 230 and _is_valid(f"+2305{national}"):
        return Trouble.OLD_MAURITIAN
    if len(national) == 7 and number.country_code == 265:
        return Trouble.OLD_MALAWIAN
    digits = sum(map(str.isdigit, text))
    if not text.startswith("+") and digits >= _LEAST_WITHOUT_PLUS and _is_valid(f"+{text}"):
        return Trouble.PLUS_MISSING
    return Trouble.NO_SUCH_NUMBER


def _is_valid(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text))
    except NumberParseException:
        return False
