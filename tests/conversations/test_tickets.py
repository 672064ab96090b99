"""Questions of members, answered or closed by staff, once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Reach
from bot.conversations import tickets
from bot.conversations.models import Ticket, TicketKind
from bot.messaging.models import OutboxMessage
from bot.messaging.outbox import Message
from bot.staff.models import AuditEntry, Role, StaffUser
from tests.conversations.conftest import Line


@pytest.fixture
def db(member: Line) -> Iterator[Session]:
    """A transaction in which a member has asked something."""
    member.play("HUMAN", "Where can I vote?")
    with member.database.begin() as opened:
        yield opened


@pytest.fixture
def agent(db: Session) -> StaffUser:
    user = StaffUser(email="a", email_hash="a", name="a", role=Role.AGENT, active=True, created_at=clock.now())
    db.add(user)
    db.flush()
    return user


def test_an_answer_goes_to_the_chat_and_closes_the_ticket(db: Session, agent: StaffUser) -> None:
    (waiting,) = tickets.waiting(db, 10)
    assert (waiting.ticket.kind, waiting.ticket.text) == (TicketKind.HUMAN, "Where can I vote?")
    assert waiting.address is not None
    row = tickets.reply(db, waiting.ticket, "At the embassy.", agent)
    assert (Message.from_json(row.body).text, row.address_id) == ("At the embassy.", waiting.address.id)
    assert tickets.waiting(db, 10) == []
    entry = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor, entry.detail) == ("ticket.replied", str(agent.id), {"outbox": row.id})


def test_two_colleagues_do_not_both_answer(db: Session, agent: StaffUser) -> None:
    ticket = db.scalars(select(Ticket)).one()
    tickets.close(db, ticket, agent)
    for again in (lambda: tickets.reply(db, ticket, "Late.", agent), lambda: tickets.close(db, ticket, agent)):
        with pytest.raises(tickets.ClosedAlready):
            again()
    assert "Late." not in [Message.from_json(row).text for row in db.scalars(select(OutboxMessage.body))]


def test_who_cannot_be_reached_is_not_answered(db: Session, agent: StaffUser) -> None:
    db.scalars(select(Address)).one().reach = Reach.BLOCKED
    (waiting,) = tickets.waiting(db, 10)
    assert waiting.address is None
    with pytest.raises(tickets.NoAddress):
        tickets.reply(db, waiting.ticket, "Hello?", agent)
    assert waiting.ticket.closed_at is None


def test_the_oldest_question_comes_first_and_the_list_ends(member: Line) -> None:
    for number in range(3):
        member.play("HUMAN" if number else "REPORT", f"number {number}")
    with member.database.begin() as db:
        assert [one.ticket.text for one in tickets.waiting(db, 2)] == ["number 0", "number 1"]
