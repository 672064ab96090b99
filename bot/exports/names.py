"""Names and numbers that SPSS and Stata take: both know fewer than a form may use."""

import re
from collections.abc import Iterable

from bot.exports.cases import Missing
from bot.exports.variables import Variable

_LONGEST = 32  # Stata's; SPSS takes 64
_OTHER = re.compile(r"[^A-Za-z0-9_]")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,8})", re.ASCII)
_STORED = re.compile(r"str\d", re.ASCII)
_RESERVED = frozenset(
    {
        *("all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"),
        *("byte", "double", "float", "if", "in", "int", "long", "strl", "using"),
    }
)
#: What stands in SPSS for each missing code: far from anything that is answered, so that one range declares all.
SPSS_CODES = {missing: -9_999_991 - number for number, missing in enumerate(Missing)}
SPSS_RANGE = (-9_999_999, -9_999_991)


def short_names(headers: Iterable[str]) -> dict[str, str]:
    """Return for each name one that both programs take, unique also where capitals do not count."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for header in headers:
        plain = _OTHER.sub("_", header)
        if not plain[:1].isalpha() or _STORED.match(plain.lower()):
            plain = f"v{plain}"
        if plain.lower() in _RESERVED:
            plain = f"{plain}_"
        name, number = plain[:_LONGEST], 1
        while name.lower() in taken:
            number += 1
            end = f"_{number}"
            name = plain[: _LONGEST - len(end)] + end
        taken.add(name.lower())
        found[header] = name
    return found


def numbered(variable: Variable, unseen: Iterable[str] = ()) -> dict[str, int]:
    """Return the number that stands for each code: the code itself where all are whole numbers, else 1, 2, 3 ...

    `unseen` are codes in the data that no version of the form lists any more; they come last.
    """
    codes = [*variable.choices, *(code for code in unseen if code not in variable.choices)]
    if all(map(_INTEGER.fullmatch, codes)):
        own = [int(code) for code in codes]
        if not any(SPSS_RANGE[0] <= number <= SPSS_RANGE[1] for number in own):
            return dict(zip(codes, own, strict=True))
    return {code: number for number, code in enumerate(codes, 1)}
