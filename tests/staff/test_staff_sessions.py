"""Signing in and out of the console."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from bot import clock
from bot.db import Database
from bot.staff import service, sessions
from bot.staff.models import StaffSession
from bot.staff.sessions import FREE_TRIES, Denied, SignedIn
from tests.staff.conftest import PASSWORD, AddUser

EMAIL = "thato@example.org"


def sign_in(database: Database, email: str = EMAIL, password: str = PASSWORD) -> SignedIn | Denied:
    with database.begin() as db:
        return sessions.sign_in(db, email, password)


@pytest.fixture
def signed_in(database: Database, add_user: AddUser, frozen: datetime) -> SignedIn:
    with database.begin() as db:
        add_user(db)
    result = sign_in(database)
    assert isinstance(result, SignedIn)
    return result


def test_the_right_password_opens_a_session_that_only_its_token_finds(database: Database, signed_in: SignedIn) -> None:
    with database.read() as db:
        found = sessions.find_session(db, signed_in.token)
        assert found is not None
        assert found.user.name == "Thato"
        assert found.csrf_token == signed_in.session.csrf_token
        assert sessions.find_session(db, signed_in.token + "x") is None
        assert sessions.find_session(db, found.token_hash) is None


def test_an_address_is_found_however_it_is_typed(database: Database, signed_in: SignedIn) -> None:
    assert isinstance(sign_in(database, " Thato@Example.ORG "), SignedIn)


def test_neither_password_nor_token_nor_address_is_stored_readably(database: Database, signed_in: SignedIn) -> None:
    with database.engine.connect() as connection:
        rows = [
            str(tuple(row))
            for table in ("staff_user", "staff_session", "audit_entry", "sign_in_failures")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    stored = " ".join(rows)
    assert rows
    for secret in (PASSWORD, signed_in.token, EMAIL, "Thato"):
        assert secret not in stored


def test_a_wrong_password_and_an_unknown_address_are_refused_alike(database: Database, signed_in: SignedIn) -> None:
    assert sign_in(database, password="wrong") == sign_in(database, email="nobody@example.org") == Denied()


def test_after_some_failures_even_the_right_password_waits(database: Database, signed_in: SignedIn) -> None:
    denied = [sign_in(database, password="wrong") for _ in range(FREE_TRIES)][-1]
    assert denied == Denied(clock.now() + sessions.FIRST_WAIT)
    assert sign_in(database) == denied
    clock.advance(sessions.FIRST_WAIT)
    assert isinstance(sign_in(database), SignedIn)
    assert sign_in(database, password="wrong") == Denied(), "a success forgets the failures"


def test_an_unknown_address_is_throttled_too_so_that_waiting_tells_nothing(
    database: Database, frozen: datetime
) -> None:
    results = [sign_in(database, email="nobody@example.org") for _ in range(FREE_TRIES)]
    assert results[-1] == Denied(frozen + sessions.FIRST_WAIT)


def test_waiting_grows_and_ends_somewhere(database: Database, signed_in: SignedIn) -> None:
    waits = []
    for _ in range(FREE_TRIES + 8):
        denied = sign_in(database, password="wrong")
        assert isinstance(denied, Denied)
        if denied.wait_until:
            waits.append(denied.wait_until - clock.now())
            clock.move_to(denied.wait_until)
    assert waits[1] == 2 * waits[0]
    assert waits[-1] == sessions.LONGEST_WAIT


def test_tries_at_the_same_time_are_all_counted(database: Database, signed_in: SignedIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: sign_in(database, password="wrong"), range(8)))
    assert all(isinstance(result, Denied) for result in results)
    assert isinstance(sign_in(database), Denied)


def test_signing_out_ends_this_session_and_no_other(database: Database, signed_in: SignedIn) -> None:
    other = sign_in(database)
    assert isinstance(other, SignedIn)
    with database.begin() as db:
        sessions.sign_out(db, signed_in.session)
    with database.read() as db:
        assert sessions.find_session(db, signed_in.token) is None
        assert sessions.find_session(db, other.token) is not None


def test_a_session_ends_when_idle_and_when_old(database: Database, signed_in: SignedIn) -> None:
    for _ in range(11):
        clock.advance(timedelta(hours=1))
        with database.begin() as db:
            assert sessions.find_session(db, signed_in.token) is not None
            sessions.touch(db, signed_in.session.id)
    clock.advance(timedelta(hours=1))
    with database.begin() as db:
        assert sessions.find_session(db, signed_in.token) is None, "twelve hours are over"
        assert sessions.close_old(db) == 1
    idle = sign_in(database)
    assert isinstance(idle, SignedIn)
    clock.advance(sessions.IDLE)
    with database.begin() as db:
        assert sessions.find_session(db, idle.token) is None
        assert sessions.close_old(db) == 1


def test_closing_a_user_ends_every_session_and_no_new_one_opens(database: Database, signed_in: SignedIn) -> None:
    with database.begin() as db:
        user = service.find(db, EMAIL)
        assert user is not None
        service.set_active(db, user, False, by=None)
        assert db.query(StaffSession).count() == 0
    assert isinstance(sign_in(database), Denied)
