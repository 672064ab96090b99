"""An installation opened for one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot import logs, migrations, settings

if TYPE_CHECKING:
    from bot.app import App


@contextmanager
def installation() -> Iterator["App"]:
    """Open the installation of the settings, its tables up to date, and close it at the end."""
    from bot.app import App

    loaded = settings.load()
    logs.configure(loaded.log_level)
    app = App(loaded)
    try:
        if app.database.is_sqlite:
            migrations.upgrade(app.database.engine)
        else:
            migrations.require_current(app.database.engine)
        yield app
    finally:
        app.close()
