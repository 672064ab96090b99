"""keys: a new encryption key, and everything encrypted anew with it."""

import typer

from bot import crypto, settings
from bot.cli.opened import installation, prepare
from bot.cli.output import AsJson, show_json

app = typer.Typer(help="The encryption keys.", no_args_is_help=True)


@app.command()
def new() -> None:
    """Put a new key before the others; then restart, and rotate. Keep them all: the last one finds people."""
    loaded = settings.load()
    prepare(loaded)
    if loaded.encryption_key.get_secret_value():
        typer.echo("Write this key and a comma before those of OUTREACH_ENCRYPTION_KEY, restart, then: keys rotate")
        typer.echo(crypto.new_key())
        return
    path = loaded.data_dir / "keys" / "encryption.key"
    crypto.add_key(path)
    typer.echo(f"{path} has a new key: copy the file elsewhere, restart every process, then: outreach keys rotate")


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Encrypt everything anew with the newest key; may be interrupted and run again, while the others are at work."""
    from bot.db import Base, import_models

    import_models()
    with installation() as opened:
        rows = crypto.rotate(opened.database.begin, Base.metadata.sorted_tables)
    show_json({"rows": rows}) if as_json else typer.echo(f"{rows} rows are encrypted anew with the newest key.")
