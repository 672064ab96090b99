"""What people must not send, not even to us: it is taken out before anything is stored, and they are warned."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.channels.base import Inbound

#: Stands where a secret was.
MARK = "█████"
#: 13 to 19 digits in one row, or in the groups in which cards and identity numbers are printed.
_CARD = re.compile(
    r"(?<!\d)(?:\d{13,19}|\d{4}(?:[ .-]\d{4}){3}(?:[ .-]\d{1,3})?|\d{4}[ .-]\d{6}[ .-]\d{5}|\d{6}[ .-]\d{4}[ .-]\d{3})"
    r"(?![ .-]?\d)"
)
#: Words that name a secret of digits, in English, French, Sesotho, Chichewa and Kreol; most are the same in all.
_CODE_WORDS = (
    r"m?pin", "otp", r"cvv2?", r"cvc2?", r"one[ -]?time[ -]?(?:pin|code|password)",
    r"(?:security|verification|secret|confirmation) code",
    r"code (?:secret|pin|otp|confidentiel|à usage unique|de (?:vérification|sécurité))",
    r"(?:nomoro|khoutu|khoute) ea (?:lekunutu|sephiri|netefatso)",
    r"(?:nambala|khodi|code) ya ?(?:chinsinsi|chitetezo)",
    r"(?:kod|nimero) (?:sekre|pin|otp|verifikasion|sekirite)",
)  # fmt: skip
#: Words that name a secret of any signs.
_PASSWORDS = "|".join((
    "password", "passcode", "passwd", "mot de passe", "modepas", "modpas", "mo de pas", "phasewete",
    "lentsoe la (?:lekunutu|sephiri)", "pasiwedi", "mawu a ?chinsinsi",
))  # fmt: skip
_NAMED = "|".join((*_CODE_WORDS, _PASSWORDS))
_DIGITS = r"\d(?:[ -]?\d){2,9}"
#: "Is" in the five languages, and whose it is: "mawu achinsinsi anga ndi", "phasewete ea ka ke".
_IS = r"(?:is|was|est|c[’']est|ke|ndi|se)"
_MINE = r"(?:\s+(?:ea|ya|oa|ka|me|anga|yanga|wanga))*"
#: Such a word, and the digits after it: "my PIN is 1234", "code OTP : 123 456", "PIN=1234".
_CODE = re.compile(rf"\b(?:{_NAMED})\b[^\d\n]{{0,20}}?(?P<secret>{_DIGITS})(?!\d)", re.IGNORECASE)
#: Or before it: "1234 ke PIN ea ka".
_CODE_BEFORE = re.compile(rf"(?<![\d+])(?P<secret>{_DIGITS})\s+{_IS}\s[^\d\n]{{0,12}}?\b(?:{_NAMED})\b", re.IGNORECASE)
#: "Password: hunter2", "my password is hunter2", "mot de passe : azerty", "mo modpas se soley".
_PASSWORD = re.compile(rf"\b(?:{_PASSWORDS})\b{_MINE}\s*(?:\b{_IS}\b|:|=)+\s*(?P<secret>\S+)", re.IGNORECASE)

#: "My passport number is A1234567": the ones with letters, since digits alone may be the passport office's telephone.
_DOCUMENT = re.compile(
    r"\b(?:passport|passeport|pasepoto|pasipoti|paspor)\b[^\d\n]{0,20}?(?P<secret>\b[A-Z]{1,2}\d{6,9}\b)", re.IGNORECASE
)
#: "WhatsApp code 123-456", "code Telegram : 12345": what is asked for to take an account over.
_MESSENGER = re.compile(
    r"\b(?:whatsapp|telegram) (?:code|kod|khoutu|khodi)\b[^\d\n]{0,20}?(?P<secret>\d{3}[ -]?\d{2,3})(?!\d)"
    r"|\b(?:code|kod|khoutu|khodi) (?:whatsapp|telegram)\b[^\d\n]{0,20}?(?P<other>\d{3}[ -]?\d{2,3})(?!\d)",
    re.IGNORECASE,
)


def redact(inbound: Inbound) -> Inbound:
    """Return the message without the secrets in its text, in the provider's payload too."""
    secrets = sorted({*_secrets(inbound.text)}, key=len, reverse=True)
    if not secrets:
        return inbound
    return replace(inbound, text=_without(inbound.text, secrets), raw=_without_deep(dict(inbound.raw), secrets))


def has_secret(inbound: Inbound) -> bool:
    """Say whether something was taken out of the message."""
    return MARK in inbound.text


def _secrets(text: str) -> Iterator[str]:
    yield from (found[0] for found in _CARD.finditer(text) if _luhn(found[0]))
    for pattern in (_CODE, _CODE_BEFORE, _PASSWORD, _DOCUMENT):
        yield from (found["secret"] for found in pattern.finditer(text))
    yield from (found["secret"] or found["other"] for found in _MESSENGER.finditer(text))


def _luhn(text: str) -> bool:
    """Check the digit that card numbers, and South African identity numbers, end with."""
    digits = [int(char) for char in text if char.isdecimal()][::-1]
    doubled = sum(sum(divmod(digit * 2, 10)) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + doubled) % 10 == 0


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MARK)
    return text


def _without_deep(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        return _without(value, secrets)
    if isinstance(value, dict):
        return {key: _without_deep(item, secrets) for key, item in value.items()}
    return [_without_deep(item, secrets) for item in value] if isinstance(value, list) else value
