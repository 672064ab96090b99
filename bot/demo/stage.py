"""A whole installation on the loopback address: emulated providers, and our own processes in this one."""

import fcntl
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.routing import Mount

from bot import migrations, settings
from bot.app import App
from bot.emulators.limits import Limits
from bot.emulators.phones import phones_app
from bot.emulators.server import hosting, serve
from bot.emulators.world import Accounts, World
from bot.settings import Settings


class FolderTaken(Exception):
    """Two plays in one folder would mix their data."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the play and the tests act on."""

    world: World
    app: App
    url: str  #: of the console, webhooks and phones


@asynccontextmanager
async def stage(
    data_dir: Path,
    *,
    port: int = 0,
    limits: Limits | None = None,
    telegram_mode: str = "polling",
    works: bool = True,
    accounts: Accounts | None = None,
    **overrides: Any,
) -> AsyncIterator[Stage]:
    """Set up everything; `works` False leaves delivery, polling and jobs out."""
    world = World(accounts, limits)
    async with serve(world) as emulators:
        chosen = port or free_port(0)
        loaded = _settings(
            world, data_dir, chosen, telegram_mode, emulators.telegram_api_base, emulators.twilio_api_base, overrides
        )
        app = App(loaded)
        migrations.upgrade(app.database.engine)
        try:
            async with hosting(app.web([Mount("/phones", app=phones_app(world))]), chosen) as url, app.connected():
                world.twilio.inbound_urls = {
                    f"whatsapp:{channel.sender}": f"{url}/hooks/{path}" for path, channel in app.hooks.items()
                }
                await app.sync_templates()
                await app.register_webhooks()
                if works:
                    async with app.working():
                        yield Stage(world, app, url)
                else:
                    yield Stage(world, app, url)
        finally:
            app.close()


def _settings(
    world: World,
    data_dir: Path,
    port: int,
    telegram_mode: str,
    telegram_api_base: str,
    twilio_api_base: str,
    overrides: dict[str, Any],
) -> Settings:
    """Say everything, so that nothing of a real installation's environment gets in."""
    accounts = world.accounts
    fixed: dict[str, Any] = {
        "_env_file": None,
        "data_dir": data_dir,
        "database_url": "",
        "host": "127.0.0.1",
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "secret_key": "",
        "encryption_key": "",
        "messages_dir": None,
        "telegram_token": accounts.telegram_token,
        "telegram_api_base": telegram_api_base,
        "telegram_mode": telegram_mode,
        "telegram_username": accounts.telegram_username,
        "telegram_webhook_secret": "emulated-secret",
        "telegram_more": [
            {"token": token, "username": username, "webhook_secret": f"emulated-{username}"}
            for token, username in accounts.more_bots
        ],
        "twilio_account_sid": accounts.twilio_sid,
        "twilio_auth_token": accounts.twilio_token,
        "twilio_api_base": twilio_api_base,
        "whatsapp_from": accounts.whatsapp_from.removeprefix("whatsapp:"),
        "whatsapp_messaging_service_sid": "",
        "whatsapp_more": [{"number": number.removeprefix("whatsapp:")} for number in accounts.more_numbers],
        "official_handles": f"@{accounts.telegram_username}, {accounts.whatsapp_from.removeprefix('whatsapp:')}",
        "official_domains": "diaspora.example.org",
        "second_factor_roles": "",
        "oidc_issuer": "",
    }
    return settings.load(**{**fixed, **overrides})


def free_port(wanted: int) -> int:
    """Return the wanted port or the next free one; 0 takes any."""
    for port in range(wanted, wanted + 100) if wanted else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"No port from {wanted} to {wanted + 99} is free")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second play out of the folder while this one lasts; a play that was killed leaves no lock."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderTaken(f"Another demo uses {folder}: stop it first") from None
        yield


def fresh(folder: Path) -> Path:
    """Return the folder, emptied of an earlier play."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
