"""Encryption at rest: what names a person can be read, and found, only with a key kept outside the database."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    ColumnElement,
    Dialect,
    LargeBinary,
    Table,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

_KEY_ID = 4
_NONCE = 12
#: Rows that are encrypted anew in one transaction.
_BATCH = 500
_FILES_BATCH = 16  #: of pieces of files
#: Opens a transaction.
Begin = Callable[[], AbstractContextManager[Session]]


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

    @property
    def current(self) -> bytes:
        """Return the mark at the head of whatever the first key encrypted."""
        return self._current

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
        secret = new_key()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process of ours was faster
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(secret)
    return path.read_text().strip()


def add_key(path: Path) -> None:
    """Put a new key before those of the file, which then encrypts; the others stay to decrypt and to find."""
    keys = ",".join([new_key(), load_or_create(path)])
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(keys)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)  # in one step: a key that is half written would lose everything


def new_key() -> str:
    """Return a new key as `Keyring.parse` reads it."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


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


class EncryptedBytes(TypeDecorator[bytes]):
    """A piece of a file, encrypted at rest."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().decrypt(value)


class EncryptedJSON(TypeDecorator[Any]):
    """A JSON value, encrypted at rest."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().encrypt(json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(keyring().decrypt(value))


_ENCRYPTED = (EncryptedText, EncryptedBytes, EncryptedJSON)


def rotate(begin: Begin, tables: Iterable[Table]) -> int:
    """Encrypt every value of older keys anew, some rows a transaction; return how many rows had one.

    It can be interrupted and run again, and run while other processes are at work.
    """
    return sum(_renew_table(begin, table) for table in tables if _names(table))


def _names(table: Table) -> list[str]:
    return [column.name for column in table.c if isinstance(column.type, _ENCRYPTED)]


def _batch(table: Table) -> int:
    """Return how many rows may be in memory at a time."""
    return _FILES_BATCH if any(isinstance(column.type, EncryptedBytes) for column in table.c) else _BATCH


def _renew_table(begin: Begin, table: Table) -> int:
    renewed, after = 0, None
    while True:
        with begin() as db:
            rows = _read(db, table, after)
            if not rows:
                return renewed
            _write(db, table, rows)
        renewed += len(rows)
        after = [rows[-1][column.name] for column in table.primary_key]


def _read(db: Session, table: Table, after: list[Any] | None) -> list[dict[str, Any]]:
    """Read the next rows that need it, locked against whoever would change them meanwhile."""
    keys = list(table.primary_key)
    stored = {name: type_coerce(table.c[name], LargeBinary) for name in _names(table)}
    statement = select(*keys, *(column.label(name) for name, column in stored.items()))
    statement = statement.where(or_(*(_is_old(column) for column in stored.values())))
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    rows = db.execute(statement.order_by(*keys).limit(_batch(table)).with_for_update())
    return [dict(row) for row in rows.mappings()]


def _is_old(column: ColumnElement[bytes]) -> ColumnElement[bool]:
    current = keyring().current
    return func.substr(column, 1, len(current), type_=LargeBinary) != current


def _write(db: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    ring, keys, names = keyring(), [column.name for column in table.primary_key], _names(table)
    statement = (
        update(table)
        .where(*(table.c[name] == bindparam(f"key_{name}") for name in keys))
        .values({name: bindparam(f"new_{name}", type_=LargeBinary) for name in names})
    )
    values = [
        {f"key_{name}": row[name] for name in keys}
        | {f"new_{name}": row[name] and ring.encrypt(ring.decrypt(row[name])) for name in names}
        for row in rows
    ]
    db.connection().execute(statement, values)
