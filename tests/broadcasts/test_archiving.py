"""Old messages leave the tables of every day, and everything that is said of them stays true."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import archiving, progress
from bot.broadcasts.models import Broadcast
from bot.contacts.models import Contact
from bot.conversations import holdings, rights
from bot.db import Database
from bot.messaging import archiving as messages
from bot.messaging import outbox
from bot.messaging.models import (
    ArchivedInbound,
    ArchivedOutbound,
    Handling,
    InboxMessage,
    OutboxMessage,
    Priority,
    ProviderCopy,
    ReceivedFile,
    Status,
)
from bot.staff.models import AuditEntry
from tests.broadcasts.conftest import Office, add_contact

MONTHS = 13
LONG = timedelta(days=400)


def sent(db: Session, office: Office) -> Broadcast:
    for number in range(5):
        add_contact(db, language="fr" if number else "en", residence="ZA")
    broadcast = office.approved(db)
    office.send(db, broadcast)
    for row in db.scalars(select(OutboxMessage)):
        row.status, row.external_id, row.sent_at = Status.SENT, f"{row.id}", clock.now()
        row.address_id = row.contact_id
    db.flush()
    progress.close_finished(db)
    return broadcast


def counts(db: Session) -> tuple[int, int]:
    """Return how many messages of ours are in the outbox, and how many are archived."""
    rows = (select(func.count()).select_from(row) for row in (OutboxMessage, ArchivedOutbound))
    return tuple(db.scalar(row) or 0 for row in rows)  # type: ignore[return-value]


def test_the_results_of_an_archived_broadcast_stay_as_they_were(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "PART", 2)
    with database.begin() as db:
        broadcast = sent(db, office)
        before = progress.progress(db, broadcast)
    assert archive(database) == []  # it is too new
    clock.advance(LONG)
    for moved in (2, 2, 0):  # the last message stays, so that no number is given twice
        with database.begin() as db:
            assert archiving.archive(db, MONTHS) == moved
            again = db.get_one(Broadcast, broadcast.id)
            assert progress.progress(db, again) == before  # also in the middle of it
            assert progress.statuses(db, again) == {"sent": 5}
    with database.begin() as db:
        assert counts(db) == (1, 4)
        assert len(db.scalars(select(AuditEntry).where(AuditEntry.action == "broadcast.archived")).all()) == 1


def archive(database: Database) -> list[int]:
    """Archive to the end; return how much each part moved."""
    parts = []
    while True:
        with database.begin() as db:
            moved = archiving.archive(db, MONTHS)
        if not moved:
            return parts
        parts.append(moved)


def test_what_waits_for_a_decision_of_staff_is_not_archived(database: Database, office: Office) -> None:
    with database.begin() as db:
        sent(db, office)
        db.execute(update(OutboxMessage).where(OutboxMessage.id == 1).values(status=Status.UNCERTAIN))
    clock.advance(LONG)
    assert archive(database) == []


def test_an_erasure_and_my_data_reach_what_is_archived(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = sent(db, office)
        person = db.scalars(select(Contact).order_by(Contact.id)).first()
        assert person is not None
        known = outbox.count_messages(db, person.id)
    clock.advance(LONG)
    assert archive(database) == [4]
    with database.begin() as db:
        contact = db.get_one(Contact, person.id)
        assert outbox.count_messages(db, contact.id) == known
        assert [row["external_id"] for row in holdings.collect(db, contact)["archived_outbound"]] == ["1"]
        rights.erase(db, contact)
        assert counts(db) == (1, 3)
        assert [copy.sent for copy in db.scalars(select(ProviderCopy))] == [["1"]]  # the provider forgets it, too
        assert progress.statuses(db, db.get_one(Broadcast, broadcast.id)) == {"sent": 5}


def test_old_answers_and_what_people_wrote_go_too_and_files_that_are_kept_hold_their_message(
    database: Database, office: Office
) -> None:
    now = clock.now()
    with database.begin() as db:
        contact = add_contact(db)
        plain = {"channel": "telegram", "sender": "us", "contact_id": contact.id, "status_at": now, "created_at": now}
        for _ in range(3):
            db.add(OutboxMessage(kind="reply", priority=Priority.REPLY, status=Status.SENT, **plain))
        db.add(OutboxMessage(kind="reminder", priority=Priority.REMINDER, status=Status.SENT, **plain))
        came = {"channel": "telegram", "sender": "us", "contact_id": contact.id, "kind": "text"}
        for number in range(4):
            row = InboxMessage(external_id=f"{number}", handling=Handling.DONE, received_at=now, **came)
            db.add(row)
            db.flush()
        file = {"number": 0, "channel": "telegram", "kind": "image", "content_type": "image/png", "size": 1}
        db.add(ReceivedFile(contact_id=contact.id, inbox_id=1, received_at=now, **file))
    clock.advance(LONG)
    assert archive(database) == [3, 2]  # not the file's message, nor the last one
    with database.begin() as db:
        assert db.scalars(select(OutboxMessage.kind)).all() == ["reminder"]
        assert db.scalars(select(InboxMessage.id).order_by(InboxMessage.id)).all() == [1, 4]
        assert db.scalars(select(ArchivedInbound.external_id).order_by(ArchivedInbound.id)).all() == ["1", "2"]
