"""Composition root: the only file that knows every room and every real channel."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.routing import BaseRoute

from bot import jobs, orders
from bot.app import building
from bot.app.keys import prepare_keys, secret_key
from bot.broadcasts import rendering
from bot.broadcasts.models import KIND as BROADCAST
from bot.broadcasts.policy import Policy, paces
from bot.channels import telegram, whatsapp
from bot.channels.base import Channel, Inbound, Layout, Receipt
from bot.channels.telegram import Poller, TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.content import Content
from bot.content.languages import SOURCE
from bot.conversations import examining, inviting, safety
from bot.conversations.router import Router
from bot.db import Database
from bot.grouping import GroupCommit
from bot.jobs import Patience
from bot.mail import posting
from bot.messaging import delivery, fetching, forgetting, inbox, lives, receipts, reconciling, templates, workers
from bot.messaging.begun import Notes
from bot.messaging.claims import Desk
from bot.messaging.delivery import Delivery
from bot.messaging.eligibility import Rules
from bot.messaging.made import Makers
from bot.messaging.owed import FULL_TEXT, WORDS
from bot.messaging.waking import Wakeups
from bot.settings import PREFIX, Settings, SettingsError
from bot.staff.models import Role
from bot.surveys import inviting as surveys
from bot.web import media, server
from bot.web.console import ConsoleContext
from bot.web.hooks import HookContext, by_path
from bot.webhooks import telling

log = structlog.get_logger(__name__)

#: How each channel lays a message out; for previews, also of a channel that is not switched on.
LAYOUTS: Mapping[str, Layout] = {"telegram": telegram.layout, "whatsapp": whatsapp.layout}
HEARTBEAT = 3  #: seconds
RECONCILE = 60  #: seconds
FORGET = 30  #: seconds
FETCH = 3  #: seconds
TELL = 5  #: seconds
EXAMINE = 600  #: seconds
POST = 15  #: seconds


class App:
    """One process of an installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        refuse_unknown_roles(settings)
        prepare_keys(settings)
        self.content = Content.load(settings.messages)
        self.database = Database(settings.database)
        self.rules = Rules(settings.quiet_from, settings.quiet_until, settings.weekly_cap)
        lives.use(lives.of_hours(settings.reply_life, settings.reminder_life, settings.broadcast_life))
        self.senders = building.senders(settings, self.database)
        #: The main sender of each channel that is switched on.
        self.channels = {channel.name: channel for channel in reversed(self.senders.values())}
        self.hooks = by_path(self.senders)
        allowed = settings.domains, settings.session_domains, settings.paid_rates, settings.whatsapp_prices
        self.policy = Policy(paces(self.senders.values()), self.rules, *allowed, media.base(settings.public_url))
        self.router = Router(
            self.content,
            settings.handles,
            ", ".join(settings.domains),
            public_url=settings.public_url,
            join_addresses=settings.join_addresses,
            media_dir=settings.media_dir,
            policy=self.policy,
        )
        self.makers = Makers(building.makers(self.content, settings), settings.media_dir)
        waits = timedelta(settings.survey_expiry), timedelta(settings.export_days)
        patience = Patience(settings.silences, *waits, settings.archive_after)
        table = jobs.table(
            self.content,
            self.router,
            settings.data_dir,
            patience,
            list(self.senders),
            settings.erasures,
            by_mail=bool(settings.smtp_host),
        )
        self.jobs = {job.name: job for job in table}
        self.worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{os.urandom(3).hex()}"
        # In a group nobody's language is known, and nobody is a contact to queue a message for.
        self._no_groups = "\n\n".join(self.content.catalogue.text("unknown.group", code) for code in (SOURCE, "fr"))
        self._inbox = GroupCommit(self.database, self._handle)
        self._receipts = GroupCommit(self.database, receipts.apply)
        self._deliveries: list[Delivery] = []
        self._acknowledging: set[asyncio.Task[None]] = set()
        self._wakeups = Wakeups(self.database, self.worker, self._wake)

    def web(self, extra: Sequence[BaseRoute] = ()) -> FastAPI:
        """Return the web application."""
        context = ConsoleContext(
            database=self.database,
            content=self.content,
            settings=self.settings,
            policy=self.policy,
            nudge=self.nudge,
            secret=secret_key(self.settings),
            exports_dir=self.settings.data_dir / "exports",
            sync_templates=self.sync_templates,
            secure_cookies=self.settings.public_url.startswith("https://"),
            layouts=LAYOUTS,
        )
        return server.build(HookContext(self.hooks, self.receive, self.apply), context, self.makers, extra)

    async def receive(self, inbounds: list[Inbound]) -> None:
        """Record and handle messages, then wake delivery; returns when they are in the database."""
        ours = [inbound for inbound in inbounds if inbound.kind != "group"]
        if ours:
            await self._inbox.put(ours)
            self.nudge()
        for inbound in inbounds:
            if inbound.kind == "button":
                self._tell(self._sender_of(inbound).acknowledge(inbound))
            elif inbound.kind == "group":
                self._tell(self._sender_of(inbound).decline(inbound, self._no_groups))

    def _sender_of(self, inbound: Inbound) -> Channel:
        return self.senders.get((inbound.channel, inbound.sender), self.channels[inbound.channel])

    def _tell(self, call: Coroutine[Any, Any, None]) -> None:
        """Let a provider know something, without waiting for it."""
        task = asyncio.create_task(call)
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def apply(self, found: list[Receipt]) -> None:
        """Apply receipts."""
        await self._receipts.put(found)
        if any(receipt.failure for receipt in found):
            self.nudge()

    def _handle(self, db: Session, inbounds: list[Inbound]) -> None:
        inbox.receive(db, [safety.redact(one) for one in inbounds], self.router.handle, self.router.prepare)

    def nudge(self) -> None:
        """Wake delivery, in this process and in others."""
        self._wake()
        self._wakeups.tell()

    def _wake(self) -> None:
        for item in self._deliveries:
            item.nudge()

    async def run_job(self, name: str) -> int:
        """Run one job now."""
        done = await jobs.run(self.database, self.jobs[name])
        self._wake()
        if done:
            self._wakeups.tell()
        return done

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Hold the channels' connections open."""
        async with AsyncExitStack() as stack:
            for channel in self.senders.values():
                await channel.start()
                stack.push_async_callback(channel.close)
            self._wakeups.open()
            stack.push_async_callback(self._wakeups.close)
            yield
            if self._acknowledging:
                await asyncio.wait(self._acknowledging)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Deliver, poll and run jobs in the background, until the block ends."""
        owners = await workers.start(self.database, self.worker, self.settings.calls_dir, self._serves)
        places = len(self.senders) * delivery.window(self.settings.max_in_flight)
        notes = Notes(self.settings.calls_dir, self.worker, places)
        self._deliveries = [self._delivery(channel, notes) for channel in self.senders.values()]
        self._share(owners)
        working: list[Any] = [*self._deliveries, orders.Orders(self.database, self.settings, self.worker)]
        tasks = [asyncio.create_task(item.run()) for item in working]
        background = [asyncio.create_task(task) for task in self._background()]
        scheduler = self._scheduler()
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)
            for task in background:
                task.cancel()
            for item in working:
                item.stop()
            await asyncio.gather(*tasks, *background, return_exceptions=True)
            self._deliveries = []
            with suppress(Exception):
                await workers.end(self.database, self.worker, notes)

    def _delivery(self, channel: Channel, notes: Notes) -> Delivery:
        render = rendering.renderer(self.content)
        found = {(one.channel, one.name): one for one in self.settings.senders}[channel.name, channel.sender]
        desk = Desk(
            channel=channel.name,
            sender=channel.sender,
            rate=channel.rate,
            has_window=channel.has_window,
            worker=self.worker,
            rules=self.rules,
            content=self.content,
            renderers={
                BROADCAST: render,
                FULL_TEXT: render,
                WORDS: rendering.words_renderer(self.content),
                **inviting.renderers(self.content),
                surveys.KIND: surveys.renderer(self.content),
            },
            # All of a bot's messages together stay below the paid rate.
            paid_rate=max(0, found.paid_rate - found.rate),
            lay_out=self.makers.lay_out,
            media_base=self.policy.media_base,
            domains=self.settings.domains,
            daily_people=found.daily_people,
            senders=frozenset(self.senders),
            calls=channel.calls,
        )
        return Delivery(self.database, channel, desk, self.settings.max_in_flight, notes)

    def _background(self) -> list[Coroutine[None, None, None]]:
        polled = self._bots() if self.settings.telegram_mode == "polling" else []
        return [self._wakeups.listen(), *(Poller(bot, self.receive).run() for bot in polled)]

    def _bots(self) -> list[TelegramChannel]:
        return [channel for channel in self.senders.values() if isinstance(channel, TelegramChannel)]

    def _scheduler(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
        for job in self.jobs.values():
            scheduler.add_job(self.run_job, "interval", seconds=job.every, args=[job.name])
        scheduler.add_job(self._heartbeat, "interval", seconds=HEARTBEAT)
        errands = [(self.reconcile, RECONCILE), (self.forget_copies, FORGET), (self.fetch_files, FETCH)]
        errands += [(self.call_webhooks, TELL), (self.examine, EXAMINE)]
        errands += [(self.post, POST)] if self.settings.smtp_host else []
        for errand, every in errands:
            scheduler.add_job(self._try, "interval", seconds=every, args=[errand], name=errand.__name__)
        return scheduler

    async def _try(self, errand: Callable[[], Awaitable[int]]) -> None:
        """Run an errand outside; an outage, of our database too, only makes it later."""
        try:
            await errand()
        except Exception as error:
            log.error("errand failed", job=errand.__name__, error=type(error).__name__)

    async def _heartbeat(self) -> None:
        with suppress(Exception):
            self._share(await workers.watch(self.database, self.worker, self.settings.calls_dir, self._serves))

    def _share(self, owners: Mapping[str, str]) -> None:
        for item in self._deliveries:
            item.give_turn(is_ours=owners.get(item.key, self.worker) == self.worker)

    @property
    def _serves(self) -> list[str]:
        return [":".join(key) for key in self.senders]

    async def reconcile(self) -> int:
        """Look messages of unknown outcome up at the providers that keep a list."""
        listing = [channel for channel in self.senders.values() if isinstance(channel, reconciling.Lists)]
        return sum([await reconciling.reconcile(self.database, channel) for channel in listing])

    async def fetch_files(self) -> int:
        """Fetch what people sent from the providers."""
        done = await fetching.run_errands(self.database, self.senders, self.router.lose)
        if done:
            self.nudge()
        return done

    async def call_webhooks(self) -> int:
        """Tell other programs what happened."""
        return await telling.run(self.database, private=self.settings.webhook_private)

    async def examine(self) -> int:
        """Ask the providers and our own address whether all is well; return how much is not."""
        url = self.settings.public_url if self.settings.telegram_mode == "webhook" else ""
        places = {(bot.name, bot.sender): f"{url}/hooks/{path}" for path, bot in self.hooks.items() if url}
        return await examining.examine(self.database, self.senders, places, self.settings.public_url)

    async def post(self) -> int:
        """Hand staff's e-mails to the mail server; what it does not take is tried again later."""
        return await posting.run(self.database, building.mail_server(self.settings))

    async def forget_copies(self) -> int:
        """Have the providers delete their copies of erased people's messages."""
        return await forgetting.forget(self.database, self.senders)

    async def register_webhooks(self) -> None:
        """Tell Telegram our address; Twilio is told in its own console."""
        for path, channel in self.hooks.items() if self.settings.telegram_mode == "webhook" else ():
            if isinstance(channel, TelegramChannel):
                await channel.set_webhook(f"{self.settings.public_url}/hooks/{path}")

    async def sync_templates(self) -> dict[str, str]:
        """Make WhatsApp's templates and read how far their approval is."""
        whatsapp = self.channels.get("whatsapp")
        if not isinstance(whatsapp, WhatsAppChannel):
            return {}
        return await templates.sync(self.database, self.content, whatsapp.contents, building.serving(self.settings))

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def refuse_unknown_roles(settings: Settings) -> None:
    """Raise SettingsError for a role that there is not: nobody would be asked for the second factor it was to have."""
    roles = {part.strip() for part in settings.second_factor_roles.split(",")}
    unknown = sorted(roles - {"", *Role})
    if unknown:
        name = f"{PREFIX}SECOND_FACTOR_ROLES"
        raise SettingsError(
            f"{name} is wrong: {', '.join(unknown)} is no role. Write {name}= with some of {', '.join(Role)}"
        )
