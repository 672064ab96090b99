"""From a draft to the outbox: who may do what, when, and what an edit voids."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot import clock
from bot.broadcasts import freezing, progress, service
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.broadcasts.service import ApprovalVoid, Draft, HasProblems, NotPossible, OwnWork
from bot.contacts.models import Contact, Decision, Purpose, Reach, State
from bot.db import Database
from bot.messaging import lives
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.staff import audit, roles
from bot.staff.models import AuditEntry, Role
from tests.broadcasts.conftest import TEXTS, Office, add_contact, add_staff

VALID = lives.of(Priority.BROADCAST)
EDITED = Draft(title="Savings", purpose=Purpose.NEWS, texts=TEXTS | {"en": "A new savings product!"})


def rows(db: object) -> list[OutboxMessage]:
    return list(db.scalars(select(OutboxMessage).order_by(OutboxMessage.contact_id)))  # type: ignore[attr-defined]


def test_an_approved_broadcast_becomes_one_row_for_each_of_its_audience(
    database: Database, office: Office, frozen: datetime
) -> None:
    with database.begin() as db:
        willing = add_contact(db, channel="whatsapp")
        add_contact(db, decisions=[])
        broadcast = office.approved(db)
        assert office.send(db, broadcast) == 2
    with database.begin() as db:
        queued, suppressed = rows(db)
        assert queued.contact_id == willing.id
        assert (queued.status, queued.reason, queued.channel) == (Status.QUEUED, None, "whatsapp")
        assert (queued.kind, queued.ref, queued.priority) == ("broadcast", broadcast.id, Priority.BROADCAST)
        assert (queued.purpose, queued.body, queued.attempts) == (Purpose.NEWS, None, 0)
        assert queued.once == f"broadcast:{broadcast.id}:{willing.id}"
        assert (queued.due_at, queued.expires_at) == (frozen, frozen + VALID)
        assert (suppressed.status, suppressed.reason) == (Status.SUPPRESSED, "no_consent_news")
        assert broadcast.status == BroadcastStatus.SENDING
        assert broadcast.audience_count == 2


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ({"decisions": [Decision.GRANTED, Decision.WITHDRAWN]}, "no_consent_news"),
        ({"decisions": [Decision.REFUSED, Decision.GRANTED]}, None),
        ({"purpose": Purpose.INVESTMENT}, "no_consent_news"),
        ({"state": State.STOPPED}, "stopped"),
        ({"state": State.DECLINED}, "not_a_member"),
        ({"addresses": [("telegram", Reach.BLOCKED, None)]}, "no_reachable_address"),
        ({"addresses": [("telegram", Reach.BLOCKED, None), ("whatsapp", Reach.OPEN, None)]}, None),
    ],
)
def test_who_may_not_get_it_is_frozen_with_the_reason(
    database: Database, office: Office, person: dict[str, object], reason: str | None
) -> None:
    with database.begin() as db:
        add_contact(db, **person)  # type: ignore[arg-type]
        office.send(db, office.approved(db, audience=Audience(states=tuple(State))))
        (row,) = rows(db)
        assert row.reason == reason
        assert row.status == (Status.SUPPRESSED if reason else Status.QUEUED)


def test_a_second_send_is_refused_and_adds_nothing(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db)
        broadcast = office.approved(db)
        office.send(db, broadcast)
        add_contact(db)
    with database.begin() as db, pytest.raises(NotPossible, match="sending"):
        office.send(db, db.get_one(Broadcast, broadcast.id))
    with database.begin() as db:
        assert len(rows(db)) == 1


def test_even_a_broadcast_reset_by_hand_reaches_nobody_twice(
    database: Database, office: Office, frozen: datetime
) -> None:
    with database.begin() as db:
        add_contact(db)
        broadcast = office.approved(db)
        office.send(db, broadcast)
    with pytest.raises(Exception, match=r"(?i)unique"), database.begin() as db:
        freezing.freeze(db, broadcast, office.policy, frozen, frozen + VALID)


@pytest.mark.parametrize("status", [status for status in BroadcastStatus if status not in (BroadcastStatus.APPROVED,)])
def test_only_an_approved_broadcast_is_sent(database: Database, office: Office, status: BroadcastStatus) -> None:
    with database.begin() as db:
        broadcast = office.approved(db)
        broadcast.status = status
        db.flush()
        with pytest.raises(NotPossible):
            office.send(db, broadcast)
        assert rows(db) == []


def test_whoever_wrote_on_it_may_not_approve_it(database: Database, office: Office) -> None:
    with database.begin() as db:
        both = add_staff(db, Role.ADMINISTRATOR, "both")
        broadcast = office.draft(db)
        service.edit(db, office.content, broadcast, both, EDITED)
        service.edit(db, office.content, broadcast, office.editor, EDITED)
        seen = broadcast.content_hash
        with pytest.raises(OwnWork):
            service.approve(db, office.content, broadcast, both, office.policy, seen=seen)
        with pytest.raises(roles.Forbidden):
            service.approve(db, office.content, broadcast, office.editor, office.policy, seen=seen)
        service.approve(db, office.content, broadcast, office.approver, office.policy, seen=seen)
        assert broadcast.approved_by == office.approver.id


def test_an_edit_voids_the_approval_even_when_it_is_undone(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.approved(db)
        service.edit(db, office.content, broadcast, office.editor, EDITED)
        service.edit(
            db, office.content, broadcast, office.editor, Draft(title="Savings", purpose=Purpose.NEWS, texts=TEXTS)
        )
        assert broadcast.status == BroadcastStatus.DRAFT
        assert service.why_void(db, office.content, broadcast) == "not_approved"
        with pytest.raises(NotPossible):
            office.send(db, broadcast)


@pytest.mark.parametrize(
    "change",
    [
        {"texts": TEXTS | {"en": "A new savings product. "}},
        {"purpose": "investment"},
        {"audience": Audience(origins=("LS",)).to_json()},
        {"buttons": [{"id": "menu:menu", "labels": {"en": "Menu"}}]},
        {"variables": {"en": {"title": "Savings"}}},
        {"template": "announcement"},
        {"scheduled_at": datetime.fromisoformat("2026-03-05T10:00:00+00:00")},
    ],
)
def test_what_was_changed_behind_our_back_is_not_sent(
    database: Database, office: Office, change: dict[str, object]
) -> None:
    with database.begin() as db:
        broadcast = office.approved(db)
        db.execute(update(Broadcast).values(**change))
        db.expire(broadcast)
        with pytest.raises(ApprovalVoid, match="content_changed"):
            office.send(db, broadcast)


def test_an_approval_covers_what_the_approver_saw_and_nothing_else(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.draft(db)
        seen = broadcast.content_hash
        service.edit(db, office.content, broadcast, office.editor, EDITED)
        with pytest.raises(ApprovalVoid):
            service.approve(db, office.content, broadcast, office.approver, office.policy, seen=seen)


def test_an_audience_may_grow_by_a_tenth_and_no_more(database: Database, office: Office) -> None:
    with database.begin() as db:
        for _ in range(10):
            add_contact(db)
        broadcast = office.approved(db)
        add_contact(db)
        assert service.why_void(db, office.content, broadcast) is None
        add_contact(db)
        with pytest.raises(ApprovalVoid, match="audience_grew"):
            office.send(db, broadcast)
        office.approve(db, broadcast)
        assert office.send(db, broadcast) == 12


def test_a_broadcast_with_problems_is_not_approved(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.draft(db, texts={"fr": "Bonjour"})
        with pytest.raises(HasProblems, match="text_missing"):
            office.approve(db, broadcast)


def test_a_link_to_a_domain_that_is_not_ours_any_more_is_not_sent(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.draft(db, texts={"en": "Read more on https://ours.example.org/1"})
        ours = replace(office.policy, domains=("ours.example.org",))
        service.approve(db, office.content, broadcast, office.approver, ours, seen=broadcast.content_hash)
        with pytest.raises(ApprovalVoid, match="link_not_allowed"):
            service.send(db, office.content, broadcast, office.editor, replace(office.policy, domains=()))
        assert rows(db) == []
        assert service.send(db, office.content, broadcast, office.editor, ours) == len(rows(db))


def test_a_scheduled_broadcast_waits_for_its_time_also_after_a_pause(
    database: Database, office: Office, frozen: datetime
) -> None:
    later = frozen + timedelta(days=1)
    with database.begin() as db:
        add_contact(db)
        broadcast = office.approved(db, scheduled_at=later)
        office.send(db, broadcast)
        service.pause(db, broadcast, office.editor)
        assert [(row.status, row.reason, row.due_at) for row in rows(db)] == [(Status.HELD, "paused", None)]
        service.resume(db, broadcast, office.editor)
        db.expire_all()
        assert [(row.status, row.due_at) for row in rows(db)] == [(Status.QUEUED, later)]
        assert rows(db)[0].expires_at == later + VALID


def test_a_deadline_before_it_would_leave_is_refused(database: Database, office: Office, frozen: datetime) -> None:
    with database.begin() as db:
        broadcast = office.approved(db, expires_at=frozen + timedelta(hours=1))
        clock.advance(timedelta(hours=1))
        with pytest.raises(NotPossible, match="deadline"):
            office.send(db, broadcast)


def test_cancelling_ends_what_waits_and_nothing_starts_again(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db)
        add_contact(db, decisions=[])
        broadcast = office.approved(db)
        office.send(db, broadcast)
        assert service.cancel(db, broadcast, office.editor) == 1
        db.expire_all()
        assert progress.statuses(db, broadcast) == {"cancelled": 1, "suppressed": 1}
        for step in (service.pause, service.resume, service.cancel):
            with pytest.raises(NotPossible):
                step(db, broadcast, office.editor)


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AGENT, Role.PROTECTION])
def test_other_roles_do_nothing_with_broadcasts(database: Database, office: Office, role: Role) -> None:
    with database.begin() as db:
        other = add_staff(db, role, "other")
        broadcast = office.approved(db)
        with pytest.raises(roles.Forbidden):
            service.send(db, office.content, broadcast, other, office.policy)
        with pytest.raises(roles.Forbidden):
            service.cancel(db, broadcast, other)
        with pytest.raises(roles.Forbidden):
            service.draft(db, office.content, other, EDITED)
        with pytest.raises(roles.Forbidden):
            service.edit(db, office.content, broadcast, other, EDITED)


def test_every_step_is_in_the_audit_trail(database: Database, office: Office) -> None:
    with database.begin() as db:
        broadcast = office.draft(db)
        service.edit(db, office.content, broadcast, office.editor, EDITED)
        office.approve(db, broadcast)
        add_contact(db)
        office.approve(db, broadcast)
        office.send(db, broadcast)
        service.pause(db, broadcast, None, "paused 63016")
        service.resume(db, broadcast, office.editor)
        service.cancel(db, broadcast, office.editor)
        trail = list(db.scalars(select(AuditEntry).order_by(AuditEntry.id)))
        assert [entry.action.removeprefix("broadcast.") for entry in trail] == [
            "drafted",
            "edited",
            "approved",
            "approved",
            "sent",
            "paused",
            "resumed",
            "cancelled",
        ]
        assert trail[4].detail == {"content": broadcast.approved_hash, "audience": 1}
        assert trail[5].actor == "system"
        assert audit.verify(db) is None


def test_the_same_words_sent_again_soon_are_noticed(database: Database, office: Office) -> None:
    with database.begin() as db:
        first = office.approved(db)
        office.send(db, first)
        again = office.draft(db, texts={"en": TEXTS["en"] + " "})
        other = office.draft(db, texts={"en": "Something else."})
        assert service.recent_duplicate(db, again) is first
        assert service.recent_duplicate(db, other) is None
        clock.advance(service.RECENT)
        assert service.recent_duplicate(db, again) is None


def test_an_erased_person_stays_in_the_sum(database: Database, office: Office) -> None:
    with database.begin() as db:
        person = add_contact(db)
        add_contact(db)
        broadcast = office.approved(db)
        office.send(db, broadcast)
        db.delete(db.get_one(Contact, person.id))
        db.flush()
        shown = progress.progress(db, broadcast)
        assert shown.statuses == {"queued": 1, "erased": 1}
        assert shown.audience == 2


def test_two_people_who_press_send_at_once_send_once(database: Database, office: Office) -> None:
    with database.begin() as db:
        for _ in range(5):
            add_contact(db)
        broadcast = office.approved(db)

    def press(_: int) -> int | None:
        with database.begin() as db:
            try:
                return office.send(db, db.get_one(Broadcast, broadcast.id))
            except NotPossible:
                return None

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(press, range(4)))
    assert sorted(results, key=str) == [5, None, None, None]
    with database.begin() as db:
        assert len(rows(db)) == 5
