"""Migrations of every room's tables, on the database that `outreach db` hands over or the settings name."""

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy.types import TypeDecorator

from bot import settings
from bot.db import Base, import_models, open_engine
from bot.migrations import Version

import_models()


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = open_engine(settings.load().database)
    with engine.connect() as connection:
        migrate(connection)
    engine.dispose()


def migrate(connection: object) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite changes a table only by copying it
        compare_type=True,
        render_item=plain_type,
        process_revision_directives=name_revision,
    )
    with context.begin_transaction():
        context.run_migrations()


def name_revision(env: MigrationContext, _revision: object, directives: list[MigrationScript]) -> None:
    """Count on, as a migration that expands: one that contracts gets its own number as the second one."""
    last = Version.of(env.get_current_revision())
    directives[0].rev_id = Version(last.number + 1, last.oldest or 1).name


def plain_type(kind: str, item: object, _autogen: object) -> str | bool:
    """Write our column types as the plain ones below them: a migration must outlive the code of its day."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


run()
