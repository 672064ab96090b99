import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Inbound, Media
from bot.contacts import service
from bot.contacts.models import Address, Contact, Reach, State
from bot.db import Database
from bot.grouping import GroupCommit
from bot.messaging import inbox
from bot.messaging.models import Handling, InboxMessage

from .conftest import Office


def said(text: str, external_id: str, address: str = "1001", **fields: object) -> Inbound:
    return Inbound("telegram", "700", external_id, address, "text", text=text, raw={"text": text}, **fields)  # type: ignore[arg-type]


class Listener:
    """Remembers what it handled, or raises what it is told to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.error: Exception | None = None

    def __call__(self, db: Session, contact: Contact, address: Address, inbound: Inbound, id: int) -> None:
        if self.error:
            raise self.error
        contact.state = State.MEMBER
        self.heard.append(inbound.text)


@pytest.fixture
def listener() -> Listener:
    return Listener()


def receive(database: Database, listener: Listener, *inbounds: Inbound) -> int:
    with database.begin() as db:
        return inbox.receive(db, list(inbounds), listener)


def test_a_repeat_is_handled_once_and_an_older_id_that_is_new_is_handled_too(
    database: Database, listener: Listener
) -> None:
    assert receive(database, listener, said("a", "10"), said("a", "10")) == 1
    assert receive(database, listener, said("a", "10"), said("b", "3")) == 1  # update ids start anew after a quiet week
    assert listener.heard == ["a", "b"]


def test_what_makes_handling_fail_is_kept_shown_and_tried_again_a_few_times(
    database: Database, listener: Listener
) -> None:
    receive(database, listener, said("ok", "1"))
    listener.error = ValueError("boom")
    media = (Media("image", "AgAC", "image/jpeg"),)
    assert receive(database, listener, said("poison", "2", media=media, location=(1.5, 2.5)), said("more", "3")) == 2
    with database.begin() as db:
        rows = list(db.scalars(select(InboxMessage).where(InboxMessage.handling == Handling.PARKED)))
        assert [(row.error, row.text) for row in rows] == [("ValueError", "poison"), ("ValueError", "more")]
        assert rows[0].payload["raw"] == {"text": "poison"}
        assert inbox.retry_parked(db, listener) == 0
    listener.error = None
    with database.begin() as db:
        assert inbox.retry_parked(db, listener) == 2
    assert listener.heard == ["ok", "poison", "more"]


def test_one_poisonous_message_among_many_is_parked_alone_and_the_others_are_handled_once(database: Database) -> None:
    def handle(db: Session, contact: Contact, address: Address, inbound: Inbound, id: int) -> None:
        contact.state, contact.source = State.MEMBER, f"{contact.source or ''}{inbound.text}"
        if inbound.text == "!":
            raise ValueError("boom")

    group = [said(text, f"{person}{text}", person) for person in ("1001", "1002", "1003") for text in "ab"]
    group.insert(3, said("!", "poison", "1002"))
    with database.begin() as db:
        assert inbox.receive(db, group, handle) == 7
    with database.begin() as db:
        parked = db.scalars(select(InboxMessage).where(InboxMessage.handling == Handling.PARKED)).one()
        assert (parked.text, parked.error) == ("!", "ValueError")
        assert db.scalars(select(Contact.source).order_by(Contact.id)).all() == ["ab", "ab", "ab"]


def test_a_message_that_never_can_be_handled_is_left_to_staff_after_a_few_times(
    database: Database, listener: Listener
) -> None:
    listener.error = KeyError("x")
    receive(database, listener, said("poison", "2"))
    for _ in range(10):
        with database.begin() as db:
            inbox.retry_parked(db, listener)
    with database.begin() as db:
        assert db.scalars(select(InboxMessage.attempts)).one() == inbox.MAX_ATTEMPTS


def test_a_deadlock_is_nobodys_fault_and_parks_nothing(database: Database, listener: Listener) -> None:
    listener.error = OperationalError("UPDATE", {}, Exception("deadlock detected"))
    with pytest.raises(OperationalError):
        receive(database, listener, said("a", "1"))
    with database.begin() as db:
        assert db.scalars(select(InboxMessage)).all() == []


def test_blocking_and_unblocking_move_the_address(database: Database, listener: Listener) -> None:
    for number, (kind, reach) in enumerate([("blocked", Reach.BLOCKED), ("unblocked", Reach.OPEN)]):
        receive(database, listener, replace(said("", str(number)), kind=kind))  # type: ignore[arg-type]
        with database.begin() as db:
            assert db.scalars(select(Address.reach)).one() == reach


def test_of_a_person_who_did_not_agree_only_the_fact_is_kept(database: Database) -> None:
    with database.begin() as db:
        inbox.receive(db, [said("I live in Durban", "1")], lambda *_: None)
    with database.begin() as db:
        row = db.scalars(select(InboxMessage)).one()
        assert (row.text, row.payload, row.handling) == (None, None, Handling.DONE)


async def test_a_transaction_that_lost_a_race_is_tried_again_and_fails_alone_in_the_end(database: Database) -> None:
    left = {"a": 2, "b": 99}

    def work(db: Session, items: list[str]) -> None:
        for item in items:
            left[item] -= 1
            if left[item] >= 0:
                raise OperationalError("", {}, Exception("deadlock detected"))

    group: GroupCommit[str] = GroupCommit(database, work)
    await group.put(["a"])
    with pytest.raises(OperationalError):
        await group.put(["b"])


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work(0)` to `work(count - 1)` side by side and return what they raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


def test_messages_of_one_person_are_handled_one_at_a_time_by_any_number_of_processes(
    database: Database, office: Office
) -> None:
    with database.begin() as db:
        service.find_or_create(db, "telegram", "700", "1001")
    inside, most = [], []

    def handle(db: Session, contact: Contact, address: Address, inbound: Inbound, id: int) -> None:
        inside.append(id)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.remove(id)

    errors = in_threads(6, lambda number: _receive(database, said("x", str(number)), handle))
    assert errors == []
    assert most == [1] * 6


def _receive(database: Database, inbound: Inbound, handle: inbox.Handler) -> None:
    with database.begin() as db:
        inbox.receive(db, [inbound], handle)


def test_messages_of_many_people_in_opposite_orders_do_not_lock_each_other_out(database: Database) -> None:
    people = [str(1001 + number) for number in range(10)]
    with database.begin() as db:
        for address in people:
            service.find_or_create(db, "telegram", "700", address)

    def work(number: int) -> None:
        for turn in range(5):
            order = people if number % 2 else people[::-1]
            with database.begin() as db:
                inbox.receive(db, [said("x", f"{number}-{turn}-{one}", one) for one in order], lambda *_: None)

    assert in_threads(6, work) == []
    assert clock.now()
