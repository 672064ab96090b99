"""The tables as this version wants them. Versions run side by side for a while: most migrations only add.

The name of a revision tells what fits: "0007_0005" is the seventh migration, and a program works on such tables from
the one that brought the fifth. A migration that expands keeps the second number; one that contracts sets it to its own.
"""

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from zlib import crc32

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from bot.settings import shipped

#: What waits for longer for a table lets others by, who would queue behind it.
PATIENCE = "5s"
_TURN = crc32(b"migrations")
_LOCK_NOT_AVAILABLE = "55P03"
_FUTURE = 10**4


class NotUpgraded(Exception):
    """The database is of another version; the message carries the cure."""


class Version(NamedTuple):
    """What the name of a revision tells."""

    number: int
    oldest: int  #: the number of the migration that a program must know to work on these tables

    @classmethod
    def of(cls, revision: str | None) -> "Version":
        """Read a revision's name; none at all is before the first, and a name of another kind is of the future."""
        found = re.fullmatch(r"(\d{4})(?:_(\d{4}))?", revision or "0000", re.ASCII)
        return cls(int(found[1]), int(found[2] or found[1])) if found else cls(_FUTURE, _FUTURE)

    @property
    def name(self) -> str:
        """Return the name that a revision has."""
        return f"{self.number:04}" if self.number == self.oldest == 1 else f"{self.number:04}_{self.oldest:04}"


def upgrade(engine: Engine) -> None:
    """Bring the database to this version; what a newer one has added to it stays."""
    with engine.connect() as connection, _alone(connection):
        if _found(connection).number > _ours().number:
            _require_fit(connection)
            return
        if not _is_sqlite(connection):
            connection.execute(text(f"SET lock_timeout = '{PATIENCE}'"))
        connection.commit()  # a migration may have to leave its transaction, which it can only when it began it
        settings = config()
        settings.attributes["connection"] = connection
        try:
            command.upgrade(settings, "head")
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            raise NotUpgraded("Somebody reads or writes for long what has to change: try again in a minute") from None
        connection.commit()


def require_fit(engine: Engine) -> bool:
    """Raise NotUpgraded unless this version works with the database; tell whether a newer one has added to it."""
    with engine.connect() as connection:
        return _require_fit(connection)


def require_whole(engine: Engine) -> None:
    """Raise NotUpgraded when the database has more than this version knows of, and would leave out of a copy."""
    with engine.connect() as connection:
        is_ahead = _found(connection).number > _ours().number
    if is_ahead:
        raise NotUpgraded("The database has more in it than this version knows: copy it with the newer version")


def _require_fit(connection: Connection) -> bool:
    ours, found = _ours(), _found(connection)
    if found.number < ours.number:
        raise NotUpgraded("The database is of an older version: run `outreach db upgrade`, then start again")
    if found.oldest > ours.number:
        raise NotUpgraded(
            "The database is of a newer version, which took away what this one needs: install that version"
        )
    return found.number > ours.number


def _found(connection: Connection) -> Version:
    return Version.of(MigrationContext.configure(connection).get_current_revision())


def _ours() -> Version:
    return Version.of(ScriptDirectory.from_config(config()).get_current_head())


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Let processes that start together upgrade in turn, each waiting without a transaction that others wait for."""
    if _is_sqlite(connection):
        yield
        return
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:turn)"), {"turn": _TURN}):
        connection.rollback()
        time.sleep(0.2)
    connection.rollback()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:turn)"), {"turn": _TURN})
        connection.execute(text("RESET lock_timeout"))
        connection.commit()


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def check(engine: Engine) -> None:
    """Raise alembic's error when tables and models differ."""
    with engine.connect() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.check(settings)


def config() -> Config:
    """Return alembic's configuration."""
    made = Config(stdout=io.StringIO())  # what alembic says is for its own command
    made.set_main_option("script_location", str(shipped("alembic")))
    return made
