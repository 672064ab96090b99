"""Encryption at rest: what names a person can be read, and found, only with a key kept outside the database."""

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

_KEY_ID = 4
_NONCE = 12


class WrongKey(Exception):
    """The encryption key is wrong; the message carries the cure."""


class Keyring:
    """The first key encrypts, every key decrypts, so that keys can be changed one by one."""

    def __init__(self, keys: list[bytes]) -> None:
        self._ciphers = {hashlib.sha256(key).digest()[:_KEY_ID]: AESGCM(key) for key in keys}
        self._current = next(iter(self._ciphers))
        # The index key must outlive a change of the first key: it comes from the last, oldest one.
        self._index_key = hmac.digest(keys[-1], b"blind index", "sha256")

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read keys of 32 bytes in base64, newest first, separated by commas."""
        try:
            keys = [base64.urlsafe_b64decode(part.strip()) for part in text.split(",")]
            return cls(keys)
        except ValueError:
            raise WrongKey(
                "OUTREACH_ENCRYPTION_KEY is wrong: each key is 32 bytes in base64; "
                "make one with: openssl rand -base64 32 | tr '+/' '-_'"
            ) from None

    def encrypt(self, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._current + nonce + self._ciphers[self._current].encrypt(nonce, value, None)

    def decrypt(self, value: bytes) -> bytes:
        cipher = self._ciphers.get(bytes(value[:_KEY_ID]))
        start = _KEY_ID + _NONCE
        try:
            if cipher is None:
                raise InvalidTag
            return cipher.decrypt(value[_KEY_ID:start], value[start:], None)
        except InvalidTag:
            raise WrongKey(
                "The database was encrypted with another key: "
                "set OUTREACH_ENCRYPTION_KEY (or restore DATA_DIR/keys/) to the one it began with"
            ) from None

    def index(self, value: str) -> str:
        """Return the keyed hash by which an encrypted value is looked up."""
        return hmac.digest(self._index_key, value.encode(), "sha256").hex()


_keyring: Keyring | None = None


def use(keyring: Keyring) -> None:
    """Set the keyring of this process."""
    global _keyring  # noqa: PLW0603 - column types are built before settings are read
    _keyring = keyring


def keyring() -> Keyring:
    """Return the keyring of this process."""
    if _keyring is None:
        raise WrongKey("No encryption key is loaded: start through `outreach`, or call crypto.use first")
    return _keyring


def load_or_create(path: Path) -> str:
    """Return the secret kept in the file, made on first use and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        secret = base64.urlsafe_b64encode(os.urandom(32)).decode()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process of ours was faster
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(secret)
    return path.read_text().strip()


def index(value: str) -> str:
    """Return the keyed hash of `value` under this process's key."""
    return keyring().index(value)


class EncryptedText(TypeDecorator[str]):
    """Text, encrypted at rest."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else keyring().decrypt(value).decode()


class EncryptedJSON(TypeDecorator[Any]):
    """A JSON value, encrypted at rest."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().encrypt(json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(keyring().decrypt(value))
