"""doctor: is everything that an installation needs there? Looks, and changes nothing."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from smtplib import SMTPException

import typer
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot import certificate, clock, crypto, logs, migrations, settings
from bot.cli.content import content_problems
from bot.cli.opened import try_key
from bot.cli.output import AsJson, Trouble, complain, show_json
from bot.cli.probing import NO_CHANNEL, Finding, probe
from bot.db import Database
from bot.settings import Settings

ENOUGH = 500_000_000  #: bytes


def doctor(as_json: AsJson = False) -> None:
    """Look at settings, data, keys, content, providers and address; say what is wrong and how to mend it."""
    findings = list(_examine())
    if as_json:
        show_json([{"check": one.check, "ok": one.ok, "says": one.says} for one in findings])
    else:
        for one in findings:
            typer.echo(f"{'ok     ' if one.ok else 'problem'}  {one.check}: {one.says}")
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def _examine() -> Iterator[Finding]:
    try:
        loaded = settings.load()
    except settings.SettingsError as error:
        yield Finding("settings", False, str(error))
        return
    logs.configure("ERROR")
    yield Finding("settings", True, "every one can be read")
    for check, look in _CHECKS.items():
        yield _looked(check, look, loaded)
    yield from probe(loaded) or [Finding("channels", False, NO_CHANNEL)]


def _looked(check: str, look: Callable[[Settings], str], loaded: Settings) -> Finding:
    try:
        return Finding(check, True, look(loaded))
    except Exception as error:
        sentence = complain(error)
        if sentence is None:
            raise
        return Finding(check, False, sentence)


def _data_folder(loaded: Settings) -> str:
    """Look at the folder, or at the one in which it will be made."""
    wanted = loaded.data_dir.absolute()
    folder = next(path for path in (wanted, *wanted.parents) if path.exists())
    with tempfile.TemporaryFile(dir=folder):
        pass
    free = shutil.disk_usage(folder).free
    if free < ENOUGH:
        raise Trouble(f"{free // 1_000_000} MB are free on the disk of OUTREACH_DATA_DIR={loaded.data_dir}: make room")
    return f"{loaded.data_dir} can be written, {free // 1_000_000} MB are free"


def _keys(loaded: Settings) -> str:
    path = _key_file(loaded)
    _keyring(loaded)
    if loaded.encryption_key.get_secret_value():
        return "OUTREACH_ENCRYPTION_KEY can be read"
    if not path.exists():
        return "made at the first start"
    if path.stat().st_mode & 0o077:
        raise Trouble(f"Other users of this machine can read {path}: run chmod 600 {path}")
    return f"{path} can be read, by its owner only; keep a copy elsewhere"


def _key_file(loaded: Settings) -> Path:
    return loaded.data_dir / "keys" / "encryption.key"


def _keyring(loaded: Settings) -> crypto.Keyring:
    """Return the keys, without making one: what was encrypted can then not be read, which is told."""
    path, given = _key_file(loaded), loaded.encryption_key.get_secret_value()
    if not given and not path.exists():
        return crypto.Keyring([os.urandom(32)])
    return crypto.Keyring.parse(given or path.read_text().strip())


def _database(loaded: Settings) -> str:
    url = make_url(loaded.database) if loaded.database.startswith("sqlite") else None
    if url is not None and not Path(url.database or "").is_file():
        return "made at the first start"
    crypto.use(_keyring(loaded))
    database = Database(loaded.database)
    try:
        with database.read() as db:
            if database.is_sqlite and (found := db.scalar(text("PRAGMA quick_check(1)"))) != "ok":
                raise Trouble(f"The database file is damaged ({found}): restore it from a backup")
        is_newer = migrations.require_fit(database.engine)
        with database.read() as db:
            try_key(db)
    finally:
        database.close()
    version = "of a newer version that this one works with" if is_newer else "of this version"
    return f"reachable, {version}, and readable with our key"


def _content(loaded: Settings) -> str:
    errors, drafts = content_problems(loaded.messages)
    if errors:
        raise Trouble(f"{len(errors)} errors in {loaded.messages}: run `outreach check`, which names each")
    return f"complete; {len(drafts)} wordings are drafts"


def _public_address(loaded: Settings) -> str:
    url = loaded.public_url
    if not url:
        return f"none, which polling does not need; staff open {loaded.local_url}/console/"
    if not url.startswith("https://"):
        raise Trouble(f"OUTREACH_PUBLIC_URL={url} is not secure: providers call https only, so write https://...")
    try:
        left = certificate.seconds_left(url, clock.now().timestamp())
    except certificate.Untrusted as error:
        raise Trouble(f"Providers do not accept the certificate of {url} ({error}): renew it") from None
    if left is None:
        return f"{url} is https; it cannot be reached from here, so look at it from elsewhere"
    days = int(left // 86_400)
    if days < certificate.ENOUGH.days:
        raise Trouble(f"The certificate of {url} ends in {days} days: see why it is not renewed")
    return f"{url} is https, and its certificate is good for {days} days"


def _mail(loaded: Settings) -> str:
    if not loaded.smtp_host:
        return "OUTREACH_SMTP_HOST is empty: alarms reach linked chats only"
    from bot.app.building import mail_server

    try:
        with mail_server(loaded).opened():
            pass
    except (SMTPException, OSError) as error:
        where, why = f"{loaded.smtp_host}:{loaded.smtp_port}", type(error).__name__
        raise Trouble(f"The mail server {where} does not take us ({why}): check OUTREACH_SMTP_...") from None
    return f"{loaded.smtp_host} takes us"


def _official(loaded: Settings) -> str:
    """Look at what VERIFY answers: members compare with it whoever writes to them."""
    is_on = loaded.telegram_token.get_secret_value() or loaded.twilio_account_sid
    if not loaded.handles and is_on:
        raise Trouble("VERIFY cannot name our accounts: write OUTREACH_OFFICIAL_HANDLES=@our_bot, +266...")
    return f"VERIFY names {loaded.handles or 'no account'} and {', '.join(loaded.domains) or 'no domain'}"


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "data folder": _data_folder,
    "keys": _keys,
    "database": _database,
    "content": _content,
    "public address": _public_address,
    "official accounts": _official,
    "mail server": _mail,
}
