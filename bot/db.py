"""The database: engine, declarative base, UTC columns, transactions."""

import asyncio
import importlib
import math
import pkgutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from zlib import crc32

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator

P = ParamSpec("P")
T = TypeVar("T")
_READ_ONLY = {"read_only": True}
BUSY = 30_000  #: milliseconds that a statement waits for SQLite's lock
#: A connection to PostgreSQL that lay unused for longer is tried before it is used, in seconds.
IDLE = 1.0


#: What PostgreSQL says when it is there and does not let us in.
_REFUSED = ("authentication failed", "permission denied", "does not exist", "no pg_hba.conf entry", "not permitted")


class DatabaseUnusable(Exception):
    """The database cannot be opened; the message carries the cure."""


#: SQLite counts rows by itself only in a column of type INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite would return naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time column takes aware times only: use clock.now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def lists(db: Session, column: InstrumentedAttribute[list[Any]], number: int) -> ColumnElement[bool]:
    """Return the condition that a column with a JSON list has this number in it."""
    if db.get_bind().dialect.name == "postgresql":
        return cast(column, JSONB).contains([number])
    item = func.json_each(column).table_valued("value")
    return select(item.c.value).where(item.c.value == number).exists()


def values(db: Session, column: InstrumentedAttribute[Any]) -> list[Any]:
    """Return the different values of a column that an index begins with: one look for each, whatever the rows."""
    found = select(func.min(column).label("value")).cte("found", recursive=True)
    after = select(func.min(column)).where(column > found.c.value).scalar_subquery()
    found = found.union_all(select(after).where(found.c.value.is_not(None)))
    return list(db.scalars(select(found.c.value).where(found.c.value.is_not(None))))


class Base(DeclarativeBase):
    """Base of every row."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


class Database:
    """An engine and the threads in which ordinary functions use it.

    SQLite has one writer, so there one thread does all work in turn instead of many that wait for a lock.
    """

    def __init__(self, url: str, threads: int = 8) -> None:
        self.engine = open_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.owes_scrub = self.is_sqlite  #: a process that was killed may have left what it erased in the log
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else threads, thread_name_prefix="db")
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="db-read")

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a transaction, committed at the end of the block."""
        with Session(self.engine, expire_on_commit=False) as db, db.begin():
            yield db

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction for reading: it never waits for a writer."""
        with self.engine.connect().execution_options(**_READ_ONLY) as connection, Session(connection) as db:
            yield db

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a transaction for reading in which everything stays as it was at its first statement."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**_READ_ONLY, **level) as connection, Session(connection) as db:
            yield db

    async def run(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(db, ...)` in a transaction, off the event loop."""

        def work() -> T:
            with self.begin() as db:
                return function(db, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._writers, work)

    async def query(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(db, ...)` for reading only, off the event loop."""

        def work() -> T:
            with self.read() as db:
                return function(db, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def scrub(self) -> bool:
        """Empty SQLite's log, where what was erased would lie on; False when a reader needs it still: ask again."""
        if self.is_sqlite:
            done = await asyncio.get_running_loop().run_in_executor(self._writers, self._scrub)
            self.owes_scrub = not done
        return not self.owes_scrub

    def _scrub(self) -> bool:
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout=200")  # a long reader must not keep everybody who writes waiting
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute(f"PRAGMA busy_timeout={BUSY}")
            cursor.close()
        except sqlite3.OperationalError:  # another process has the file
            return False
        finally:
            connection.close()
        return busy is not None and busy[0] == 0

    def close(self) -> None:
        """Let running work end and close every connection."""
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


def open_engine(url: str) -> Engine:
    """Return an engine for the URL, or raise DatabaseUnusable with the cure."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, connect_args={"isolation_level": None})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = create_engine(parsed, pool_size=10, max_overflow=10)
            _replace_dead_connections(engine)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except ArgumentError:
        raise DatabaseUnusable(
            "OUTREACH_DATABASE_URL is wrong: write sqlite:///path/to/file.db or postgresql://user:password@host/name"
        ) from None
    except (DBAPIError, OSError, ModuleNotFoundError) as error:
        raise DatabaseUnusable(_cure(url, error)) from None
    return engine


def is_away(error: Exception) -> bool:
    """Tell whether the database could not be reached, went away or was too busy: the same may go well in a moment."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):  # a wrong statement is the same error
        return "locked" in str(error.orig)
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | PoolTimeout)


def _cure(url: str, error: Exception) -> str:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    if url.startswith("sqlite"):
        return _cure_of_file(make_url(url).database or "", error, reason)
    if any(words in reason for words in _REFUSED):
        return (
            "The database of OUTREACH_DATABASE_URL refuses us: check the URL's user, password and database, "
            "and that this user may use it"
        )
    return (
        f"The database of OUTREACH_DATABASE_URL cannot be reached ({type(error).__name__}): "
        "check that it runs, and the URL's host, name and password"
    )


def _cure_of_file(file: str, error: Exception, reason: str) -> str:
    said = f"The database file {file} cannot be used ({reason}): "
    if isinstance(error, OSError) or "readonly" in reason or "unable to open" in reason:
        return f"{said}give it and its folder to the user that we run as, or name another OUTREACH_DATA_DIR"
    if "locked" in reason:
        return f"{said}another program has it open, stop that one"
    if "full" in reason or "I/O" in reason:
        return f"{said}make room on its disk, or look whether the disk is sound"
    return f"{said}restore it from a backup, or move it away to begin anew"


def _replace_dead_connections(engine: Engine) -> None:
    """Try a connection that lay idle before it is used: the server may have closed it. Each trial is a round trip."""

    def note_use(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    def try_idle(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used_at", math.inf) > IDLE:
            try:
                engine.dialect.do_ping(connection)
            except Exception:
                raise InvalidatePoolError from None

    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", try_idle)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # FULL: an answer that we acknowledged must survive a power cut, not only a crash.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY}",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a transaction that upgrades from reading to writing half-way would fail instead of waiting.
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def take_turn(db: Session, name: str) -> None:
    """Wait until no other transaction is past here by this name; from now on the others wait for this one.

    SQLite needs none of it: every transaction that writes has begun as the only one.
    """
    if db.get_bind().dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(crc32(name.encode()))))


def take_turn_for_places(db: Session) -> None:
    """Be the only one who gives or takes places: of sessions, of quotas.

    A transaction handles the messages of many people, and several places in it, in any order: were each locked by
    itself, two of them could wait for each other.
    """
    take_turn(db, "places")


def import_models() -> None:
    """Import every room's rows, so that Base.metadata knows all tables."""
    for room in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if room.ispkg and (Path(__file__).parent / room.name / "models.py").exists():
            importlib.import_module(f"bot.{room.name}.models")
