"""The dry run says what delivery will do."""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import forecast, rendering
from bot.broadcasts.audience import Audience
from bot.broadcasts.forecast import Line
from bot.broadcasts.policy import Policy
from bot.contacts.models import Contact, Decision, Reach, State
from bot.content import Content
from bot.db import Database
from bot.messaging import eligibility, templates
from bot.messaging.eligibility import End, Wait
from bot.messaging.models import Content as ContentRow
from bot.messaging.models import OutboxMessage, Priority, Status
from tests.broadcasts.conftest import Office, add_contact

EVERYBODY = Audience(states=(State.MEMBER, State.STOPPED))
NIGHT = datetime.fromisoformat("2026-03-04T22:30:00+00:00")


def approve_template(db: Session, content: Content, language: str) -> None:
    row = ContentRow(
        definition=templates.definition(content.templates["announcement"], language),
        content_id=f"HX{language}",
        name="announcement",
        language=language,
        approval="approved",
    )
    row.created_at = clock.now()
    db.add(row)


def add_broadcasts(db: Session, contact: Contact, number: int) -> None:
    """Give the contact messages sent in the last days."""
    for day in range(number):
        at = clock.now() - timedelta(days=day + 1)
        db.add(
            OutboxMessage(
                contact_id=contact.id,
                channel=contact.channel,
                priority=Priority.BROADCAST,
                kind="broadcast",
                status=Status.SENT,
                created_at=at,
                sent_at=at,
                status_at=at,
            )
        )


def anybody(db: Session, chance: random.Random) -> None:
    """Add a person of any kind."""
    channels = ["telegram", "whatsapp"]
    hours = [None, 1, 23, 23.95, 30]
    addresses = [
        (channel, chance.choice([Reach.OPEN, Reach.OPEN, Reach.BLOCKED]), last and clock.now() - timedelta(hours=last))
        for channel in chance.sample(channels, chance.randint(1, 2))
        for last in [chance.choice(hours)]
    ]
    contact = add_contact(
        db,
        state=chance.choice([State.MEMBER, State.MEMBER, State.STOPPED]),
        language=chance.choice([None, "en", "fr", "st", "ny", "mfe"]),
        zone=chance.choice([None, "Africa/Maseru", "Australia/Sydney", "America/Toronto", "Europe/London"]),
        channel=chance.choice(channels),
        addresses=addresses,
        decisions=chance.choice([[Decision.GRANTED], list(Decision), list(reversed(Decision))]),
    )
    add_broadcasts(db, contact, chance.randint(0, 4))


def as_delivery_would(db: Session, content: Content, broadcast: object, policy: Policy, contact: Contact) -> object:
    """Return (when, reason, channel, form) by the functions that delivery calls."""
    row = OutboxMessage(
        contact_id=contact.id, channel=contact.channel, priority=Priority.BROADCAST, purpose=broadcast.purpose
    )
    facts = eligibility.read_facts(db, [row], clock.now())
    address = eligibility._address(row, facts.addresses.get(contact.id, []))
    channel = address.channel if address else contact.channel
    has_window = policy.channels[channel].has_window
    decision = eligibility.decide(row, facts, policy.rules, clock.now(), has_window=has_window)
    if isinstance(decision, End):
        return "never", decision.reason, channel
    if isinstance(decision, Wait):
        return "later", decision.reason, channel
    message = rendering.message(content, broadcast, contact.language or "en")
    if decision.in_window or templates.approved(db, content, message, contact.language or "en"):
        return "now", None, channel
    return "later", "window_closed", channel


def test_everybody_is_foretold_what_delivery_decides(database: Database, office: Office) -> None:
    chance = random.Random(20260304)
    with database.begin() as db:
        approve_template(db, office.content, "fr")
        for _ in range(200):
            anybody(db, chance)
        broadcast = office.draft(db, audience=EVERYBODY, template="announcement")
        seen: Counter[object] = Counter()
        after, found = 0, []
        while page := forecast.recipients(
            db, office.content, broadcast, office.policy, clock.now(), after=after, limit=30
        ):
            found += page
            after = page[-1].contact_id
        for one in found:
            contact = db.get_one(Contact, one.contact_id)
            expected = as_delivery_would(db, office.content, broadcast, office.policy, contact)
            assert (one.line.when, one.line.reason, one.line.channel) == expected
            seen[one.line.when, one.line.reason] += 1
        assert len(found) == 200
        whole = forecast.dry_run(db, office.content, broadcast, office.policy, clock.now())
        assert whole.audience == 200
        groups: Counter[object] = Counter()
        for line in whole.lines:
            groups[line.when, line.reason] += line.count
        assert groups == seen
        assert set(groups) == {
            ("now", None),
            ("later", "quiet_hours"),
            ("later", "weekly_cap"),
            ("later", "window_closed"),
            ("never", "stopped"),
            ("never", "no_consent_news"),
            ("never", "no_reachable_address"),
        }, "the sample must hold every case"


def test_every_breakdown_adds_up_to_the_audience(database: Database, office: Office) -> None:
    chance = random.Random(7)
    with database.begin() as db:
        for _ in range(60):
            anybody(db, chance)
        whole = forecast.dry_run(db, office.content, office.draft(db, audience=EVERYBODY), office.policy, clock.now())
    for name in ("when", "reason", "channel", "language", "text_language", "form"):
        assert sum(whole.by(name).values()) == whole.audience == 60


def one_line(db: Session, office: Office, now: datetime | None = None, **draft: object) -> Line:
    broadcast = office.draft(db, **draft)
    (line,) = forecast.dry_run(db, office.content, broadcast, office.policy, now or clock.now()).lines
    return line


def test_quiet_hours_end_in_the_zone_of_the_member(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db, zone="Africa/Maseru")
        line = one_line(db, office, NIGHT)
        assert (line.when, line.reason, line.form) == ("later", "quiet_hours", "text")
        assert line.until == datetime.fromisoformat("2026-03-05T08:00:00+02:00")
        (person,) = forecast.recipients(db, office.content, office.draft(db), office.policy, NIGHT)
        assert (person.local_time.hour, person.local_time.minute) == (0, 30)


def test_a_scheduled_broadcast_is_foretold_for_its_own_time(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db, channel="whatsapp", addresses=[("whatsapp", Reach.OPEN, clock.now())])
        assert one_line(db, office).when == "now"
        assert one_line(db, office, scheduled_at=clock.now() + timedelta(hours=24)).reason == "window_closed"
        assert one_line(db, office, scheduled_at=NIGHT).reason == "quiet_hours"


def test_a_closed_window_takes_the_approved_template_of_the_nearest_language(
    database: Database, office: Office
) -> None:
    with database.begin() as db:
        add_contact(db, channel="whatsapp", language="mfe")
        assert one_line(db, office, template="announcement").reason == "window_closed"
        approve_template(db, office.content, "en")
        assert one_line(db, office, template="announcement").reason == "window_closed"
        approve_template(db, office.content, "fr")
        line = one_line(db, office, template="announcement")
        assert (line.when, line.form) == ("now", "template")
        assert one_line(db, office).reason == "window_closed", "no template was chosen"


def test_a_channel_that_is_switched_off_is_said_aloud(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db, channel="whatsapp")
        only = Policy({"telegram": office.policy.channels["telegram"]}, office.policy.rules)
        line = one_line(db, replace(office, policy=only))
        assert (line.when, line.reason, line.form) == ("later", "channel_off", None)


def test_languages_that_read_another_are_listed(database: Database, office: Office) -> None:
    with database.begin() as db:
        for language in ("en", "fr", "mfe", "mfe", "st", None):
            add_contact(db, language=language)
        add_contact(db, language="ny", decisions=[])
        whole = forecast.dry_run(db, office.content, office.draft(db), office.policy, clock.now())
        assert whole.fallbacks() == {("mfe", "fr"): 2, ("st", "en"): 1}


def test_the_finishing_time_is_that_of_the_slowest_channel(database: Database, office: Office) -> None:
    with database.begin() as db:
        for _ in range(60):
            add_contact(db)
        add_contact(db, channel="whatsapp", addresses=[("whatsapp", Reach.OPEN, clock.now())])
        broadcast = office.draft(db)
        now = clock.now()
        assert forecast.dry_run(db, office.content, broadcast, office.policy, now).finishes_at == now + timedelta(
            seconds=2
        )
        morning = datetime.fromisoformat("2026-03-05T06:00:00+00:00")
        asleep = forecast.dry_run(db, office.content, broadcast, office.policy, NIGHT)
        assert asleep.finishes_at == morning + timedelta(seconds=2)


def test_without_anybody_there_is_no_finishing_time(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db, decisions=[])
        whole = forecast.dry_run(db, office.content, office.draft(db), office.policy, clock.now())
        assert (whole.audience, whole.finishes_at) == (1, None)
