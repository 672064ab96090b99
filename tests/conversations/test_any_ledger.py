"""Whatever one person does in two chats, and staff with their rows: what may be sent is the ledger's latest word."""

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts import importing
from bot.contacts.models import Address, AskedOnce, Consent, Contact, Decision, Purpose, Reach, State
from bot.contacts.sheets import Row
from bot.conversations import inviting, merging
from bot.conversations.router import Router
from bot.db import Database
from bot.messaging import claims, eligibility, outbox
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.messaging.outbox import Message
from bot.staff.models import Role, StaffUser
from tests.conversations.conftest import Line

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
                    merging.merge(db, people[1], people[0], _staff(db))
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


def _staff(db: Session) -> StaffUser:
    """Return whoever joins two chats at the office."""
    found = db.scalars(select(StaffUser)).first()
    if found is None:
        found = StaffUser(email="a", email_hash="a", name="a", role=Role.EDITOR, active=True, created_at=clock.now())
        db.add(found)
        db.flush()
    return found


def may_get(town: Town) -> dict[tuple[int, str], str | None]:
    """Return, by person and purpose, the channel on which a message would go now: delivery takes it, or does not."""
    with town.database.begin() as db:
        people = db.scalars(select(Contact)).all()
        found: dict[tuple[int, str], str | None] = {(one.id, purpose): None for one in people for purpose in Purpose}
        db.execute(update(OutboxMessage).values(status=Status.SENT))
        for purpose in Purpose:
            for one in people:
                once = f"{one.id} {purpose}"
                outbox.queue(db, one, Message("?"), kind="test", priority=Priority.REMINDER, purpose=purpose, once=once)
            for channel in ("telegram", "whatsapp", "telegram"):  # the first may hand over to the other
                for claimed in claims.claim(db, _desk(town, channel), 100):
                    row = db.get_one(OutboxMessage, claimed.message.id)
                    found[row.contact_id, purpose] = channel
                    row.status = Status.SENT
                db.flush()
                db.expire_all()
        db.rollback()
    return found


def _desk(town: Town, channel: str) -> claims.Desk:
    return claims.Desk(
        channel=channel, sender="us", rate=1e6, has_window=False, worker="test", rules=eligibility.Rules(),
        content=town.router.content, renderers={},
    )  # fmt: skip


def words(town: Town) -> tuple[dict[tuple[int, str], str], set[tuple[int, str]]]:
    """Return the latest word by person and purpose, and where each person can be reached."""
    with town.database.begin() as db:
        rows = db.scalars(select(Consent).order_by(Consent.id)).all()
        latest = {(row.contact_id, str(row.purpose)): str(row.decision) for row in rows}
        open_ = db.scalars(select(Address).where(Address.reach == Reach.OPEN)).all()
        return latest, {(row.contact_id, row.channel) for row in open_}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
