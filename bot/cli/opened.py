"""An installation opened for one command."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from bot import logs, migrations, settings
from bot.cli.output import Trouble

if TYPE_CHECKING:
    from bot.app import App
    from bot.staff.models import StaffUser


def prepare(loaded: settings.Settings) -> None:
    """Make sure of the folder in which everything is kept, and log as asked."""
    logs.configure(loaded.log_level)
    try:
        loaded.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=loaded.data_dir):
            pass
    except OSError as error:
        raise Trouble(
            f"OUTREACH_DATA_DIR={loaded.data_dir} cannot be written ({error.strerror}): "
            "give the folder to the user that we run as, or name another one"
        ) from None


@contextmanager
def installation() -> Iterator["App"]:
    """Open the installation of the settings, its tables up to date and its key the right one, and close it."""
    from bot.app import App

    loaded = settings.load()
    prepare(loaded)
    app = App(loaded)
    try:
        if app.database.is_sqlite:
            migrations.upgrade(app.database.engine)
        else:
            migrations.require_fit(app.database.engine)
        with app.database.read() as db:
            try_key(db)
        yield app
    finally:
        app.close()


@contextmanager
def acting(by: str, *refusals: type[Exception]) -> Iterator[tuple["App", Session, "StaffUser"]]:
    """Open the installation for what a member of staff does, in one transaction; `refusals` become one sentence."""
    from bot.staff import service as staff
    from bot.staff.roles import Forbidden

    try:
        with installation() as opened, opened.database.begin() as db:
            user = staff.find(db, by)
            if user is None or not user.active:
                raise Trouble("No active member of staff has this e-mail address: see `outreach staff add`")
            yield opened, db, user
    except tuple[type[Exception], ...]((Forbidden, *refusals)) as error:
        raise Trouble(str(error)) from None


def try_key(db: Session) -> None:
    """Decrypt one value of each kind of person; raise WrongKey before anything is written with another key."""
    from bot.contacts.models import Address
    from bot.staff.models import StaffUser

    for column in (Address.value, StaffUser.email):
        db.scalar(select(column).limit(1))


@contextmanager
def alone(loaded: settings.Settings) -> Iterator[None]:
    """Keep a second process off a database file: two would poll and send beside each other."""
    url = make_url(loaded.database) if loaded.database.startswith("sqlite") else None
    if url is None:
        yield
        return
    if not url.database:
        raise Trouble("OUTREACH_DATABASE_URL names no file, so nothing would be kept: write sqlite:///path/to/file.db")
    import fcntl

    path = Path(url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(
                f"Another outreach process uses {path}: stop it first, or move to PostgreSQL for several"
            ) from None
        yield
