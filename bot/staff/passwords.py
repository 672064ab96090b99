"""Passwords: argon2 with the library's recommended cost."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from bot.sentences import Sentence

MIN_LENGTH = 12
_hasher = PasswordHasher()


@cache
def _of_nobody() -> str:
    """Return what is verified in place of the hash of a user who is not there, so that both take the same time."""
    return _hasher.hash("nobody has this password")


class TooShort(ValueError):
    """The password is too easy to guess."""


def hashed(password: str) -> str:
    """Return what is stored of a password."""
    if len(password) < MIN_LENGTH:
        raise TooShort(Sentence("A password has at least %(least)s characters: take four words", least=MIN_LENGTH))
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Tell whether this is the password; without a stored hash it never is."""
    try:
        return _hasher.verify(stored or _of_nobody(), password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Tell whether the hash was made at a lower cost than today's."""
    return _hasher.check_needs_rehash(stored)
