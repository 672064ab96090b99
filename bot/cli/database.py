"""db: the tables, and copies of all of it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from alembic.util import CommandError
from sqlalchemy import Engine

from bot import migrations, settings
from bot.cli.opened import alone, installation, prepare
from bot.cli.output import AsJson, Trouble, show_json
from bot.db import open_engine

if TYPE_CHECKING:
    from bot.conversations.erasures import Erasure

Key = Annotated[Path | None, typer.Option("--key", help="File with the secret key; default: DATA_DIR/keys/backup.key.")]

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


@app.command()
def copy(
    to: Annotated[str, typer.Argument(help="URL of an empty database; leave a password to ~/.pgpass.")],
    as_json: AsJson = False,
) -> None:
    """Copy everything into an empty database of either engine, and compare every row. Stop all processes first."""
    from bot.backup import copying

    loaded = settings.load()
    wanted = settings.load(database_url=to).database
    with alone(loaded), installation() as opened, _engine(wanted) as target:
        rows = copying.copy(opened.database.engine, target, _tell(as_json))
    if as_json:
        show_json({"rows": rows})
        return
    typer.echo(f"{sum(rows.values())} rows are copied and compared. Now set OUTREACH_DATABASE_URL to the new database,")
    typer.echo("keep DATA_DIR and its keys where they are, and start again; the old database is as it was.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to make, such as outreach-2026-11-24.age.")],
    to: Annotated[
        str, typer.Option("--to", help="Public key (age1...) whose secret key is elsewhere; default: a key of our own.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write database, keys, media and exports into one encrypted file, while everything goes on running."""
    from bot.backup import archive

    with installation() as opened:
        data_dir = opened.settings.data_dir
        key = archive.recipient(to) if to else archive.own_key(data_dir).to_public()
        manifest = archive.write(opened.database.engine, data_dir, file, key, _tell(as_json))
    rows, size = sum(manifest.rows.values()), file.stat().st_size
    if as_json:
        show_json({"file": str(file), "bytes": size, "rows": manifest.rows})
        return
    typer.echo(f"{file}: {rows} rows, {size / 1e6:.1f} MB, encrypted; every row was read back and compared.")
    if not to:
        typer.echo(f"Only {data_dir / 'keys' / 'backup.key'} opens it: keep a copy of that key on another machine.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `db backup` made.")],
    key: Key = None,
    erased: Annotated[
        Path | None, typer.Option(help="List of who was erased since; default: OUTREACH_ERASURES_FILE, if it is there.")
    ] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Read all of it and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup into an empty installation. What waited to be sent then is in doubt: staff decide what goes out."""
    from bot.backup import archive, restoring

    loaded = settings.load()
    prepare(loaded)
    secret = archive.read_key(key or loaded.data_dir / "keys" / "backup.key")
    known = _erasures(erased, loaded.erasures)
    if check_only:
        manifest = restoring.check(file, secret, loaded.data_dir)
    else:
        with alone(loaded), _engine(loaded.database) as target:
            manifest = restoring.restore(file, secret, target, loaded.data_dir, _tell(as_json), known)
        with installation():  # the keys fit what is encrypted
            pass
    rows = sum(manifest.rows.values())
    if as_json:
        show_json({"made_at": manifest.made_at, "rows": manifest.rows})
    elif check_only:
        typer.echo(f"{file} can be restored: {rows} rows of {manifest.made_at}.")
    else:
        typer.echo(f"{rows} rows of {manifest.made_at} are back. Nothing that waited then is sent by itself: look at")
        typer.echo("the messages in doubt in the console, and approve again what was approved.")
        if known:
            typer.echo(f"Whoever of {len(known)} erased people was in it is erased again.")
        else:
            typer.echo("There is no list of who was erased since (--erased): erase them again.")


def _erasures(given: Path | None, ours: Path) -> "list[Erasure]":
    from bot.conversations import erasures

    try:
        return erasures.read(given or ours) if given or ours.exists() else []
    except erasures.BadList as error:
        raise Trouble(str(error)) from None


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _tell(as_json: bool) -> Callable[[str, int], None]:
    """Show on the screen of a person how far it is."""

    def tell(table: str, rows: int) -> None:
        if rows and not as_json:
            typer.echo(f"  {table}: {rows}", err=True)

    return tell
