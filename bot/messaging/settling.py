"""What came of a call to a provider, from its answer or from a later receipt."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, bindparam, case, not_, or_, select, update
from sqlalchemy.orm import Session

from bot import clock, meters
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
from bot.db import UTCDateTime
from bot.messaging import breaker, outbox, pacing
from bot.messaging.models import WAITING, OutboxMessage, Status

#: How long a wrong configuration stops its sender before one more try.
MISCONFIGURED_PAUSE = timedelta(minutes=5)
THROTTLE_PAUSE = 5.0  #: seconds, when the provider names none


class NotSent(SendFailure):
    """We claimed it and did not call the provider after all."""

    status = "queued"

    def __init__(self) -> None:
        super().__init__("not_sent")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call's end: an external id, or why not."""

    id: int
    address_id: int
    result: str | SendFailure


def settle(db: Session, sender_key: str, outcomes: Sequence[Outcome]) -> None:
    """Write what came of a group of calls, in one transaction of the caller."""
    outcomes = sorted(outcomes, key=lambda outcome: outcome.id)  # two processes lock rows in the same order
    sent = [outcome for outcome in outcomes if isinstance(outcome.result, str)]
    channel = sender_key.partition(":")[0]
    meters.SENDS.labels(channel, "sent").inc(len(sent))
    failed = {outcome.id: outcome.result for outcome in outcomes if isinstance(outcome.result, SendFailure)}
    if sent:
        _settle_sent(db, sent)
    if failed:
        _settle_failed(db, sender_key, failed)


# A receipt may have been faster than the answer: then it knows better. A message that others took for lost with a dead
# process, or that staff queued again since, has gone out all the same.
_IS_NEWS = or_(*(OutboxMessage.status == status for status in (Status.SENDING, Status.UNCERTAIN, *WAITING)))
# So may one that told that this very attempt has failed: what is to be tried again has not gone out.
_IS_PAST = (" " + OutboxMessage.past_ids + " ").contains(" " + bindparam("external", type_=String) + " ")
_SENT = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("row"), or_(OutboxMessage.past_ids.is_(None), not_(_IS_PAST)))
    .values(
        external_id=bindparam("external"),
        sent_at=bindparam("now"),
        claimed_by=None,
        status=case((_IS_NEWS, Status.SENT), else_=OutboxMessage.status),
        status_at=case((_IS_NEWS, bindparam("now", type_=UTCDateTime)), else_=OutboxMessage.status_at),
        reason=case((_IS_NEWS, None), else_=OutboxMessage.reason),
    )
)


def _settle_sent(db: Session, outcomes: Sequence[Outcome]) -> None:
    now = clock.now()
    rows = [{"row": outcome.id, "external": outcome.result, "now": now} for outcome in outcomes]
    db.connection().execute(_SENT, rows)


def _settle_failed(db: Session, sender_key: str, failed: Mapping[int, SendFailure]) -> None:
    known = (Status.SENDING, Status.UNCERTAIN)
    rows = select(OutboxMessage).where(OutboxMessage.id.in_(failed), OutboxMessage.status.in_(known))
    for row in db.scalars(rows.order_by(OutboxMessage.id).with_for_update()).all():
        _count(row.channel, failed[row.id])
        fail(db, sender_key, row, failed[row.id])


def _count(channel: str, failure: SendFailure) -> None:
    if not isinstance(failure, NotSent):
        meters.SENDS.labels(channel, failure.status).inc()
    if isinstance(failure, TryLater) and failure.throttled:
        meters.THROTTLED.labels(channel).inc()


def fail(db: Session, sender_key: str, row: OutboxMessage, failure: SendFailure) -> None:
    """Move a row to where this failure leaves it, and note what it says about person, sender and broadcast."""
    now = clock.now()
    row.status, row.reason, row.status_at, row.claimed_by = Status(failure.status), failure.code, now, None
    match failure:
        case NotSent():
            row.attempts, row.reason, row.due_at = row.attempts - 1, None, now
        case TryLater():
            _later(db, sender_key, row, failure, now)
        case NeedsTemplate():
            _window_closed(db, row, now)
        case Unreachable():
            if row.address_id:
                contacts.set_reach(db, row.address_id, Reach.GONE if failure.gone else Reach.BLOCKED)
        case OptedOut():
            _opted_out(db, row)
        case Misconfigured(sender=True):
            _misconfigured(db, sender_key, row, failure, now)
        case Misconfigured():
            row.reason = f"{breaker.CONTENT} {failure.code}"
        case Refused(suspect=True):
            row.reason = f"{breaker.SUSPECT} {failure.code}"
    if row.status in WAITING and row.external_id:
        row.past_ids, row.external_id = f"{row.past_ids or ''} {row.external_id}".strip(), None
    db.flush()
    if row.status in (Status.UNCERTAIN, Status.FAILED):
        breaker.look(db, row)


def _later(db: Session, sender_key: str, row: OutboxMessage, failure: TryLater, now: datetime) -> None:
    if failure.throttled:
        after = timedelta(seconds=failure.after or THROTTLE_PAUSE)
        pacing.pause(pacing.lock(db, sender_key), now + after, failure.code)
        row.attempts -= 1  # the provider did not even look at it
        row.due_at = now + after
    elif row.attempts >= failure.most:
        row.status = Status.FAILED
    else:
        row.due_at = now + timedelta(seconds=failure.after or 2**row.attempts * random.uniform(0.5, 1.5))


def _misconfigured(db: Session, sender_key: str, row: OutboxMessage, failure: Misconfigured, now: datetime) -> None:
    """Stop the sender before the next thousand fail alike; what waits loses nothing but time."""
    pacing.pause(pacing.lock(db, sender_key), now + MISCONFIGURED_PAUSE, failure.code)
    row.attempts -= 1
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
