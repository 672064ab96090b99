"""Questions of members, answered or closed by staff, once."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Reach
from bot.conversations import ready_answers, threads
from bot.conversations.models import ReadyAnswer, Ticket, TicketKind, TicketMessage
from bot.conversations.router import Router
from bot.conversations.threads import Filter
from bot.messaging.models import OutboxMessage, Status
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
    return staff(db)


def staff(db: Session) -> StaffUser:
    user = StaffUser(email="a", email_hash="a", name="a", role=Role.AGENT, active=True, created_at=clock.now())
    db.add(user)
    db.flush()
    return user


def waiting(db: Session, agent: StaffUser, **chosen: str) -> list[Ticket]:
    return [ticket for ticket, _, _ in threads.find(db, Filter(**chosen), agent)]


def test_an_answer_goes_to_the_chat_and_closes_the_thread(db: Session, agent: StaffUser) -> None:
    (ticket,) = waiting(db, agent)
    assert (ticket.kind, ticket.text) == (TicketKind.HUMAN, "Where can I vote?")
    row = threads.reply(db, ticket, "At the embassy.", agent)
    assert (Message.from_json(row.body).text, row.address_id) == ("At the embassy.", db.scalar(select(Address.id)))
    assert row.expires_at is not None
    assert row.expires_at - clock.now() > timedelta(days=29), "a person's answer outlives a window that is closed"
    assert waiting(db, agent) == []
    assert waiting(db, agent, show="closed") == [ticket]
    entry = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor, entry.detail) == ("ticket.replied", str(agent.id), {"outbox": row.id})


def test_two_colleagues_do_not_both_answer(db: Session, agent: StaffUser, router: Router) -> None:
    ticket = db.scalars(select(Ticket)).one()
    threads.close(db, router.content, ticket, agent)
    for again in (
        lambda: threads.reply(db, ticket, "Late.", agent),
        lambda: threads.close(db, router.content, ticket, agent),
    ):
        with pytest.raises(threads.ClosedAlready):
            again()
    assert "Late." not in [Message.from_json(row).text for row in db.scalars(select(OutboxMessage.body))]


def test_who_cannot_be_reached_is_not_answered(db: Session, agent: StaffUser) -> None:
    db.scalars(select(Address)).one().reach = Reach.BLOCKED
    (ticket,) = waiting(db, agent)
    with pytest.raises(threads.NoAddress):
        threads.reply(db, ticket, "Hello?", agent)
    assert ticket.closed_at is None


@pytest.mark.parametrize("joined", [True, False])
def test_stop_ends_the_answers_to_what_was_asked_before_it_and_not_to_what_is_asked_after(
    line: Line, joined: bool
) -> None:
    if joined:
        line.join()
    line.play("HUMAN", "one", "HUMAN", "two")
    with line.database.begin() as db:
        user = staff(db)
        (first, _) = waiting(db, user)
        threads.reply(db, first, "This waits for the person to write.", user).status = Status.HELD
    line.play("STOP", "HUMAN", "three")
    with line.database.begin() as db:
        user = db.scalars(select(StaffUser)).one()
        second, third = waiting(db, user)
        assert [row.reason for row in db.scalars(select(OutboxMessage).where(OutboxMessage.status == "cancelled"))] == [
            "stopped"
        ]
        with pytest.raises(threads.NoAddress):
            threads.reply(db, second, "Hello?", user)
        assert threads.reply(db, third, "Here you are.", user).status == Status.QUEUED


def test_the_oldest_question_comes_first_and_the_list_ends(member: Line, frozen: datetime) -> None:
    for number in range(3):
        member.play("HUMAN" if number else "REPORT", f"number {number}")
        clock.advance(timedelta(hours=1))
    with member.database.begin() as db:
        user = staff(db)
        first = [ticket for ticket, _, _ in threads.find(db, Filter(), user, limit=2)]
        assert [ticket.text for ticket in first] == ["number 0", "number 1"]
        (last,) = threads.find(db, Filter(), user, after=first[-1].id, limit=2)
        assert last[0].text == "number 2"
        assert [ticket.text for ticket in waiting(db, user, kind="report")] == ["number 0"]
        threads.reply(db, first[0], "Yes.", user)
        threads.assign(db, first[1], user, user)
        assert waiting(db, user, whose="mine") == [first[1]]
        assert waiting(db, user, whose="nobody") == [last[0]]
        assert waiting(db, user, language="fr") == waiting(db, user, channel="whatsapp") == []
        found = threads.figures(db)
        assert (found.waiting, found.oldest, found.median) == ({"human": 2}, first[1].opened_at, timedelta(hours=3))


def test_what_the_bot_cannot_read_is_kept_in_one_thread_and_goes_on_with_a_question_that_is_open(member: Line) -> None:
    assert member.says("unknown.text") in member.play("where is the money", "and when?")
    with member.database.begin() as db:
        user = staff(db)
        assert waiting(db, user) == []  # of itself nobody waits for an answer
        (ticket,) = waiting(db, user, kind="unknown")
        assert [ticket.text, *(said.text for said, _, _ in threads.messages(db, ticket))] == [
            "where is the money",
            "and when?",
        ]
    member.play("HUMAN", "Where can I vote?")
    assert member.write("I live in Joburg") == member.says("human.added")


def test_staff_have_the_chat_until_they_hand_it_back_and_stop_still_stops(
    member: Line, frozen: datetime, router: Router
) -> None:
    member.play("HUMAN", "Where can I vote?")
    with member.database.begin() as db:
        user = staff(db)
        ticket = db.scalars(select(Ticket)).one()
        threads.reply(db, ticket, "Where do you live?", user, stay=True)
    assert member.play("In Joburg", "yes") == ""
    assert member.says("menu.text") in member.write("MENU")
    with member.database.begin() as db:
        ticket = db.scalars(select(Ticket)).one()
        said = [message.text for message in db.scalars(select(TicketMessage).order_by(TicketMessage.id))]
        assert said == ["Where do you live?", "In Joburg", "yes"]
        threads.close(db, router.content, ticket, db.scalars(select(StaffUser)).one())
        last = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
        assert last is not None
        handed_back = Message.from_json(last.body).text
    assert handed_back.startswith(member.says("human.handed_back"))
    assert member.write("Thank you").startswith(member.says("human.added"))  # it is open again
    with member.database.begin() as db:
        (ticket,) = db.scalars(select(Ticket))
        assert (ticket.closed_at, ticket.held_until) == (None, None)
        threads.reply(db, ticket, "Gladly.", db.scalars(select(StaffUser)).one(), stay=True)
    assert member.says("stop.confirmed") in member.write("STOP")
    clock.advance(timedelta(hours=25))
    member.play("START", "yes", "yes")
    assert member.write("hello?") != ""  # nobody has had the chat for a day


def test_a_ready_answer_comes_in_the_nearest_language(db: Session, agent: StaffUser) -> None:
    texts = {"en": "At the embassy.", "fr": "À l’ambassade."}
    answer = ready_answers.save(db, None, "Voting", texts, agent)
    assert [ready_answers.text_for(answer, code) for code in ("fr", "mfe", "st", None)] == [
        ("fr", texts["fr"]),
        ("fr", texts["fr"]),
        ("en", texts["en"]),
        ("en", texts["en"]),
    ]
    with pytest.raises(ready_answers.TitleTaken):
        ready_answers.save(db, None, "Voting", texts, agent)
    ready_answers.save(db, answer, "Voting", {"ny": "Ku kazembe."}, agent)
    assert ready_answers.text_for(answer, "fr") == ("ny", "Ku kazembe.")
    ready_answers.remove(db, answer, agent)
    assert db.scalars(select(ReadyAnswer)).all() == []
