"""A small register of members, and a desk that sends through memory."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button, Media
from bot.channels.memory import MemoryChannel
from bot.contacts import consent, service
from bot.contacts.consent import Proof
from bot.contacts.models import Address, Contact, Decision, Purpose, State
from bot.content import Content
from bot.db import Database
from bot.messaging import outbox, templates
from bot.messaging.begun import Notes
from bot.messaging.claims import Desk
from bot.messaging.delivery import Delivery
from bot.messaging.eligibility import Rules
from bot.messaging.models import Content as ContentRow
from bot.messaging.models import OutboxMessage, Priority, Sender
from bot.messaging.outbox import Message

PROOF = Proof("consent.wording.v1", "0" * 64, "en", "telegram", "yes", None)


@dataclass
class Office:
    """What the tests act with."""

    database: Database
    content: Content
    channel: MemoryChannel = field(default_factory=MemoryChannel)
    rules: Rules = field(default_factory=Rules)
    max_in_flight: int = 64
    daily_people: int = 0
    paid_rate: float = 0
    notes: Notes | None = None
    senders: frozenset[tuple[str, str]] | None = None
    lay_out: Callable[[Session, str], bool] = lambda _db, _reference: False
    domains: tuple[str, ...] | None = None
    texts: dict[int, str] = field(default_factory=dict)  #: of broadcasts, where it matters

    def desk(self, channel: MemoryChannel | None = None) -> Desk:
        used = channel or self.channel
        return Desk(
            channel=used.name,
            sender=used.sender,
            rate=used.rate,
            has_window=used.has_window,
            worker="test",
            rules=self.rules,
            content=self.content,
            daily_people=self.daily_people,
            paid_rate=self.paid_rate,
            senders=self.senders,
            calls=used.calls,
            lay_out=self.lay_out,
            domains=self.domains,
            renderers={
                "broadcast": lambda db, ref, language: Message(
                    self.texts.get(ref, f"broadcast {ref} in {language}"), paid=ref % 2 == 1
                )
            },
        )

    def reset_pace(self) -> None:
        """Let the next message leave at once: a frozen clock gives out no new places."""
        with self.database.begin() as db:
            db.execute(delete(Sender))

    def approve(self, db: Session, template: str, approval: str = "approved") -> None:
        """Let WhatsApp decide on a shipped template in English."""
        row = ContentRow(
            definition=templates.definition(self.content.templates[template], "en"),
            content_id="HX1",
            name=template,
            language="en",
            approval=approval,
        )
        row.created_at = clock.now()
        db.add(row)

    def member(self, *, zone: str = "Africa/Maseru", purposes: tuple[Purpose, ...] = tuple(Purpose)) -> int:
        with self.database.begin() as db:
            number = len(db.scalars(select(Contact.id)).all())
            contact, address = service.find_or_create(db, self.channel.name, self.channel.sender, f"{number + 1000}")
            contact.state, contact.language, contact.zone = State.MEMBER, "en", zone
            address.last_inbound_at = clock.now()
            consent.record(db, contact, purposes, Decision.GRANTED, PROOF)
            return contact.id

    def queue(
        self,
        contact_id: int,
        text: str,
        *,
        priority: Priority = Priority.BROADCAST,
        media: Media | None = None,
        template: str | None = None,
        **options: object,
    ) -> int:
        with self.database.begin() as db:
            contact = db.get_one(Contact, contact_id)
            defaults = {"kind": "broadcast", "purpose": Purpose.NEWS, "once": f"{text}:{contact_id}", "ref": 1}
            message = Message(text, media=media, template=template)
            row = outbox.queue(db, contact, message, priority=priority, **{**defaults, **options})  # type: ignore[arg-type]
            assert row is not None
            return row.id

    def reply(self, contact_id: int, text: str) -> int:
        with self.database.begin() as db:
            address = db.scalars(select(Address).where(Address.contact_id == contact_id)).one()
            message = Message(text, (Button("x:1", "One"),))
            row = outbox.reply(db, db.get_one(Contact, contact_id), address, message)
            db.flush()
            return row.id

    def delivery(self) -> Delivery:
        return Delivery(self.database, self.channel, self.desk(), self.max_in_flight, self.notes)

    async def deliver(
        self, until: Callable[[], bool] | None = None, seconds: float = 15.0, running: Delivery | None = None
    ) -> None:
        """Run the delivery loop until `until` holds (default: nothing is due any more)."""
        delivery = running or self.delivery()
        task = asyncio.create_task(delivery.run())
        try:
            async with asyncio.timeout(seconds):
                while not (until or self.is_idle)():  # noqa: ASYNC110 - the database has no event to wait for
                    await asyncio.sleep(0.01)
        finally:
            delivery.stop()
            await task

    async def try_to_deliver(self, seconds: float = 0.2) -> None:
        """Run the delivery loop for a moment, whatever is due."""
        end = asyncio.get_running_loop().time() + seconds
        await self.deliver(lambda: asyncio.get_running_loop().time() > end)

    def is_idle(self) -> bool:
        with self.database.begin() as db:
            due = select(OutboxMessage.id).where(
                (OutboxMessage.status.in_(("queued", "held")) & (OutboxMessage.due_at <= clock.now()))
                | (OutboxMessage.status == "sending")
            )
            return db.scalar(due.limit(1)) is None

    def row(self, id: int) -> OutboxMessage:
        with self.database.begin() as db:
            return db.get_one(OutboxMessage, id)

    def statuses(self) -> list[str]:
        with self.database.begin() as db:
            return [str(status) for status in db.scalars(select(OutboxMessage.status).order_by(OutboxMessage.id))]


@pytest.fixture(scope="session")
def content(messages_dir) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def office(database: Database, content: Content, frozen) -> Office:
    return Office(database, content)
