"""Numbers of lists: the quick way never says anything else than `phonenumbers` alone, and nothing is guessed."""

import random

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from bot.contacts import numbers
from bot.contacts.numbers import FAST_REGIONS, Trouble


def generated(region: str, count: int) -> list[str]:
    """Return numbers like the region's: right ones, and ones with wrong digits, too few or too many."""
    chance = random.Random(region)
    table = PhoneMetadata.metadata_for_region(region)
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert table is not None
    assert example is not None
    national = phonenumbers.national_significant_number(example)
    found = []
    for _ in range(count):
        kept = national[: chance.choice([0, 1, 1, 2, 2, 3, 4, len(national)])]
        length = len(national) + chance.choice([-1, 0, 0, 0, 0, 0, 0, 1, 2])
        digits = (kept + "".join(chance.choices("0123456789", k=15)))[:length]
        form = chance.choice(["+{}{}", "+{} {}", "+{}(0){}", "00{}-{}", "\u202a+{}{}\u202c"])
        found.append(form.format(table.country_code, digits))
        found.append(
            chance.choice(["{}", "0{}", "{}{}", "(0){}"]).replace("{}{}", f"{table.country_code}{{}}").format(digits)
        )
    return found


@pytest.mark.parametrize("region", FAST_REGIONS)
def test_the_quick_way_reads_what_phonenumbers_reads(region: str) -> None:
    quick = {written: e164 for written in generated(region, 2000) if (e164 := numbers.read_quickly(written, region))}
    assert len(quick) > 400
    for written, e164 in quick.items():
        parsed = phonenumbers.parse(written.replace("00", "+", 1) if written.startswith("00") else written, region)
        assert phonenumbers.is_valid_number(parsed), written
        assert e164 == phonenumbers.format_number(parsed, PhoneNumberFormat.E164), written
        assert numbers.read(written, region) == numbers.read_slowly(written, region) == (e164, None), written


@pytest.mark.parametrize("region", ["LS", "MW", "MU", "ZA", "GB", "US", "RE", "IT", "AU"])
def test_a_number_is_taken_only_when_phonenumbers_calls_it_valid(region: str) -> None:
    for written in generated(region, 500):
        if written.startswith("00"):
            continue
        found = numbers.read(written, region)
        try:
            valid = phonenumbers.is_valid_number(phonenumbers.parse(written, region))
        except phonenumbers.NumberParseException:
            valid = False
        assert bool(found.e164) == valid, written


@pytest.mark.parametrize(
    ("written", "region", "e164"),
    [
        ("50123456", "LS", "+26650123456"),
        ("5012 3456", "LS", "+26650123456"),
        ("26650123456", "LS", "+26650123456"),
        ("0991234567", "MW", "+265991234567"),
        ("52512345", "MU", "+23052512345"),
        ("00 266 5012 3456", None, "+26650123456"),
        ("'+266 5012-3456", None, "+26650123456"),
        ("50123456.0", "LS", "+26650123456"),
        ("+44 (0)7911 123456", "LS", "+447911123456"),
        ("+1 604 555 0123", None, "+16045550123"),
        ("+262 692 12 34 56", None, "+262692123456"),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, region: str | None, e164: str) -> None:
    assert numbers.read(written, region) == (e164, None)


@pytest.mark.parametrize(
    ("written", "region", "trouble"),
    [
        ("", "LS", Trouble.EMPTY),
        (" \u200b", "LS", Trouble.EMPTY),
        ("see e-mail", "LS", Trouble.NOT_A_NUMBER),
        ("12", "LS", Trouble.NO_SUCH_NUMBER),
        ("+999123456789", None, Trouble.NOT_A_NUMBER),
        ("50123", "LS", Trouble.NO_SUCH_NUMBER),
        ("+266 5012 3456 7", None, Trouble.NO_SUCH_NUMBER),
        ("+2665012345.0", None, Trouble.NO_SUCH_NUMBER),
        ("50123456", None, Trouble.NO_COUNTRY),
        ("26650123456", None, Trouble.PLUS_MISSING),
        ("447911123456", "LS", Trouble.PLUS_MISSING),
        ("50123456 / 58123456", "LS", Trouble.SEVERAL),
        ("+26650123456 ou +26658123456", None, Trouble.SEVERAL),
        ("2.66501E+10", "LS", Trouble.ROUNDED),
        ("+230 251 2345", None, Trouble.OLD_MAURITIAN),
        ("2512345", "MU", Trouble.OLD_MAURITIAN),
        ("9912345", "MW", Trouble.OLD_MALAWIAN),
        ("+265 881 2345", None, Trouble.OLD_MALAWIAN),
    ],
)
def test_what_cannot_be_read_is_explained_and_not_guessed(written: str, region: str | None, trouble: Trouble) -> None:
    assert numbers.read(written, region) == ("", trouble)


def test_a_fixed_line_is_doubtful_for_whatsapp() -> None:
    assert numbers.read("22312345", "LS").trouble is Trouble.FIXED_LINE
