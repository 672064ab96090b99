"""The tables as this version wants them."""

import io

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from bot.settings import shipped


class NotUpgraded(Exception):
    """The database is of another version; the message carries the cure."""


def upgrade(engine: Engine) -> None:
    """Bring the database to this version."""
    with engine.connect() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        connection.commit()


def require_current(engine: Engine) -> None:
    """Raise NotUpgraded unless the database is of this version."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != ScriptDirectory.from_config(config()).get_current_head():
        raise NotUpgraded("The database is of another version: run `outreach db upgrade`, then start again")


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
