"""Whatever one person does in two chats, and staff with their rows: what may be sent is the ledger's latest word."""

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from bot import clock
from bot.contacts import importing
from bot.contacts.models import Address, AskedOnce, Consent, Contact, Decision, Purpose, Reach, State
from bot.contacts.sheets import Row
from bot.conversations import inviting, merging
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import eligibility
from tests.conversations.conftest import Line
from tests.conversations.test_consent import queued

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NUMBER = "+26650123456"
WORDS = ["STOP", "START", "English", "yes", "yes", "no", "1 3", "PROFILE", "6", "2 4", "hello", "DELETE", "1"]
DEEDS = st.tuples(
    st.integers(0, 1), st.sampled_from([*WORDS, "join", "join", "link", "keep", "merge", "import", "block"])
)


@dataclass
class Town:
    """One person's two chats, and what staff and the provider do."""

    database: Database
    router: Router
    lines: tuple[Line, Line] = field(init=False)

    def __post_init__(self) -> None:
        chats = (("4711", "telegram"), (f"whatsapp:{NUMBER}", "whatsapp"))
        self.lines = tuple(Line(self.database, self.router, *chat) for chat in chats)  # type: ignore[assignment]

    def do(self, which: int, deed: str) -> None:
        line, other = self.lines[which], self.lines[1 - which]
        match deed:
            case "join":
                line.play("START", "English", "yes", "yes", "1", "skip", "Joburg", "skip")
            case "link":
                code = re.search(r"LINK-\d+-[0-9A-F]{8}", other.play("PROFILE", "7"))
                line.write(code[0] if code else "LINK-1-00000000")
            case "keep":
                line.play("STOP", "2")
            case "merge":
                self._merge()
            case "import":
                self._import()
            case "block":
                line.write("", "blocked")
                self._close(line)
            case word:
                line.write(word)

    def _merge(self) -> None:
        with self.database.begin() as db:
            people = db.scalars(select(Contact).order_by(Contact.id)).all()
            if len(people) > 1:
                try:
                    merging.merge(db, people[1], people[0], None)
                except merging.CannotMerge:
                    return

    def _import(self) -> None:
        with self.database.begin() as db:
            verdicts = importing.judge(db, [Row(2, NUMBER, None)], "us", None)
            batch = importing.take(db, verdicts, "us", "the embassy", "1")
            if batch:
                inviting.invite(db, batch)

    def _close(self, line: Line) -> None:
        with self.database.begin() as db:
            for row in db.scalars(select(Address).where(Address.channel == line.channel)):
                row.reach = Reach.BLOCKED


def may_get(town: Town) -> dict[tuple[int, str], str | None]:
    """Return, by person and purpose, the channel on which a message would go now."""
    found: dict[tuple[int, str], str | None] = {}
    with town.database.begin() as db:
        for contact in db.scalars(select(Contact)).all():
            for purpose in Purpose:
                message = queued(contact, purpose)
                facts = eligibility.read_facts(db, [message], clock.now())
                decision = eligibility.decide(message, facts, eligibility.Rules(), clock.now(), has_window=False)
                is_going = isinstance(decision, eligibility.Go)
                found[contact.id, purpose] = decision.address.channel if is_going else None  # type: ignore[union-attr]
    return found


def words(town: Town) -> tuple[dict[tuple[int, str], str], set[tuple[int, str]]]:
    """Return the latest word by person and purpose, and where each person can be reached."""
    with town.database.begin() as db:
        rows = db.scalars(select(Consent).order_by(Consent.id)).all()
        latest = {(row.contact_id, str(row.purpose)): str(row.decision) for row in rows}
        open_ = db.scalars(select(Address).where(Address.reach == Reach.OPEN)).all()
        return latest, {(row.contact_id, row.channel) for row in open_}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEEDS, max_size=8))
def test_what_may_be_sent_is_the_ledgers_latest_word(
    database: Database, router: Router, frozen: object, deeds: list[tuple[int, str]]
) -> None:
    with database.begin() as db:
        db.execute(delete(Contact))
        db.execute(delete(AskedOnce))
    town = Town(database, router)
    for which, deed in deeds:
        town.do(which, deed)
        latest, reachable = words(town)
        for (person, purpose), channel in may_get(town).items():
            agreed = latest.get((person, purpose)) == Decision.GRANTED
            has_chat = any(contact == person for contact, _ in reachable)
            withheld = channel is None and agreed and has_chat
            assert not withheld or _is_leaving(database, person), (deed, purpose)
            assert channel is None or (agreed and (person, channel) in reachable), (deed, purpose)
        if deed == "STOP":
            assert set(_of(database, town.lines[which], may_get(town)).values()) <= {None}


def _is_leaving(database: Database, person: int) -> bool:
    with database.read() as db:
        return db.get_one(Contact, person).state == State.LEAVING


def _of(database: Database, line: Line, found: dict[tuple[int, str], str | None]) -> dict[tuple[int, str], str | None]:
    """Return what concerns the person of a chat."""
    with database.read() as db:
        mine = set(db.scalars(select(Address.contact_id).where(Address.channel == line.channel)))
    return {key: channel for key, channel in found.items() if key[0] in mine}
