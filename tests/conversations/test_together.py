"""What comes in one transaction is handled as if each message had come by itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Inbound
from bot.contacts.models import Contact, State
from bot.conversations import linking
from bot.conversations.router import Router
from bot.db import Database
from bot.events import service as events
from bot.events.models import Rsvp, Standing
from bot.messaging import inbox
from bot.messaging.models import Handling, InboxMessage, OutboxMessage
from bot.messaging.outbox import Message
from bot.surveys import service as surveys
from bot.surveys.inviting import BEGIN
from bot.surveys.models import Disposition, Run
from tests.conversations.conftest import Line

#: No words twice in a row: those count once as long as the answer has not left.
JOINING = ("START", "English", "yes", "oui", "1", "skip", "Joburg", "skip")


def receive(database: Database, router: Router, *inbounds: Inbound) -> list[str]:
    """Hand all on at once; return what was answered, in order."""
    with database.begin() as db:
        before = set(db.scalars(select(OutboxMessage.id)))
        assert inbox.receive(db, inbounds, router.handle, router.prepare) == len(inbounds)
    with database.begin() as db:
        assert set(db.scalars(select(InboxMessage.handling))) == {Handling.DONE}
        rows = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [Message.from_json(row.body).text for row in rows if row.id not in before]


def said(person: str, text: str, number: int, channel: str = "telegram") -> Inbound:
    return Inbound(channel, "us", f"together-{person}-{number}", person, "text", text=text)


def test_several_people_join_in_one_transaction_as_they_would_one_by_one(database: Database, router: Router) -> None:
    people = ("1", "2", "3")
    words = [*JOINING, "PROFILE", "MENU"]
    group = [said(person, text, number) for number, text in enumerate(words) for person in people]
    answers = receive(database, router, *group)
    alone = Line(database, router, "4")
    expected = [message.text for text in words for message in (alone.write(text), alone.answers)[1]]
    assert sorted(answers) == sorted(expected * len(people))
    with database.begin() as db:
        contacts = db.scalars(select(Contact)).all()
        assert {(one.state, one.origin, one.city, one.zone) for one in contacts} == {
            (State.MEMBER, "LS", "Johannesburg", "Africa/Johannesburg")
        }


def test_somebody_whose_chats_become_one_goes_on_in_the_same_transaction(database: Database, router: Router) -> None:
    other = Line(database, router, "whatsapp:+26650123456", "whatsapp")
    other.join()
    done, menu = other.says("link_chat.done"), other.says("menu.text")
    with database.begin() as db:
        code = linking.code(db.scalars(select(Contact)).one())
    answers = receive(database, router, said("1", code, 1), said("1", "MENU", 2))
    assert answers[0].startswith(done)
    with database.begin() as db:
        assert db.scalars(select(Contact.state)).all() == [State.MEMBER]
        rows = db.scalars(select(InboxMessage.contact_id).where(InboxMessage.channel == "telegram"))
        assert set(rows) == set(db.scalars(select(Contact.id)))
    assert answers[-1].startswith(menu)


#: Two open surveys, of each of which one answer is wanted, and a session with one place.
FORM = (
    "| survey |\n| | type | name | label |\n| | select_one g | who | Who? |\n"
    "| choices |\n| | list_name | name | label |\n| | g | woman | Woman |\n"
    "| settings |\n| | form_title | form_id | version |\n| | {name} | {name} | 1 |\n"
)


def _offer_places(db: Session) -> tuple[int, int, int]:
    found = [surveys.publish(db, FORM.format(name=name).encode(), f"{name}.md") for name in ("one", "other")]
    for survey in found:
        survey.quotas = {"who=woman": 1}
    tomorrow = clock.now().replace(tzinfo=None, day=clock.now().day + 1)
    event = events.create(
        db, title={"en": "Saving"}, starts_local=tomorrow, zone="UTC", minutes=60, created_by="1", capacity=1
    )
    events.publish(db, event)
    return found[0].id, found[1].id, event.id


def _press(person: str, button: str) -> Inbound:
    return Inbound("telegram", "us", f"press-{person}-{button}", person, "button", button=button)


def test_two_transactions_that_take_the_same_last_places_in_different_order_do_not_wait_for_each_other(
    database: Database, router: Router, frozen: datetime
) -> None:
    with database.begin() as db:
        one, other, event = _offer_places(db)
    for person in "123456":
        receive(database, router, *(said(person, text, number) for number, text in enumerate(JOINING)))
    for person, survey in zip("1246", (one, other, other, one), strict=True):
        receive(database, router, _press(person, f"sv:{survey}:{BEGIN}"), said(person, "Woman", 20))
    there = threading.Barrier(2)

    def crossing(db: Session, *message: Any) -> None:
        router.handle(db, *message)
        with suppress(threading.BrokenBarrierError):  # where the second waits for the first, they never meet
            there.wait(0.3)

    rsvp = f"rsvp:{event}:yes"
    batches = (
        [said("1", "yes", 30), said("2", "yes", 30), _press("3", rsvp)],
        [_press("5", rsvp), said("4", "yes", 30), said("6", "yes", 30)],
    )

    def handle(batch: list[Inbound]) -> None:
        with database.begin() as db:
            inbox.receive(db, batch, crossing, router.prepare)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(handle, batches))
    with database.read() as db:
        ended = [Disposition.COMPLETED] * 2 + [Disposition.QUOTA_FULL] * 2
        assert sorted(db.scalars(select(Run.disposition))) == ended
        assert sorted(db.scalars(select(Rsvp.standing))) == [Standing.CONFIRMED, Standing.WAITING]
