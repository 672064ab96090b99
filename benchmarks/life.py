"""A process that sends, made to be killed; a module of its own, so that a new one is forked in no time."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from benchmarks import office
from bot import crypto
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.db import Database
from bot.emulators.world import Accounts
from bot.messaging import delivery
from bot.messaging.delivery import Delivery
from bot.messaging.templates import StoredContents

AT_ONCE = 32
KEY = b"c" * 32


@dataclass(frozen=True)
class Site:
    """What a sending process needs to know."""

    database_url: str
    telegram_base: str
    twilio_base: str
    public_url: str
    accounts: Accounts


def channels(site: Site, database: Database) -> tuple[TelegramChannel, WhatsAppChannel]:
    """Build both channels as `bot.app` does."""
    accounts = site.accounts
    number = accounts.whatsapp_from.removeprefix("whatsapp:")
    return (
        TelegramChannel(
            accounts.telegram_token, api_base=site.telegram_base, rate=1000, timeout=1, webhook_secret="",
            max_in_flight=AT_ONCE, media_dir=Path(), store=StoredContents(database, "telegram"),
        ),
        WhatsAppChannel(
            accounts.twilio_sid, accounts.twilio_token, number=number, service_sid="", public_url=site.public_url,
            api_base=site.twilio_base, rate=1000, timeout=1, max_in_flight=AT_ONCE,
            store=StoredContents(database, "whatsapp"), media_url=lambda media: media.reference,
        ),
    )  # fmt: skip


def work(site: Site, name: str) -> None:
    """Be a sending process, until killed."""
    asyncio.run(_work(site, name))


async def _work(site: Site, name: str) -> None:
    crypto.use(crypto.Keyring([KEY]))
    database = Database(site.database_url)
    await database.run(_take_over, name)
    senders = channels(site, database)
    for channel in senders:
        await channel.start()
    await asyncio.gather(*(Delivery(database, one, office.desk(one, name), AT_ONCE).run() for one in senders))


def _take_over(db: Session, name: str) -> None:
    """Only one process runs at a time here: the others are dead, and need not be waited for."""
    delivery.heartbeat(db, name)
    delivery.doubt(db, delivery.others(db, name))
