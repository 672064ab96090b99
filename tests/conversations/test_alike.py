"""Two rows of one person are noticed once, by hashes; merged, what may be sent is the stricter of both ledgers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from bot import clock
from bot.contacts import consent
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, Decision, Likeness, Purpose, State
from bot.conversations import alike, merging
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import eligibility
from bot.staff.models import Role, StaffUser
from tests.conversations.conftest import Line

WORDS = st.lists(st.tuples(st.booleans(), st.sampled_from(list(Purpose)), st.sampled_from(list(Decision))), max_size=20)
STATES = st.sampled_from([State.INVITED, State.NEW, State.DECLINED, State.MEMBER, State.STOPPED])
PROOF = Proof("w", "h", "en", "telegram", "yes", None)


def join(database: Database, router: Router, address: str, channel: str, name: str = "Palesa Mokoena") -> Line:
    line = Line(database, router, address, channel)
    for said in ("START", "English", "yes", "yes", "1", "skip", "Joburg", "skip"):
        line.write(said, name=name)
    return line


def pairs(database: Database) -> int:
    with database.begin() as db:
        return alike.find(db)


def test_the_same_name_from_and_in_the_same_place_is_noticed_and_kept_apart_for_good(
    database: Database, router: Router
) -> None:
    join(database, router, "4711", "telegram")
    join(database, router, "whatsapp:+26650123456", "whatsapp", "palesa MOKOENA")
    join(database, router, "4713", "telegram", "Thabo Mokoena")
    assert (pairs(database), pairs(database)) == (1, 0)
    with database.begin() as db:
        [(row, one, other)] = alike.waiting(db, 10)
        assert row.kind == "person"
        user = StaffUser(email="a@example.org", name="A", role=Role.EDITOR, created_at=clock.now())
        user.id = 7
        alike.keep_apart(db, other, one, user)
    assert pairs(database) == 0
    with database.begin() as db:
        assert alike.waiting(db, 10) == []


def test_a_number_shared_in_one_chat_is_known_in_the_other(database: Database, router: Router) -> None:
    line = join(database, router, "4711", "telegram", "P")
    join(database, router, "whatsapp:+26650123456", "whatsapp", "Q")
    assert line.write("26650123456", "contact") == line.router.content.catalogue.text("link_chat.number_noted", "en")
    assert pairs(database) == 1
    with database.begin() as db:
        assert db.scalars(select(Likeness.kind)).one() == "number"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS, one=STATES, other=STATES)
def test_what_may_be_sent_after_a_merge_is_the_stricter_of_both_ledgers(
    database: Database, words: list[tuple[bool, Purpose, Decision]], one: State, other: State
) -> None:
    with database.begin() as db:
        db.execute(delete(Contact))
        both = [Contact(channel="telegram", state=state, created_at=clock.now()) for state in (one, other)]
        db.add_all(both)
        db.flush()
        latest: list[dict[Purpose, Decision]] = [{}, {}]
        for first, purpose, decision in words:
            consent.record(db, both[not first], [purpose], decision, PROOF)
            latest[not first][purpose] = decision
        merging.merge(db, both[0], both[1], None)
        held = consent.granted_purposes(db, both[1])
        for purpose in Purpose:
            said = [ledger[purpose] for ledger in latest if purpose in ledger]
            strict = bool(said) and all(decision == Decision.GRANTED for decision in said)
            assert (purpose in held) == strict
            may = eligibility.exclusion(both[1].state, purpose, purpose in held) is None
            no = {one, other} & {State.STOPPED, State.DECLINED}
            assert may == (strict and not no and State.MEMBER in (one, other))
