"""Runs over days: reminders, the end of patience, leaving and coming back, new versions of a form."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.channels.base import Inbound
from bot.contacts.models import Contact, Interest
from bot.content import Content
from bot.db import Database
from bot.messaging.models import OutboxMessage
from bot.messaging.outbox import Message
from bot.surveys import service
from bot.surveys.form import FormError
from bot.surveys.models import Disposition, Missing, Status, Survey
from tests.surveys.chat import Chat

HOUR = timedelta(hours=1)


def form(version: int = 1, extra: str = "", form_id: str = "short") -> bytes:
    return (
        "| survey |\n| | type | name | label |\n| | text | a | First? |\n| | text | b | Second? |\n"
        f"{extra}| settings |\n| | form_title | form_id | version |\n| | A short one | {form_id} | {version} |\n"
    ).encode()


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def chat(database: Database, content: Content, frozen: object) -> Chat:
    chat = Chat(database, content)
    chat.begin(chat.publish(form(), "short.md"))
    return chat


def nudge(chat: Chat) -> int:
    with chat.database.begin() as db:
        return service.queue_due_nudges(db, chat.content, clock.now())


def queued(chat: Chat) -> list[Message]:
    with chat.database.begin() as db:
        return [Message.from_json(row.body) for row in db.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]


def expire(chat: Chat) -> int:
    with chat.database.begin() as db:
        return service.expire(db, clock.now())


def test_silence_is_broken_twice_and_no_more(chat: Chat) -> None:
    chat.say("one")
    clock.advance(23 * HOUR)
    assert nudge(chat) == 0
    clock.advance(1 * HOUR)
    assert nudge(chat) == 1
    assert nudge(chat) == 0
    clock.advance(48 * HOUR)
    assert nudge(chat) == 1
    clock.advance(200 * HOUR)
    assert nudge(chat) == 0
    assert len(queued(chat)) == 2


def test_where_no_reminder_is_set_nobody_is_reminded(chat: Chat) -> None:
    chat.say("one")
    clock.advance(100 * HOUR)
    with chat.database.begin() as db:
        assert service.queue_due_nudges(db, chat.content, clock.now(), ()) == 0


def test_a_reminder_repeats_the_open_question_and_carries_the_template(chat: Chat) -> None:
    chat.say("one")
    clock.advance(25 * HOUR)
    nudge(chat)
    message = queued(chat)[0]
    assert "You began the survey “A short one”. One question is left" in message.text
    assert "Second?" in message.text
    assert [button.label for button in message.buttons] == ["Skip"]
    assert (message.template, message.variables) == ("survey_continue", {"title": "A short one"})
    run_id = chat.run().id
    with chat.database.begin() as db:
        row = db.scalars(select(OutboxMessage)).one()
        assert (row.kind, row.purpose, row.ref) == ("nudge", "surveys", run_id)


def test_a_reminder_of_a_paused_survey_opens_its_question_again(chat: Chat) -> None:
    chat.say("one")
    chat.say("PAUSE")
    assert chat.run().paused
    clock.advance(25 * HOUR)
    assert nudge(chat) == 1
    chat.say("two")
    assert chat.values() == {"a": "one", "b": "two"}


def test_nobody_is_reminded_of_a_second_survey_while_one_is_open(chat: Chat) -> None:
    first = chat.run().id
    chat.say("one")
    chat.begin(chat.publish(form(1, "", "other"), "other.md"))
    chat.say("uno")
    clock.advance(25 * HOUR)
    assert nudge(chat) == 1
    assert nudge(chat) == 0
    chat.say("PAUSE")
    clock.advance(73 * HOUR)
    assert nudge(chat) == 1
    with chat.database.begin() as db:
        refs = db.scalars(select(OutboxMessage.ref).order_by(OutboxMessage.id)).all()
    assert refs == [chat.run().id] * 2
    chat.say("dos")
    chat.say("yes")
    assert nudge(chat) == 1
    with chat.database.begin() as db:
        assert db.scalars(select(OutboxMessage.ref).order_by(OutboxMessage.id)).all()[-1] == first


def test_an_answer_starts_the_silence_anew(chat: Chat) -> None:
    clock.advance(20 * HOUR)
    chat.say("one")
    clock.advance(20 * HOUR)
    assert nudge(chat) == 0


def test_nobody_is_reminded_of_what_is_closed_or_over(chat: Chat) -> None:
    with chat.database.begin() as db:
        service.close(db, db.scalars(select(Survey)).one())
    clock.advance(25 * HOUR)
    assert nudge(chat) == 0


def test_a_silent_run_expires_and_keeps_its_answers(chat: Chat) -> None:
    chat.say("one")
    clock.advance(timedelta(days=13))
    assert expire(chat) == 0
    clock.advance(timedelta(days=1))
    assert expire(chat) == 1
    assert expire(chat) == 0
    assert chat.run().disposition == Disposition.EXPIRED
    missing = {row.name: (row.missing, row.relevant) for row in chat.answers()}
    assert missing == {"a": (None, True), "b": (Missing.TIMED_OUT, True)}


def test_who_comes_back_after_that_goes_on(chat: Chat) -> None:
    chat.say("one")
    clock.advance(timedelta(days=20))
    expire(chat)
    assert "Second?" in chat.offer()
    chat.say("two")
    chat.say("yes")
    assert chat.values() == {"a": "one", "b": "two"}
    assert chat.run().disposition == Disposition.COMPLETED


def test_a_button_of_a_survey_that_expired_still_answers_as_long_as_it_is_open(chat: Chat) -> None:
    chat.say("one")
    skip = chat.button("Skip")
    clock.advance(timedelta(days=20))
    expire(chat)
    with chat.database.begin() as db:
        db.scalars(select(Survey)).one().closes_at = clock.now() + HOUR
    assert "First? → one" in chat.press(skip)
    assert chat.run().disposition == Disposition.PARTIAL
    clock.advance(2 * HOUR)
    expire(chat)
    assert "This survey is closed" in chat.press(skip)


def test_a_survey_that_closes_ends_its_runs(chat: Chat) -> None:
    with chat.database.begin() as db:
        db.scalars(select(Survey)).one().closes_at = clock.now() + HOUR
    clock.advance(2 * HOUR)
    assert "This survey is closed" in chat.begin(1)
    assert expire(chat) == 1
    assert "no survey for you" in chat.offer()


def test_leaving_ends_the_run_until_the_person_returns(chat: Chat) -> None:
    chat.say("one")
    with chat.database.begin() as db:
        contact = db.get_one(Contact, chat.contact_id)
        assert service.withdraw(db, contact) == 1
        assert service.open_run(db, contact) is None
    assert chat.run().disposition == Disposition.WITHDRAWN
    clock.advance(30 * HOUR)
    assert nudge(chat) == 0
    assert "Second?" in chat.offer()
    assert chat.run().disposition == Disposition.PARTIAL


def test_dispositions_tell_who_answered_something(chat: Chat) -> None:
    assert chat.run().disposition == Disposition.STARTED
    chat.say("one")
    assert chat.run().disposition == Disposition.PARTIAL
    with chat.database.begin() as db:
        assert service.count_runs(db, db.get_one(Contact, chat.contact_id)) == 1


def test_the_same_file_twice_is_the_same_survey(chat: Chat) -> None:
    assert chat.publish(form(), "again.md") == chat.run().survey_id


def test_a_published_version_cannot_be_replaced(chat: Chat) -> None:
    with pytest.raises(FormError, match="settings, row 2, column version: this version is uploaded already"):
        chat.publish(form(1, "| | text | c | Third? |\n"), "short.md")


def test_a_run_ends_on_the_version_it_began(chat: Chat, content: Content) -> None:
    chat.say("one")
    newer = chat.publish(form(2, "| | text | c | Third? |\n"), "short.md")
    assert "Second?" in chat.begin(newer)
    assert "These are your answers" in chat.say("two")
    chat.say("yes")
    assert "already answered" in chat.begin(newer)
    other = Chat(chat.database, content)
    other.offer()
    other.say("1")
    assert "Third?" in other.say("2")


def test_one_survey_at_a_time(chat: Chat) -> None:
    first = chat.run().id
    other = chat.publish(form(1, "", "other"), "other.md")
    chat.begin(other)
    chat.say("one")
    assert chat.run().id != first
    chat.say("two")
    chat.say("yes")
    assert "We continue" in chat.offer()
    chat.say("mine")
    chat.say("skip")
    chat.say("yes")
    assert "already answered" in chat.offer()


def test_a_draft_is_offered_to_nobody(database: Database, content: Content, frozen: object) -> None:
    chat = Chat(database, content)
    with database.begin() as db:
        draft = service.upload(db, form(), "short.md")
        assert draft.status == Status.DRAFT
        draft_id = draft.id
    assert "no survey for you" in chat.offer()
    assert "This survey is closed" in chat.begin(draft_id)
    assert chat.publish(form(), "short.md") == draft_id
    assert "First?" in chat.offer()


def test_a_broken_file_is_refused(database: Database, content: Content) -> None:
    with pytest.raises(FormError):
        Chat(database, content).publish(b"not a form", "x.xlsx")


def test_attached_lists_come_with_the_form(database: Database, content: Content, frozen: object) -> None:
    data = (
        "| survey |\n| | type | name | label |\n| | select_one_from_file towns.csv | town | Which town? |\n"
        "| settings |\n| | form_title | form_id | version |\n| | Towns | towns | 1 |\n"
    )
    chat = Chat(database, content)
    with database.begin() as db:
        survey = service.publish(db, data.encode(), "t.md", {"towns.csv": b"name,label\nms,Maseru\nmf,Mafeteng\n"})
        survey_id = survey.id
    chat.begin(survey_id)
    assert chat.labels() == ["Maseru", "Mafeteng", "Skip"]
    chat.tap("Mafeteng")
    assert chat.values() == {"town": "mf"}


def test_answers_can_be_saved_to_the_profile(database: Database, content: Content, frozen: object) -> None:
    data = (
        "| survey |\n| | type | name | label | save_to |\n| | text | home | Where from? | origin |\n"
        "| | text | where | Which country? | residence |\n| | text | likes | Interests? | interests |\n"
        "| | text | tongue | Language? | language |\n"
        "| entities |\n| | list_name | label |\n| | contacts | ${home} |\n"
        "| settings |\n| | form_title | form_id | version |\n| | Profile | profile | 1 |\n"
    )
    chat = Chat(database, content)
    chat.begin(chat.publish(data.encode(), "p.md"))
    for word in ("LS", "a country with a long name", "savings bonds", "fr", "yes"):
        chat.say(word)
    with database.begin() as db:
        contact = db.get_one(Contact, chat.contact_id)
        assert (contact.origin, contact.residence, contact.language) == ("LS", None, "fr")
        assert set(db.scalars(select(Interest.code))) == {"savings", "bonds"}


def test_what_a_failed_transaction_did_to_a_run_is_lost_with_it(chat: Chat) -> None:
    chat.say("one")

    class Crash(Exception):
        pass

    with suppress(Crash), chat.database.begin() as db:
        contact = db.get_one(Contact, chat.contact_id)
        run = service.open_run(db, contact)
        assert run
        service.answer(db, chat.content, contact, run, Inbound("telegram", "us", "in-99", "me", "text", text="lost"))
        raise Crash

    assert "1. First? → one\n2. Second? → two" in chat.say("two")
