"""A status that cannot lie."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.broadcasts import progress, service
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.db import Database
from bot.messaging import outbox
from bot.messaging.models import OPEN, OutboxMessage, Status
from tests.broadcasts.conftest import Office, add_contact


def sent(db: Session, office: Office, people: int = 1) -> Broadcast:
    for _ in range(people):
        add_contact(db)
    broadcast = office.approved(db)
    office.send(db, broadcast)
    return broadcast


def set_status(db: Session, status: Status, reason: str | None = None) -> None:
    db.execute(update(OutboxMessage).values(status=status, reason=reason))
    db.expire_all()


@pytest.mark.parametrize("status", Status)
def test_a_broadcast_is_finished_only_when_nobody_is_open(database: Database, office: Office, status: Status) -> None:
    with database.begin() as db:
        broadcast = sent(db, office)
        set_status(db, status)
        assert progress.close_finished(db) == (0 if status in OPEN else 1)
        assert broadcast.status == (BroadcastStatus.SENDING if status in OPEN else BroadcastStatus.FINISHED)
        assert progress.close_finished(db) == 0


def test_one_open_recipient_among_many_keeps_it_open(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = sent(db, office, people=3)
        set_status(db, Status.DELIVERED)
        last = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
        last.status = Status.HELD
        db.flush()
        assert progress.close_finished(db) == 0
        last.status = Status.UNCERTAIN
        db.flush()
        assert progress.close_finished(db) == 1
        assert broadcast.finished_at is not None


def test_a_draft_has_nobody_and_is_never_finished(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.draft(db)
        shown = progress.progress(db, broadcast)
        assert (shown.audience, shown.statuses) == (0, {})
        assert progress.close_finished(db) == 0


def test_numbers_are_told_by_channel_language_and_reason(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db, language=None)
        add_contact(db, language="fr", channel="whatsapp")
        add_contact(db, language="fr", decisions=[])
        broadcast = office.approved(db)
        office.send(db, broadcast)
        shown = progress.progress(db, broadcast)
    assert shown.statuses == {"queued": 2, "suppressed": 1}
    assert shown.by_channel == {"telegram": {"queued": 1, "suppressed": 1}, "whatsapp": {"queued": 1}}
    assert shown.by_language == {"": {"queued": 1}, "fr": {"queued": 1, "suppressed": 1}}
    assert shown.by_reason == {"": {"queued": 2}, "no_consent_news": {"suppressed": 1}}


def test_outcomes_come_in_pages_by_status(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = sent(db, office, people=5)
        first = progress.outcomes(db, broadcast, limit=3)
        rest = progress.outcomes(db, broadcast, after=first[-1].id, limit=3)
        assert [len(first), len(rest)] == [3, 2]
        first[0].status = Status.FAILED
        db.flush()
        assert progress.outcomes(db, broadcast, status=Status.FAILED) == [first[0]]


def test_a_pause_by_delivery_pauses_the_broadcast_with_its_reason(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = sent(db, office)
        outbox.pause(db, KIND, broadcast.id, "paused 63016")
        progress.follow_delivery(db)
        assert (broadcast.status, broadcast.pause_reason) == (BroadcastStatus.PAUSED, "paused 63016")
        assert service.resume(db, broadcast, office.editor) == 1


def test_quiet_hours_are_no_pause(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = sent(db, office)
        set_status(db, Status.HELD, "quiet_hours")
        progress.follow_delivery(db)
        assert broadcast.status == BroadcastStatus.SENDING


@pytest.mark.parametrize(
    ("step", "expected"),
    [(service.pause, (Status.HELD, "paused")), (service.cancel, (Status.CANCELLED, "broadcast_cancelled"))],
)
def test_what_comes_back_from_a_provider_after_a_pause_or_cancellation_does_not_leave(
    database: Database, office: Office, step: object, expected: tuple[Status, str]
) -> None:
    with database.begin() as db:
        broadcast = sent(db, office)
        set_status(db, Status.SENDING)
        step(db, broadcast, office.editor)  # type: ignore[operator]
        set_status(db, Status.QUEUED)
        progress.follow_delivery(db)
        db.expire_all()
        row = db.scalars(select(OutboxMessage)).one()
        assert (row.status, row.reason) == expected
