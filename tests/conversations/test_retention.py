"""What is kept goes after its time, and only then."""

from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot import clock
from bot.contacts.models import Address, Consent, Contact, Interest, State
from bot.conversations import retention, rights, staff_chats
from bot.conversations.models import StaffChat, Ticket
from bot.messaging.models import InboxMessage, OutboxMessage, Status
from bot.staff.models import AuditEntry, Role, StaffUser
from tests.conversations.conftest import Line


def apply(line: Line) -> int:
    with line.database.begin() as db:
        return retention.apply(db)


def counts(line: Line) -> dict[str, int]:
    with line.database.begin() as db:
        last = db.scalars(select(AuditEntry).where(AuditEntry.action == "retention.applied")).all()[-1]
        return dict(last.detail)


def texts(line: Line) -> tuple[int, int, int]:
    """Return how many inbound payloads and texts, and outbound bodies, are kept."""
    columns = (InboxMessage.payload, InboxMessage.text, OutboxMessage.body)
    with line.database.begin() as db:
        return tuple(db.scalar(select(func.count()).where(column.is_not(None))) or 0 for column in columns)  # type: ignore[return-value]


def test_nothing_goes_before_its_time(frozen: object, member: Line) -> None:
    member.write("hello")
    before = texts(member)
    clock.advance(timedelta(days=29))
    assert apply(member) == 0
    assert texts(member) == before


def test_payloads_go_first_then_texts(frozen: object, member: Line) -> None:
    payloads, kept, bodies = texts(member)
    clock.advance(timedelta(days=31))
    assert apply(member) == payloads
    assert texts(member) == (0, kept, bodies)
    clock.advance(timedelta(days=335))
    assert apply(member) == kept + bodies
    assert texts(member) == (0, 0, 0)
    assert counts(member) == {**asdict(retention.Report(0, 0, 0, 0, 0, 0, 0)), "messages": kept + bodies}
    assert member.contact().state == State.MEMBER


def test_a_message_that_still_waits_keeps_its_text(frozen: object, member: Line) -> None:
    member.write("HELP")
    with member.database.begin() as db:
        row = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
        assert row
        row.status = Status.HELD
    clock.advance(timedelta(days=400))
    apply(member)
    assert texts(member)[2] == 1


def test_closed_tickets_go_and_open_ones_stay(frozen: object, member: Line) -> None:
    member.play("HUMAN", "one", "HUMAN", "two")
    with member.database.begin() as db:
        db.scalars(select(Ticket).order_by(Ticket.id)).all()[0].closed_at = clock.now()
    clock.advance(timedelta(days=366))
    apply(member)
    with member.database.begin() as db:
        assert db.scalars(select(Ticket.text)).all() == ["two"]


def test_what_strangers_asked_goes_soon_after_it_is_settled_and_is_not_kept_long(frozen: object, line: Line) -> None:
    line.play("hello", "1", "no", "HUMAN", "settled", "REPORT", "open")
    with line.database.begin() as db:
        db.scalars(select(Ticket).order_by(Ticket.id)).all()[0].closed_at = clock.now()
    for days, left in ((29, ["settled", "open"]), (2, ["open"]), (60, [])):
        clock.advance(timedelta(days=days))
        apply(line)
        with line.database.begin() as db:
            assert db.scalars(select(Ticket.text).order_by(Ticket.id)).all() == left


def test_strangers_who_fell_silent_are_erased(frozen: object, line: Line) -> None:
    line.play("START", "1")
    clock.advance(timedelta(days=91))
    assert apply(line) == 1
    with line.database.begin() as db:
        assert db.scalars(select(Address)).all() == []


def test_the_chat_of_a_member_of_staff_stays_linked(frozen: object, line: Line) -> None:
    with line.database.begin() as db:
        user = StaffUser(email="a", email_hash="a", name="a", role=Role.APPROVER, active=True, created_at=clock.now())
        db.add(user)
        db.flush()
        code = staff_chats.offer(db, user)
    line.write(code)
    clock.advance(timedelta(days=91))
    assert apply(line) == 0
    with line.database.begin() as db:
        assert len(db.scalars(select(StaffChat)).all()) == 1


def test_a_refusal_is_remembered(frozen: object, line: Line) -> None:
    line.play("START", "1", "no")
    clock.advance(timedelta(days=1000))
    apply(line)
    assert line.contact().state == State.DECLINED


def test_of_who_left_long_ago_only_that_stays(frozen: object, member: Line) -> None:
    member.play("PROFILE", "5", "1", "done", "STOP")
    clock.advance(timedelta(days=731))
    apply(member)
    contact = member.contact()
    assert (contact.state, contact.language, contact.origin, contact.residence) == (State.STOPPED, "en", None, None)
    with member.database.begin() as db:
        for table in (Interest, Consent, InboxMessage):
            assert db.scalars(select(table)).all() == []
    assert counts(member)["left"] == 1
    assert apply(member) == 0
    assert member.write("hello") == member.says("stop.already")


def test_who_asked_to_be_erased_goes_once_the_goodbye_is_out(member: Line) -> None:
    member.play("DELETE", "yes")
    with member.database.begin() as db:
        waiting = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
        assert waiting
        waiting.status = Status.SENDING
        db.flush()
        assert rights.erase_leaving(db) == 0
        waiting.status = Status.DELIVERED
        db.flush()
        assert rights.erase_leaving(db) == 1
        assert db.scalars(select(Address)).all() == []
        assert set(db.scalars(select(OutboxMessage.body))) == {None}


def test_who_left_is_reached_however_many_left_before(
    frozen: object, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 1)
    with line.database.begin() as db:
        for _ in range(2):
            long_ago = clock.now() - timedelta(days=800)
            db.add(Contact(state=State.STOPPED, channel="telegram", created_at=long_ago, joined_at=long_ago))
    assert (apply(line), apply(line), apply(line)) == (1, 1, 0)
