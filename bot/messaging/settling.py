"""What came of a call to a provider, from its answer or from a later receipt."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import (
    Misconfigured,
    NeedsTemplate,
    OptedOut,
    Refused,
    SendFailure,
    TryLater,
    Unreachable,
)
from bot.contacts import service as contacts
from bot.contacts.models import Address, Contact, Reach, State
from bot.messaging import outbox, pacing
from bot.messaging.models import OutboxMessage, Status

MAX_ATTEMPTS = 5
#: How long a wrong configuration stops its sender before one more try.
MISCONFIGURED_PAUSE = timedelta(minutes=5)
THROTTLE_PAUSE = 5.0  #: seconds, when the provider names none


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call's end: an external id, or why not."""

    id: int
    address_id: int
    result: str | SendFailure


def settle(db: Session, sender_key: str, outcomes: Sequence[Outcome]) -> None:
    """Write what came of a group of calls, in one transaction of the caller."""
    _settle_sent(db, [outcome for outcome in outcomes if isinstance(outcome.result, str)])
    for outcome in outcomes:
        if isinstance(outcome.result, SendFailure):
            row = db.get(OutboxMessage, outcome.id)
            # A receipt may have been faster than the answer: then it knows better.
            if row is not None and row.status == Status.SENDING:
                fail(db, sender_key, row, outcome.result)


def _settle_sent(db: Session, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    now = clock.now()
    db.connection().execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == bindparam("row"))
        .values(external_id=bindparam("external"), sent_at=now, claimed_by=None),
        [{"row": outcome.id, "external": outcome.result} for outcome in outcomes],
    )
    db.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_([outcome.id for outcome in outcomes]), OutboxMessage.status == Status.SENDING)
        .values(status=Status.SENT, status_at=now)
        .execution_options(synchronize_session=False)
    )


def fail(db: Session, sender_key: str, row: OutboxMessage, failure: SendFailure) -> None:
    """Move a row to where this failure leaves it, and note what it says about person and sender."""
    now = clock.now()
    row.status, row.reason, row.status_at, row.claimed_by = Status(failure.status), failure.code, now, None
    match failure:
        case TryLater():
            _later(db, sender_key, row, failure, now)
        case NeedsTemplate():
            _window_closed(db, row, now)
        case Unreachable():
            if row.address_id:
                contacts.set_reach(db, row.address_id, Reach.GONE if failure.gone else Reach.BLOCKED)
        case OptedOut():
            _opted_out(db, row)
        case Misconfigured():
            _misconfigured(db, sender_key, row, failure, now)
        case Refused():
            pass  # the row says it all
    db.flush()


def _later(db: Session, sender_key: str, row: OutboxMessage, failure: TryLater, now: datetime) -> None:
    if failure.throttled:
        after = timedelta(seconds=failure.after or THROTTLE_PAUSE)
        pacing.pause(pacing.lock(db, sender_key), now + after, failure.code)
        row.attempts -= 1  # the provider did not even look at it
        row.due_at = now + after
    elif row.attempts >= MAX_ATTEMPTS:
        row.status = Status.FAILED
    else:
        row.due_at = now + timedelta(seconds=failure.after or 2**row.attempts * random.uniform(0.5, 1.5))


def _misconfigured(db: Session, sender_key: str, row: OutboxMessage, failure: Misconfigured, now: datetime) -> None:
    """Stop before the next thousand fail alike: the sender, or the broadcast whose content is at fault."""
    if not failure.sender:
        if row.ref is not None:
            outbox.pause(db, row.kind, row.ref, f"paused {failure.code}")
        return
    pacing.pause(pacing.lock(db, sender_key), now + MISCONFIGURED_PAUSE, failure.code)
    if row.attempts < MAX_ATTEMPTS:
        row.status, row.due_at = Status.HELD, now + MISCONFIGURED_PAUSE


def _window_closed(db: Session, row: OutboxMessage, now: datetime) -> None:
    """The provider knows better than we: try again at once, this time with a template."""
    address = db.get(Address, row.address_id) if row.address_id else None
    if address:
        address.last_inbound_at = None
    row.reason, row.due_at = "window_closed", now


def _opted_out(db: Session, row: OutboxMessage) -> None:
    contact = db.get(Contact, row.contact_id)
    if contact and contact.state == State.MEMBER:
        contact.state = State.STOPPED
    outbox.cancel_unasked(db, row.contact_id, "opted_out")
