"""An `outreach work` made to be killed; a module of its own, which a server imports once to fork one at once."""

import base64
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bot import app as _app  # noqa: F401 - what the command needs is imported before the fork
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.cli.main import main
from bot.db import Database
from bot.emulators.world import Accounts
from bot.messaging.templates import StoredContents

AT_ONCE = 32
KEY = b"c" * 32


@dataclass(frozen=True)
class Site:
    """What a sending process needs to know."""

    folder: Path
    database_url: str
    telegram_base: str
    twilio_base: str
    public_url: str
    accounts: Accounts
    rate: int = 1000  #: messages a second, of each channel
    patience: float = 1  #: seconds for an answer of a provider

    @property
    def calls(self) -> Path:
        """Return the folder in which processes note the calls that they begin."""
        return self.folder / "calls"

    def settings(self) -> dict[str, str]:
        """Return the installation's settings."""
        given = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "ENCRYPTION_KEY": base64.urlsafe_b64encode(KEY).decode(),
            "LOG_LEVEL": "ERROR",
            "TELEGRAM_TOKEN": self.accounts.telegram_token,
            "TELEGRAM_API_BASE": self.telegram_base,
            "TELEGRAM_RATE": str(self.rate),
            "TWILIO_ACCOUNT_SID": self.accounts.twilio_sid,
            "TWILIO_AUTH_TOKEN": self.accounts.twilio_token,
            "TWILIO_API_BASE": self.twilio_base,
            "WHATSAPP_FROM": self.number,
            "WHATSAPP_RATE": str(self.rate),
            "PUBLIC_URL": self.public_url,
            "SEND_TIMEOUT": str(self.patience),
            "MAX_IN_FLIGHT": str(AT_ONCE),
        }
        return {f"OUTREACH_{name}": value for name, value in given.items()}

    @property
    def number(self) -> str:
        """Return our WhatsApp number."""
        return self.accounts.whatsapp_from.removeprefix("whatsapp:")


def channels(site: Site, database: Database) -> tuple[TelegramChannel, WhatsAppChannel]:
    """Build both channels as `bot.app` does."""
    accounts = site.accounts
    return (
        TelegramChannel(
            accounts.telegram_token, api_base=site.telegram_base, rate=1000, timeout=1, webhook_secret="",
            max_in_flight=AT_ONCE, media_dir=Path(), store=StoredContents(database, "telegram"),
        ),
        WhatsAppChannel(
            accounts.twilio_sid, accounts.twilio_token, number=site.number, service_sid="", public_url=site.public_url,
            api_base=site.twilio_base, rate=1000, timeout=1, max_in_flight=AT_ONCE,
            store=StoredContents(database, "whatsapp"), media_url=lambda media: media.reference,
        ),
    )  # fmt: skip


def work(site: Site) -> None:
    """Be `outreach work`, until killed."""
    os.chdir(site.folder)  # where no .env adds to the settings
    os.environ.update(site.settings())
    log = os.open(site.folder / "work.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())
    sys.argv = ["outreach", "work"]
    main()
