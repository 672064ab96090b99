"""Everything the emulators know: phones, the two providers, faults and the ledger."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TypeVar

from bot.emulators.background import Background
from bot.emulators.faults import Faults
from bot.emulators.ledger import Ledger
from bot.emulators.limits import Limits
from bot.emulators.phone import Phone
from bot.emulators.telegram_bot import TelegramBot
from bot.emulators.telegram_phone import FIRST_ID, TelegramPhone
from bot.emulators.telegram_updates import Updates
from bot.emulators.twilio_account import TwilioAccount
from bot.emulators.twilio_carrier import TwilioCarrier
from bot.emulators.webhooks import Webhooks
from bot.emulators.whatsapp_phone import WhatsAppPhone

AnyPhone = TypeVar("AnyPhone", bound=Phone)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The credentials the emulators accept, made up unless given; the bot is started with the same."""

    telegram_token: str = field(default_factory=lambda: f"700000001:{secrets.token_urlsafe(26)}")
    telegram_username: str = "outreach_emulated_bot"
    twilio_sid: str = "AC" + "e" * 32
    twilio_token: str = field(default_factory=lambda: secrets.token_hex(16))
    whatsapp_from: str = "whatsapp:+14155550100"
    messaging_service_sid: str = "MG" + "e" * 32
    more_bots: tuple[tuple[str, str], ...] = ()  #: token and username of each
    more_numbers: tuple[str, ...] = ()  #: of the same account, as whatsapp:+...


@dataclass(slots=True, eq=False)
class Watcher:
    """A page that wants to know which phones have changed."""

    changed: set[Phone] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class World:
    """One set of emulators; make as many as you like, they share nothing."""

    def __init__(self, accounts: Accounts | None = None, limits: Limits | None = None, seed: int = 0) -> None:
        self.accounts = accounts or Accounts()
        limits = limits or Limits()
        self.ledger, self.faults, self.background = Ledger(), Faults(seed), Background()
        self.phones: dict[str, Phone] = {}
        self.watchers: set[Watcher] = set()
        self._webhooks = Webhooks()
        known = ((self.accounts.telegram_token, self.accounts.telegram_username), *self.accounts.more_bots)
        self.bots = [self._bot(token, username, limits) for token, username in known]
        self._whatsapp_phones: dict[str, WhatsAppPhone] = {}
        self.twilio = self._twilio(limits)

    @property
    def telegram(self) -> TelegramBot:
        """Return the main bot."""
        return self.bots[0]

    def _bot(self, token: str, username: str, limits: Limits) -> TelegramBot:
        updates = Updates(self.background, self._webhooks, self.faults)
        return TelegramBot(token, username, updates, self.ledger, limits)

    def _twilio(self, limits: Limits) -> TwilioCarrier:
        accounts = self.accounts
        senders = (accounts.whatsapp_from, *accounts.more_numbers)
        services = {accounts.messaging_service_sid: accounts.whatsapp_from}
        account = TwilioAccount(accounts.twilio_sid, accounts.twilio_token, senders, services, limits)
        return TwilioCarrier(account, self._whatsapp_phones, self.faults, self.ledger, self.background, self._webhooks)

    def telegram_phone(self, name: str = "Someone", language_code: str = "en", bot: int = 0) -> TelegramPhone:
        """Add a phone with Telegram, in a chat with the bot of this number."""
        chats = sum(len(one.phones) for one in self.bots)
        phone = TelegramPhone(self.bots[bot], FIRST_ID + chats * 7, name, language_code, self._changed)
        self.bots[bot].phones[phone.id] = phone
        return self._add(phone)

    def whatsapp_phone(
        self, number: str, name: str = "Someone", language_code: str = "en", sender: str = ""
    ) -> WhatsAppPhone:
        """Add a phone with WhatsApp, in a chat with the main number or `sender`, or return the one with the number."""
        if known := self._whatsapp_phones.get(f"whatsapp:{number}"):
            return known
        ours = sender or self.accounts.whatsapp_from
        phone = WhatsAppPhone(self.twilio, ours, number, name, language_code, self._changed)
        self._whatsapp_phones[phone.address] = phone
        return self._add(phone)

    def _add(self, phone: AnyPhone) -> AnyPhone:
        self.phones[phone.key] = phone
        self._changed(phone)
        return phone

    def _changed(self, phone: Phone) -> None:
        for watcher in self.watchers:
            watcher.changed.add(phone)
            watcher.news.set()

    async def close(self) -> None:
        """End all work and close the connections to the bot."""
        for bot in self.bots:
            bot.updates.close()
        await self.background.close()
        for watcher in self.watchers:
            watcher.news.set()
        await self._webhooks.close()
