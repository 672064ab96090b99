"""Many people at once on a scarce thing, through the inbox and the real router."""

from datetime import timedelta

import sqlalchemy as sa

from bot import clock
from bot.channels.base import Inbound
from bot.contacts import service
from bot.contacts.models import State
from bot.content import Content
from bot.conversations.router import Router
from bot.db import Database
from bot.events import service as events
from bot.events.models import Answer, Rsvp
from bot.grouping import GroupCommit
from bot.messaging import inbox
from bot.messaging.models import Handling, InboxMessage

from .test_inbox import in_threads

PEOPLE, SEATS, TURNS = 12, 3, 6


def press(person: int, turn: int, event_id: int) -> Inbound:
    answer = "yes" if turn % 2 == 0 else "no"
    return Inbound(
        "telegram", "700", f"{person}-{turn}", str(1000 + person), "button", button=f"rsvp:{event_id}:{answer}"
    )


def session_with_people(database: Database) -> int:
    with database.begin() as db:
        for person in range(PEOPLE):
            contact, _ = service.find_or_create(db, "telegram", "700", str(1000 + person))
            contact.state, contact.language = State.MEMBER, "en"
        starts = (clock.now() + timedelta(days=3)).replace(tzinfo=None)
        event = events.create(
            db, title={"en": "Saving well"}, starts_local=starts, zone="UTC", minutes=60, capacity=SEATS, created_by="1"
        )
        events.publish(db, event)
        return event.id


def check(database: Database, event_id: int) -> None:
    with database.begin() as db:
        assert db.scalars(sa.select(InboxMessage.handling).distinct()).all() == [Handling.DONE]
        coming = sa.select(sa.func.count()).where(Rsvp.event_id == event_id, Rsvp.answer == Answer.YES)
        assert db.scalar(coming) == 0  # the last turn of each was a no
        assert db.scalar(sa.select(sa.func.count()).select_from(InboxMessage)) == PEOPLE * TURNS


def test_people_who_toggle_between_yes_and_no_promote_each_other_without_locking_each_other_out(
    database: Database, content: Content
) -> None:
    event_id, router = session_with_people(database), Router(content, "", "")

    def toggle(person: int) -> None:
        for turn in range(TURNS):
            with database.begin() as db:
                inbox.receive(db, [press(person, turn, event_id)], router.handle)

    assert in_threads(PEOPLE, toggle) == []
    check(database, event_id)


def test_groups_of_messages_from_two_processes_do_not_lock_each_other_out_either(
    database: Database, content: Content
) -> None:
    event_id, router = session_with_people(database), Router(content, "", "")

    def process(number: int) -> None:
        import asyncio

        async def receive() -> None:
            own = Database(database.engine.url.render_as_string(hide_password=False))
            group: GroupCommit[Inbound] = GroupCommit(own, lambda db, items: inbox.receive(db, items, router.handle))
            for turn in range(TURNS):
                people = [person for person in range(PEOPLE) if person % 3 == number]
                await asyncio.gather(*(group.put([press(person, turn, event_id)]) for person in people))
            own.close()

        asyncio.run(receive())

    assert in_threads(3, process) == []
    check(database, event_id)
