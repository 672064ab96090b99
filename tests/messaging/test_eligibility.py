from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.channels.memory import MemoryChannel
from bot.contacts import consent, service
from bot.contacts.models import Address, Contact, Decision, Purpose, State
from bot.messaging.eligibility import Rules, quiet_until
from bot.messaging.models import Priority, Status
from bot.messaging.outbox import Message

from .conftest import PROOF, Office


@pytest.mark.parametrize(
    ("state", "reason"),
    [(State.STOPPED, "stopped"), (State.DECLINED, "not_a_member"), (State.NEW, "not_a_member")],
)
async def test_only_members_get_what_they_did_not_ask_for(office: Office, state: State, reason: str) -> None:
    member = office.member()
    with office.database.begin() as db:
        db.get_one(Contact, member).state = state
    unasked, asked = office.queue(member, "news"), office.reply(member, "an answer")
    await office.deliver()
    assert (office.row(unasked).status, office.row(unasked).reason) == (Status.SUPPRESSED, reason)
    assert office.row(asked).status == Status.SENT


async def test_consent_counts_at_the_moment_of_sending_and_for_its_purpose_alone(office: Office) -> None:
    member = office.member()
    news = office.queue(member, "news", purpose=Purpose.NEWS)
    investment = office.queue(member, "investment", purpose=Purpose.INVESTMENT)
    with office.database.begin() as db:
        consent.record(db, db.get_one(Contact, member), [Purpose.INVESTMENT], Decision.WITHDRAWN, PROOF)
    await office.deliver()
    assert office.row(news).status == Status.SENT
    assert (office.row(investment).status, office.row(investment).reason) == (
        Status.SUPPRESSED,
        "no_consent_investment",
    )


async def test_a_message_past_its_deadline_expires(office: Office) -> None:
    id = office.queue(office.member(), "soon", expires_at=clock.now() + timedelta(minutes=5))
    clock.advance(timedelta(minutes=5))
    await office.deliver()
    assert (office.row(id).status, office.row(id).reason) == (Status.EXPIRED, "deadline")


async def test_at_night_in_the_persons_own_zone_a_broadcast_waits_until_eight(office: Office) -> None:
    toronto = office.queue(office.member(zone="America/Toronto"), "night")  # 05:00 there
    maseru = office.queue(office.member(), "day")
    await office.deliver()
    assert office.row(maseru).status == Status.SENT
    held = office.row(toronto)
    assert (held.status, held.reason) == (Status.HELD, "quiet_hours")
    assert held.due_at == datetime(2026, 3, 4, 8, tzinfo=ZoneInfo("America/Toronto")).astimezone(UTC)
    clock.move_to(held.due_at)
    await office.deliver()
    assert office.row(toronto).status == Status.SENT


async def test_a_reminder_that_would_miss_its_session_goes_out_at_night(office: Office) -> None:
    member = office.member(zone="Australia/Sydney")  # 21:00 there
    soon = office.queue(member, "in an hour", priority=Priority.REMINDER, expires_at=clock.now() + timedelta(hours=1))
    later = office.queue(member, "tomorrow", priority=Priority.REMINDER, expires_at=clock.now() + timedelta(hours=24))
    await office.deliver()
    assert office.row(soon).status == Status.SENT
    assert (office.row(later).status, office.row(later).reason) == (Status.HELD, "quiet_hours")


@pytest.mark.parametrize(
    ("zone", "local", "opens"),
    [
        ("Europe/London", "2026-03-28T21:00", "2026-03-29T08:00"),  # the night in which the clocks go forward
        ("Europe/London", "2026-10-24T23:00", "2026-10-25T08:00"),
        ("Australia/Sydney", "2026-04-05T01:30", "2026-04-05T08:00"),
        ("Africa/Maseru", "2026-03-04T07:59", "2026-03-04T08:00"),
    ],
)
def test_quiet_hours_end_at_eight_by_the_persons_clock_whatever_the_season(zone: str, local: str, opens: str) -> None:
    place = ZoneInfo(zone)
    now = datetime.fromisoformat(local).replace(tzinfo=place).astimezone(UTC)
    expected = datetime.fromisoformat(opens).replace(tzinfo=place).astimezone(UTC)
    assert quiet_until(now, place, Rules()) == expected


def test_outside_quiet_hours_nothing_waits() -> None:
    place = ZoneInfo("Africa/Maseru")
    for hour in range(8, 20):
        assert quiet_until(datetime(2026, 3, 4, hour, 30, tzinfo=place), place, Rules()) is None


async def test_the_weekly_cap_holds_the_next_broadcast_until_the_oldest_is_a_week_old(office: Office) -> None:
    office.rules = Rules(weekly_cap=2)
    member, start = office.member(), clock.now()
    for text in ("one", "two"):
        office.queue(member, text)
        await office.deliver()
        clock.advance(timedelta(hours=1))
    third = office.queue(member, "three")
    reminder = office.queue(member, "reminder", priority=Priority.REMINDER)
    await office.deliver()
    assert (office.row(third).status, office.row(third).reason) == (Status.HELD, "weekly_cap")
    assert office.row(third).due_at == start + timedelta(days=7)
    assert office.row(reminder).status == Status.SENT


async def test_a_blocked_persons_other_channel_is_used(office: Office) -> None:
    whatsapp = MemoryChannel("whatsapp", "+266", has_window=True)
    member = office.member()
    with office.database.begin() as db:
        address = db.query(Address).one()
        address.reach = "blocked"
        _, other_address = service.find_or_create(db, "whatsapp", "+266", "whatsapp:+26650000001")
        other_address.contact_id, other_address.last_inbound_at = member, clock.now()
    id = office.queue(member, "hello")
    await office.deliver(lambda: office.row(id).channel == "whatsapp")
    office.channel = whatsapp
    await office.deliver()
    assert [message.address for message in whatsapp.sent] == ["whatsapp:+26650000001"]


async def test_outside_the_window_only_an_approved_template_goes_out(office: Office) -> None:
    office.channel = MemoryChannel("whatsapp", "+266", has_window=True)
    member = office.member()
    clock.advance(timedelta(hours=24))
    held = office.queue(member, "free text")
    await office.deliver(lambda: office.row(held).status == Status.HELD)
    assert office.row(held).reason == "window_closed"
    with office.database.begin() as db:
        office.approve(db, "session_reminder")
    with office.database.begin() as db:
        from bot.messaging import outbox

        message = Message("Reminder", template="session_reminder", variables={"title": "Saving"})
        outbox.queue(
            db,
            db.get_one(Contact, member),
            message,
            kind="reminder",
            priority=Priority.REMINDER,
            purpose=Purpose.SESSIONS,
            once="r",
        )
    await office.deliver(lambda: bool(office.channel.sent))
    template = office.channel.sent[0].template
    assert template is not None
    assert (template.content_id, template.variables["1"]) == ("HX1", "Saving")
    assert all(template.variables.values()), "the provider refuses empty variables"
