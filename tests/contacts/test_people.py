"""People and their addresses: found again, never doubled, encrypted at rest."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from bot.contacts import service
from bot.contacts.models import Address, Contact, Reach, State
from bot.db import Database

NUMBER = "whatsapp:+26650123456"


def test_a_person_is_found_again_by_channel_sender_and_address(database: Database) -> None:
    with database.begin() as db:
        contact, address = service.find_or_create(db, "whatsapp", "us", NUMBER)
        assert (contact.state, contact.channel, address.reach) == (State.NEW, "whatsapp", Reach.OPEN)
    with database.begin() as db:
        again, same = service.find_or_create(db, "whatsapp", "us", NUMBER)
        assert (again.id, same.id, same.value) == (contact.id, address.id, NUMBER)
        other, _ = service.find_or_create(db, "whatsapp", "our other number", NUMBER)
        assert other.id != contact.id


def test_two_first_messages_at_once_make_one_person(database: Database) -> None:
    created, second = threading.Event(), threading.Event()

    def first() -> int:
        with database.begin() as db:
            contact, _ = service.find_or_create(db, "telegram", "us", "4711")
            created.set()
            second.wait(0.3)  # by now the other stands before the same address
            return contact.id

    def other() -> int:
        created.wait(5)
        with database.begin() as db:
            return service.find_or_create(db, "telegram", "us", "4711")[0].id

    with ThreadPoolExecutor(2) as pool:
        ids = {future.result(timeout=10) for future in (pool.submit(first), pool.submit(other))}
    assert len(ids) == 1
    with database.begin() as db:
        assert db.scalar(select(func.count()).select_from(Contact)) == 1
        assert db.scalar(select(func.count()).select_from(Address)) == 1


def test_an_address_can_be_read_with_the_key_only(database: Database) -> None:
    with database.begin() as db:
        service.find_or_create(db, "whatsapp", "us", NUMBER)
    with database.begin() as db:
        ((value, digest),) = db.execute(text("SELECT value, value_hash FROM address")).all()
    assert b"50123456" not in bytes(value)
    assert "50123456" not in digest
    assert len(digest) == 64


def test_interests_are_replaced_and_counted_once(database: Database) -> None:
    with database.begin() as db:
        contact, _ = service.find_or_create(db, "telegram", "us", "4711")
        service.set_interests(db, contact, ["bonds", "savings", "bonds"])
        assert service.interests(db, contact) == ["bonds", "savings"]
        service.set_interests(db, contact, ["skills"])
        assert service.interests(db, contact) == ["skills"]


@pytest.mark.parametrize(("zone", "name"), [(None, service.HOME_ZONE), ("Europe/London", "Europe/London")])
def test_a_person_without_a_zone_lives_by_the_projects(zone: str | None, name: str) -> None:
    assert service.zone_of(Contact(zone=zone)).key == name


def test_reach_is_noted_for_the_one_address(database: Database) -> None:
    with database.begin() as db:
        _, one = service.find_or_create(db, "telegram", "us", "1")
        _, other = service.find_or_create(db, "telegram", "us", "2")
        service.set_reach(db, one.id, Reach.BLOCKED)
    with database.begin() as db:
        reach = dict(db.execute(select(Address.id, Address.reach)).all())  # type: ignore[arg-type]
    assert reach == {one.id: Reach.BLOCKED, other.id: Reach.OPEN}
