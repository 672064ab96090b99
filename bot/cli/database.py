"""db: the tables."""

import tempfile
from pathlib import Path

import typer
from alembic.util import CommandError

from bot import migrations, settings
from bot.cli.opened import prepare
from bot.cli.output import Trouble
from bot.db import open_engine

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the tables to this version."""
    loaded = settings.load()
    prepare(loaded)
    engine = open_engine(loaded.database)
    migrations.upgrade(engine)
    engine.dispose()
    typer.echo("The database is up to date.")


@app.command()
def check() -> None:
    """Compare migrations and models, on an empty database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'check.db'}")
        migrations.upgrade(engine)
        try:
            migrations.check(engine)
        except CommandError as error:
            raise Trouble(f"Migrations and models differ: {error}. Run make migration") from None
        finally:
            engine.dispose()
    typer.echo("Migrations and models agree.")
