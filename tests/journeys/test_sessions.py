"""A session from the invitation to the certificate: five people, five languages, five places, both channels."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.demo.stage import Stage
from bot.emulators.phone import PhoneMessage
from bot.events import service, turnout
from bot.events.models import Event
from tests.events.conftest import wall
from tests.events.test_calendars import entries
from tests.journeys.chat import PATIENCE, Person
from tests.journeys.conftest import somebody

#: Language, home, and the hour there: on the evening before Europe's summer time of 2027, and two weeks later.
PEOPLE = (
    ("en", "Joburg", "2027, 19:00", "2027, 18:00"),
    ("fr", "London", "2027, 17:00", "2027, 17:00"),
    ("st", "Sydney", "2027, 04:00", "2027, 02:00"),
    ("ny", "Toronto", "2027, 13:00", "2027, 12:00"),
    ("mfe", "Port Louis", "2027, 21:00", "2027, 20:00"),
)
LINK = "https://meet.example.org/saving"
MOVED = datetime(2027, 4, 10, 16, 0, tzinfo=UTC)
INVITED = datetime(2027, 3, 15, 8, 30, tzinfo=UTC)


@dataclass
class Group:
    """Five people with phones, and one session of three seats."""

    stage: Stage
    people: list[Person]
    event_id: int = 0
    read: dict[str, list[PhoneMessage]] = field(default_factory=dict)

    async def run(self, function: Any, *args: Any) -> Any:
        done = await self.stage.app.database.run(function, *args)
        self.stage.app.nudge()
        return done

    async def job(self, name: str) -> None:
        await self.stage.app.run_job(name)
        self.stage.app.nudge()

    async def calendar(self, message: PhoneMessage) -> Any:
        """Return the entry of the calendar file that came along: on WhatsApp behind an address."""
        if message.media:
            file = message.media.content
        else:
            address = re.search(r"http\S+\.ics", message.text)
            assert address, message.text
            async with httpx.AsyncClient() as client:
                answer = await client.get(address[0])
            assert answer.headers["content-type"].startswith("text/calendar")
            file = answer.content
        [entry] = entries(file)
        return entry


async def told(person: Person, key: str, *parts: str) -> PhoneMessage:
    """Hear a message that was not asked for; where WhatsApp's window is closed a template comes first."""
    template = await person.phone.wait_for(lambda one: bool(one.text), PATIENCE)
    if person.phone.channel == "telegram" or "STOP" not in template.text:
        person.phone._inbox.appendleft(template)
    elif template.buttons:
        assert all(part in template.text for part in parts), template.text
        return template
    else:
        await person.write("where is it?")
    return await person.hear(key, *parts)


async def press(person: Person, number: int) -> None:
    """Press a button by its place: a template speaks English or French, whatever the person does."""
    on = next(one for one in reversed(person.phone.received) if one.buttons)
    await person.tap(on.buttons[number].id, on)


async def gather(village: Stage, count: int) -> Group:
    """Let people join on a morning in March: on SQLite the one half on WhatsApp, on PostgreSQL the other."""
    clock.move_to(INVITED - timedelta(days=1))
    channels = ("telegram", "whatsapp") if village.app.database.is_sqlite else ("whatsapp", "telegram")
    people = []
    for number, (language, home, *_) in enumerate(PEOPLE[:count]):
        people.append(somebody(village, channels[number % 2], language))
        await people[-1].join(home=home)
    return Group(village, people)


def _plan(db: Session, group: Group) -> int:
    event = service.create(
        db,
        title={"en": "Saving well", "fr": "Bien épargner"},
        starts_local=wall("2027-03-27 17:00"),
        zone="Europe/London",
        minutes=90,
        capacity=3,
        link=LINK,
        certificate=True,
        feedback_form="small",
        created_by="1",
    )
    service.publish(db, event)
    service.invite(db, group.stage.app.content, event, [_contact(db, person).id for person in group.people])
    return event.id


def _move(db: Session, group: Group) -> None:
    event = db.get_one(Event, group.event_id)
    service.move(db, group.stage.app.content, event, wall("2027-04-10 17:00"))


def _contact(db: Session, person: Person) -> Contact:
    found = person.contact(db)
    assert found
    return found


async def test_three_seats_five_people_and_all_that_follows(village: Stage) -> None:
    group = await gather(village, 5)
    await _fill(group)
    await _shift(group)
    await _hold(group)
    await _follow_up(group)
    seen = await group.run(lambda db: turnout.totals(turnout.counted(db, db.get_one(Event, group.event_id))))
    assert seen == {"invited": 5, "yes": 3, "maybe": 0, "waiting": 1, "came": 2, "missed": 1}


async def _fill(group: Group) -> None:
    """Three take the seats, two wait; one gives up and the next is told within a minute."""
    joburg, london, sydney, toronto, mauritius = group.people
    hours = [before for *_, before, _ in PEOPLE]
    clock.move_to(INVITED)
    group.event_id = await group.run(_plan, group)
    for person, hour in ((joburg, hours[0]), (london, hours[1]), (sydney, hours[2]), (mauritius, hours[4])):
        await told(person, "session.invitation", hour)
    assert not toronto.phone._inbox  # it is half past four there
    for person in (joburg, london, sydney):
        await press(person, 0)
        said = await person.hear("session.rsvp_yes", LINK, "session.calendar_file")
        entry = await group.calendar(said)
        assert (entry.status.value, entry.url.value, entry.sequence.value) == ("CONFIRMED", LINK, "0")
        assert entry.dtstart.value.astimezone(UTC) == datetime(2027, 3, 27, 17, tzinfo=UTC)

    clock.move_to(INVITED + timedelta(hours=4))
    clock.hurry(1)
    group.stage.app.nudge()
    await told(toronto, "session.invitation", hours[3])
    for number, person in enumerate((toronto, mauritius), start=1):
        await press(person, 0)
        await person.hear("session.rsvp_waitlist", str(number))
    await london.play("me: SESSIONS\nbot: session.details\nme: [button.no]\nbot: session.rsvp_no")
    gave_up = clock.now()
    promoted = await told(toronto, "session.promoted", hours[3], LINK)
    assert clock.now() - gave_up < timedelta(minutes=1)
    assert (await group.calendar(promoted)).status.value == "CONFIRMED"


async def _shift(group: Group) -> None:
    """Two weeks later other clocks hold: everybody reads their own hour, and calendars the same instant."""
    joburg, _, sydney, toronto, mauritius = group.people
    await group.run(_move, group)
    later = [after for *_, after in PEOPLE]
    news = {"joburg": await told(joburg, "session.changed", later[0])}
    news["toronto"] = await told(toronto, "session.changed", later[3])
    await told(mauritius, "session.changed", later[4], "session.answer_waiting")
    assert not sydney.phone._inbox  # nearly midnight there: it waits for the morning
    clock.move_to(INVITED + timedelta(hours=12, minutes=31))
    group.stage.app.nudge()
    news["sydney"] = await told(sydney, "session.changed", later[2])
    for message in news.values():
        entry = await group.calendar(message)
        assert entry.sequence.value == "1"
        assert entry.dtstart.value.astimezone(UTC) == MOVED
    await toronto.write("CALENDAR")
    told_address = await toronto.hear("session.calendar_feed")
    feed = await group.calendar(told_address)
    assert re.search(r"http:(\S+\.ics)\n.*\nwebcal:\1\n", told_address.text)  # the same, as calendar apps want it
    assert (feed.uid.value, feed.dtstart.value.astimezone(UTC)) == (entry.uid.value, MOVED)


async def _hold(group: Group) -> None:
    """Remind who has a place, let two check in, one by the button and one by the code."""
    joburg, _, sydney, toronto, _ = group.people
    later = [after for *_, after in PEOPLE]
    clock.move_to(MOVED - timedelta(hours=1))
    await group.job("reminders")
    for person, hour in ((joburg, later[0]), (sydney, later[2]), (toronto, later[3])):
        await told(person, "session.reminder", hour, LINK)  # also in the night of Sydney: it is for soon
    clock.move_to(MOVED)
    await group.job("session_starts")
    for person in (joburg, sydney, toronto):
        await told(person, "session.starting", LINK)
    await press(joburg, 0)
    await joburg.hear("session.checked_in")
    code = await group.run(lambda db: db.get_one(Event, group.event_id).code)
    await toronto.play(f"me: {code.lower()}\nbot: session.checked_in")


async def _follow_up(group: Group) -> None:
    """Who was there says how it was and has a certificate; who was missed reads it a day later, by day."""
    joburg, _, sydney, toronto, _ = group.people
    clock.move_to(MOVED + timedelta(hours=25))  # WhatsApp's window is closed by now
    await group.job("session_follow_ups")
    for person in (joburg, toronto):
        thanks = await told(person, "session.thanks")
        if person.phone.channel == "whatsapp":  # a template has one button: the others follow
            await press(person, 0)
            thanks = await person.hear("session.thanks", "session.ask_certificate")
        await person.play(
            """
            me: [button.feedback]
            bot: Small survey
            me: 1
            bot: survey.progress
            me: SKIP
            bot: survey.review
            me: yes
            bot: survey.submitted
            """
        )
        await person.tap("button.certificate", thanks)
        await person.play(
            """
            bot: certificate.ask_name
            me: 12345
            bot: certificate.bad_name
            me: ’Mamosa Ñthabiseng
            bot: certificate.ready | ’Mamosa Ñthabiseng
            """
        )
        pdf = next(one.media for one in reversed(person.phone.received) if one.media)
        assert pdf.content.startswith(b"%PDF-")
    assert not sydney.phone._inbox
    clock.move_to(MOVED + timedelta(hours=31))
    await group.job("session_follow_ups")
    await told(sydney, "session.missed")


async def test_of_two_runs_one_is_called_off_and_the_other_is_held(village: Stage) -> None:
    group = await gather(village, 2)
    joburg, london = group.people

    def plan(db: Session) -> tuple[int, int]:
        first = db.get_one(Event, _plan(db, group))
        second = service.create(
            db,
            title=first.title,
            starts_local=wall("2027-03-27 07:00"),
            zone="Europe/London",
            minutes=90,
            place="Library",
            created_by="1",
            run_of=first.id,
        )
        service.publish(db, second)
        return first.id, second.id

    clock.move_to(INVITED)
    evening, morning = await group.run(plan)
    for person in (joburg, london):
        await told(person, "session.invitation")
        await person.write("SESSIONS")
        await person.hear("session.list_intro", "2027, 09:00" if person is joburg else "2027, 07:00")
        await person.write("1")
        await person.hear("session.details", "Library")
        await press(person, 0)
        await person.hear("session.rsvp_yes")
        await person.write("SESSIONS")
        await person.hear("session.list_intro", "button.yes")
        await person.write("2")
        await person.hear("session.details")
        await press(person, 0)
        await person.hear("session.rsvp_yes", LINK)
    await group.run(lambda db: service.cancel(db, group.stage.app.content, db.get_one(Event, evening)))
    for person in (joburg, london):
        entry = await group.calendar(await told(person, "session.cancelled", "session.calendar_cancelled"))
        assert (entry.status.value, entry.sequence.value) == ("CANCELLED", "1")
        await person.play("me: SESSIONS\nbot: session.details | Library | button.yes")
    assert await group.run(lambda db: service.figures(db, db.get_one(Event, morning))["confirmed"]) == 2
