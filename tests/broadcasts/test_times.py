"""Broadcasts at each person's hour, again and again, and once more to those who were not reached."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import forecast, progress, repeating, service, times
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts.models import Contact
from bot.contacts.service import HOME_ZONE
from bot.db import Database
from bot.messaging.models import OutboxMessage, Status
from tests.broadcasts.conftest import Office, add_contact

ZONES = ("Africa/Maseru", "Europe/London", "America/Toronto", "Australia/Sydney", None)
#: A Sunday on which clocks change in London, ten in the morning in Maseru.
SUNDAY = datetime(2026, 3, 29, 8, 0, tzinfo=UTC)


def due(db: Session) -> dict[str | None, datetime | None]:
    found = select(Contact.zone, OutboxMessage.due_at).join(Contact, Contact.id == OutboxMessage.contact_id)
    return {zone: at for zone, at in db.execute(found)}  # noqa: C416


def test_it_leaves_at_that_hour_at_each_persons_place_also_after_a_pause(database: Database, office: Office) -> None:
    with database.begin() as db:
        for zone in ZONES:
            add_contact(db, zone=zone)
        broadcast = office.approved(db, scheduled_at=SUNDAY, at_local=True)
        told = forecast.dry_run(db, office.content, broadcast, office.policy, clock.now())
        assert told.by("reason") == {"local_hour": 5}
        assert told.finishes_at is not None
        assert told.finishes_at > SUNDAY + timedelta(hours=5)
        people = forecast.recipients(db, office.content, broadcast, office.policy, clock.now())
        assert {f"{one.local_time:%H:%M}" for one in people} == {"10:00"}
        office.send(db, broadcast)
        wanted = {zone: SUNDAY.replace(hour=10).replace(tzinfo=ZoneInfo(zone or HOME_ZONE)) for zone in ZONES}
        assert due(db) == wanted
        assert wanted["Europe/London"].astimezone(UTC).hour == 9  # summer time has begun
        service.pause(db, broadcast, office.editor)
        service.resume(db, broadcast, office.editor)
        assert due(db) == wanted


@pytest.fixture
def weekly(database: Database, office: Office) -> Office:
    with database.begin() as db:
        for _ in range(3):
            add_contact(db)
        until = clock.now() + timedelta(weeks=8)
        broadcast = office.approved(db, scheduled_at=clock.now(), repeat="week", repeat_until=until)
        office.send(db, broadcast)
    return office


def turns(db: Session) -> list[Broadcast]:
    return list(db.scalars(select(Broadcast).order_by(Broadcast.id)))


def take(db: Session, office: Office) -> int:
    return repeating.take_turns(db, office.content, office.policy)


def test_each_turn_is_a_broadcast_of_its_own_and_missed_ones_are_left_out(database: Database, weekly: Office) -> None:
    began = clock.now()
    with database.begin() as db:
        assert take(db, weekly) == 0
        clock.advance(timedelta(days=7))
        assert take(db, weekly) == 1
        assert take(db, weekly) == 0
        first, second = turns(db)
        assert (second.repeats, second.scheduled_at) == (first.id, began + timedelta(days=7))
        assert (second.status, second.audience_count) == (BroadcastStatus.SENDING, 3)
        assert second.approved_by == weekly.approver.id
        clock.advance(timedelta(days=22))
        assert take(db, weekly) == 1
        assert turns(db)[-1].scheduled_at == began + timedelta(days=28)
        clock.advance(timedelta(days=60))
        assert take(db, weekly) == 0  # its last day is over


@pytest.mark.parametrize("change", ["audience", "wording"])
def test_a_turn_that_the_approval_does_not_cover_waits_for_a_second_person(
    database: Database, weekly: Office, change: str
) -> None:
    with database.begin() as db:
        if change == "audience":
            add_contact(db)
        else:
            turns(db)[0].texts = {"en": "Something else."}
        clock.advance(timedelta(days=7))
        take(db, weekly)
        turn = turns(db)[-1]
        assert (turn.status, turn.approved_hash, turn.sent_at) == (BroadcastStatus.DRAFT, None, None)
        weekly.approve(db, turn)
        weekly.send(db, turn)
        clock.advance(timedelta(days=7))
        assert take(db, weekly) == 1


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
def test_no_turn_follows_one_that_was_stopped_or_cancelled(database: Database, weekly: Office, how: str) -> None:
    with database.begin() as db:
        (only,) = turns(db)
        if how == "stopped":
            repeating.stop(db, only, weekly.editor)
        else:
            service.cancel(db, only, weekly.editor)
        clock.advance(timedelta(days=7))
        assert take(db, weekly) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3650 * 24 * 60), st.sampled_from(times.REPEATS), st.integers(0, 5000))
def test_the_next_turn_is_at_the_same_time_of_day_and_the_last_that_is_due(
    minutes: int, repeat: str, hours: int
) -> None:
    began = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    now = began + timedelta(hours=hours)
    turn = times.following(Broadcast(scheduled_at=began, repeat=repeat), now)
    assert turn is not None
    assert turn > began
    assert turn.timetz() == began.timetz()  # the office knows no summer time
    after = times.following(Broadcast(scheduled_at=turn, repeat=repeat), turn)
    assert after is not None
    assert after > now or turn > now


def test_once_more_goes_to_those_only_who_certainly_were_not_reached(database: Database, office: Office) -> None:
    outcomes = [
        (Status.FAILED, None, True),
        (Status.EXPIRED, "deadline", True),
        (Status.CANCELLED, "broadcast_cancelled", True),
        (Status.CANCELLED, "linked", False),
        (Status.FAILED, "left_uncertain", False),
        (Status.UNCERTAIN, "interrupted", False),
        (Status.SENT, None, False),
        (Status.READ, None, False),
    ]
    with database.begin() as db:
        for _ in outcomes:
            add_contact(db)
        broadcast = office.approved(db)
        office.send(db, broadcast)
        with pytest.raises(service.NotPossible):
            service.again(db, office.content, broadcast, office.editor)  # it is still under way
        rows = db.scalars(select(OutboxMessage).order_by(OutboxMessage.contact_id)).all()
        for row, (status, reason, _) in zip(rows, outcomes, strict=True):
            row.status, row.reason = status, reason
        db.flush()
        progress.close_finished(db)
        again = service.again(db, office.content, broadcast, office.editor)
        missed = Audience.from_json(again.audience).condition()
        found = set(db.scalars(select(Contact.id).where(missed)))
        assert found == {row.contact_id for row, (_, _, is_missed) in zip(rows, outcomes, strict=True) if is_missed}
        assert (again.status, again.texts) == (BroadcastStatus.DRAFT, broadcast.texts)
        with pytest.raises(service.NotPossible):
            service.again(db, office.content, again, office.editor)


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ({"ZA": 7, "GB": 6, None: 1}, {"ZA": 7, "": 7}),
        ({"ZA": 7, "GB": 4, "US": 3}, {"ZA": 7, "": 7}),
        ({"ZA": 7, "GB": 6}, {"ZA": 7, "GB": 6}),
        ({"ZA": 2}, {"": 2}),
    ],
)
def test_no_country_is_shown_in_which_few_were_written_to(
    database: Database, office: Office, people: dict[str | None, int], shown: dict[str, int]
) -> None:
    with database.begin() as db:
        for country, number in people.items():
            for _ in range(number):
                add_contact(db).residence = country
        broadcast = office.approved(db)
        office.send(db, broadcast)
        found = progress.progress(db, broadcast)
        assert {code: sum(counts.values()) for code, counts in found.by_country.items()} == shown
