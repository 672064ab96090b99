"""What must hold at the end, whatever went wrong on the way."""

import json
from collections import Counter
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks.soak.site import Processes
from benchmarks.soak.witness import Witness
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts.models import Address, Contact, State
from bot.conversations.rights import people_columns
from bot.db import Base
from bot.emulators.world import World
from bot.messaging.models import OPEN, Handling, InboxMessage, OutboxMessage
from bot.staff import audit
from bot.surveys.asking import step_of
from bot.surveys.models import Answer, Run

#: Seconds after the database is back in which what it took along may still be told.
AFTERMATH = 20.0
#: What an outage of the database is told as.
OF_AN_OUTAGE = frozenset({
    "the database is away", "settling and claiming failed", "listening for messages failed", "job failed",
    "errand failed",
})  # fmt: skip


def at_rest(db: Session) -> bool:
    """Tell whether nothing waits and nobody is being erased."""
    is_open = sa.select(OutboxMessage.id).where(OutboxMessage.status.in_(OPEN)).limit(1)
    is_leaving = sa.select(Contact.id).where(Contact.state == State.LEAVING).limit(1)
    return db.scalar(is_open) is None and db.scalar(is_leaving) is None


def paused(db: Session) -> list[str]:
    """Return the pages of broadcasts that are paused."""
    found = db.scalars(sa.select(Broadcast.id).where(Broadcast.status == BroadcastStatus.PAUSED))
    return [f"/console/broadcasts/{id}" for id in found]


def broken(db: Session, world: World, witness: Witness, erased: set[str]) -> dict[str, int]:
    """Return how often each rule was broken."""
    return {
        "open": _count(db, OutboxMessage.status.in_(OPEN)),
        "parked": _count(db, InboxMessage.handling == Handling.PARKED),
        "uneven": _uneven(db),
        "doubled": _doubled(world),
        "lost_messages": len(_lost_messages(db, witness, erased)),
        "lost_answers": len(_lost_answers(db, witness)),
        "erased_left": _left_of_the_erased(db, erased),
        "audit": int(audit.verify(db) is not None),
    }


def _count(db: Session, condition: sa.ColumnElement[bool]) -> int:
    return db.scalar(sa.select(sa.func.count()).where(condition)) or 0


def _uneven(db: Session) -> int:
    """Count broadcasts of which audience and sum over all states differ."""
    outbox = OutboxMessage
    of_it = sa.select(sa.func.count()).where(outbox.kind == "broadcast", outbox.ref == Broadcast.id).scalar_subquery()
    sent = Broadcast.status.in_((BroadcastStatus.SENDING, BroadcastStatus.PAUSED, BroadcastStatus.FINISHED))
    return _count(db, sa.and_(sent, Broadcast.audience_count != of_it))


def _doubled(world: World) -> int:
    """Count what came twice: a text that goes to each person once, or a message that carries our own number."""
    texts = [text for (_, text), times in world.ledger.texts.items() if times > 1 and text.startswith("Word ")]
    return len(texts) + sum(1 for times in world.ledger.tags.values() if times > 1)


def _known(db: Session) -> dict[str, int]:
    return dict(db.execute(sa.select(Address.value, Address.contact_id)).all())


def _lost_messages(db: Session, witness: Witness, erased: set[str]) -> set[str]:
    """Return what was taken from people who were not erased, and is not there or was not handled."""
    done = set(db.scalars(sa.select(InboxMessage.external_id).where(InboxMessage.handling == Handling.DONE)))
    return {id for id, who in witness.taken.items() if id not in done and who not in erased}


def _lost_answers(db: Session, witness: Witness) -> set[tuple[str, str]]:
    """Return places of the survey that people answered by a button, and that have no answer."""
    rows = sa.select(Run.contact_id, Answer.path).join(Answer, Answer.run_id == Run.id)
    known, there = _known(db), {(contact, step_of(path)) for contact, path in db.execute(rows)}
    there |= {(run.contact_id, step_of(run.path)) for run in db.scalars(sa.select(Run)) if run.path}
    told = {(who, step) for who in witness.steps if who in known for step in witness.answered(who)}
    return {(who, step) for who, step in told if (known[who], step) not in there}


def _left_of_the_erased(db: Session, erased: set[str]) -> int:
    """Count addresses of the erased that are known, and rows of any table about a person who is."""
    found = len(erased & _known(db).keys())
    gone = sa.select(Contact.id).where(Contact.state == State.ERASED)
    for table in Base.metadata.sorted_tables:
        for column in people_columns(table):
            if table.name == OutboxMessage.__tablename__:
                rest = sa.or_(table.c.body.is_not(None), table.c.address_id.is_not(None))
                found += _count(db, sa.and_(column.in_(gone), rest))
            else:
                found += db.scalar(sa.select(sa.func.count()).select_from(table).where(column.in_(gone))) or 0
    return found


def logged(processes: Processes) -> tuple[dict[str, int], dict[str, int]]:
    """Return how often each warning or error was logged, and which of them nothing that we did explains."""
    told: Counter[str] = Counter()
    unexplained: Counter[str] = Counter()
    for role in processes.roles:
        lines = (processes.site.folder / f"{role}.log").read_text().splitlines()
        for number, line in enumerate(lines):
            with suppress(ValueError):
                entry = json.loads(line)
                name = " ".join(filter(None, (entry["event"], entry.get("job"), entry.get("error"))))
                told[name] += 1
                if entry["level"] in ("error", "critical") and not _is_explained(processes, entry):
                    unexplained[name] += 1
                continue
            if "Traceback" in line:  # an exception that nobody caught; its name is the next line that is not indented
                name = next((one for one in lines[number + 1 :] if one[:1].strip()), "")
                unexplained[f"traceback of {role}: {name.partition(':')[0]}"] += 1
    return dict(told), dict(unexplained)


def _is_explained(processes: Processes, entry: dict[str, str]) -> bool:
    at = datetime.fromisoformat(entry["timestamp"]).timestamp()
    is_outage = any(began - 1 <= at <= ended + AFTERMATH for began, ended in processes.away)
    return is_outage and entry["event"] in OF_AN_OUTAGE
