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
#: A word that names a secret, and the digits after it: "my PIN is 1234", "code OTP : 123 456", "PIN=1234".
_CODE = re.compile(
    r"\b(?:pin|otp|cvv2?|cvc2?|mpin|one[ -]?time[ -]?(?:pin|code|password)|code (?:secret|pin|otp)|mot de passe)\b"
    r"[^\d\n]{0,20}?(?P<secret>\d(?:[ -]?\d){2,9})(?!\d)",
    re.IGNORECASE,
)
#: "Password: hunter2", "my password is hunter2", "mot de passe : azerty".
_PASSWORD = re.compile(
    r"\b(?:password|passcode|passwd|mot de passe|modepas)\b\s*(?:is\b|est\b|:|=)+\s*(?P<secret>\S+)", re.IGNORECASE
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
    for pattern in (_CODE, _PASSWORD):
        yield from (found["secret"] for found in pattern.finditer(text))


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
