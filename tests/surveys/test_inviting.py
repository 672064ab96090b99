"""Who is asked: invitations once and with consent, quotas, opening dates, a choice among surveys, corrections."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot import clock
from bot.channels.base import Inbound
from bot.contacts.models import Consent, Contact, Decision, Purpose
from bot.content import Content
from bot.db import Database
from bot.messaging.models import OutboxMessage
from bot.surveys import inviting, quotas, service
from bot.surveys.inviting import Invitations
from bot.surveys.models import Disposition, Survey
from bot.surveys.nudging import NUDGES
from tests.surveys.chat import Chat

DAY = timedelta(days=1)


def form(title: str = "Views", extra: str = "") -> bytes:
    return (
        "| survey |\n| | type | name | label | calculation |\n"
        "| | select_one g | gender | You are? | |\n| | integer | age | How old? | |\n"
        "| | calculate | double | | ${age} * 2 |\n"
        "| choices |\n| | list_name | name | label |\n| | g | female | Woman |\n| | g | male | Man |\n"
        f"| settings |\n| | form_title | form_id | version |\n| | {title} | {title.lower()} | 1 |\n{extra}"
    ).encode()


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def people(database: Database, content: Content, frozen: object) -> list[Chat]:
    """Three members; the last has not agreed to surveys."""
    found = [Chat(database, content) for _ in range(3)]
    with database.begin() as db:
        for person, decision in zip(found, [Decision.GRANTED, Decision.GRANTED, Decision.WITHDRAWN], strict=True):
            for word in (Decision.GRANTED, decision):
                db.add(
                    Consent(
                        contact_id=person.contact_id, purpose=Purpose.SURVEYS, decision=word, wording="w",
                        wording_hash="h", language="en", channel="telegram", said="yes", recorded_by="contact",
                        at=clock.now(),
                    )
                )  # fmt: skip
                db.flush()
    return found


def invite(survey_id: int, people: list[Chat]) -> Invitations:
    with people[0].database.begin() as db:
        return inviting.invite(db, db.get_one(Survey, survey_id), [one.contact_id for one in people])


def set_quotas(survey_id: int, chat: Chat, text: str) -> None:
    with chat.database.begin() as db:
        db.get_one(Survey, survey_id).quotas = quotas.read(text)


def complete(chat: Chat, gender: str) -> str:
    chat.tap(gender)
    chat.say("30")
    return chat.say("yes")


def test_people_are_invited_once_and_only_with_consent(people: list[Chat]) -> None:
    survey = people[0].publish(form(), "f.md")
    assert invite(survey, people) == Invitations(chosen=3, invited=2, known=0, without_consent=1)
    assert invite(survey, people) == Invitations(chosen=3, invited=0, known=2, without_consent=1)

    assert people[0].run().disposition == Disposition.INVITED
    with people[0].database.begin() as db:
        rows = db.scalars(select(OutboxMessage)).all()
        assert [(row.kind, row.ref, row.purpose) for row in rows] == [("survey_invite", survey, "surveys")] * 2


def test_a_select_of_people_will_do(people: list[Chat]) -> None:
    survey = people[0].publish(form(), "f.md")
    with people[0].database.begin() as db:
        chosen = select(Contact.id).where(Contact.id != people[0].contact_id)
        assert inviting.invite(db, db.get_one(Survey, survey), chosen).invited == 1


def test_an_invitation_begins_its_survey_by_button_and_by_template(people: list[Chat]) -> None:
    first, second, _ = people
    survey = first.publish(form(), "f.md")
    first.publish(form("Newer"), "g.md")
    invite(survey, people)
    with first.database.begin() as db:
        message = inviting.renderer(first.content)(db, survey, "fr")
    assert "Views" in message.text
    assert "5 minutes" in message.text
    assert message.template == "survey_invitation"
    begin, later = message.buttons

    assert first.press(later.id) == ""
    assert "You are?" in first.press(begin.id)
    assert "Views" in second.offer()  # what the template's button does: the invitation goes first


def test_the_response_is_counted_among_the_invited(people: list[Chat]) -> None:
    first, _, third = people
    survey = first.publish(form(), "f.md")
    invite(survey, people)
    first.begin(survey)
    complete(first, "Woman")
    third.begin(survey)
    with first.database.begin() as db:
        assert inviting.response(db, db.get_one(Survey, survey)) == inviting.Response(2, 1, 1)


def test_of_several_surveys_one_is_chosen(people: list[Chat]) -> None:
    chat = people[0]
    chat.publish(form("One"), "a.md")
    chat.publish(form("Two"), "b.md")
    assert chat.offer() == "Which survey would you like to answer?"
    assert chat.labels() == ["Two", "One"]
    assert service.is_choice_of_surveys(chat.heard[-1])
    assert "One" in chat.tap("One")
    assert "You are?" in chat.offer()


def test_a_survey_opens_and_closes_on_its_days(people: list[Chat]) -> None:
    chat = people[0]
    with chat.database.begin() as db:
        opens, closes = clock.now() + DAY, clock.now() + 2 * DAY
        survey = service.publish(db, form(), "f.md", opens_at=opens, closes_at=closes).id
    assert "no survey for you" in chat.offer()
    invite(survey, people)
    with chat.database.begin() as db:
        assert {row.due_at for row in db.scalars(select(OutboxMessage))} == {opens}
    clock.advance(DAY)
    assert "You are?" in chat.offer()
    clock.advance(DAY)
    assert "closed" in chat.offer()


def test_a_full_cell_thanks_the_next_person_as_soon_as_it_is_known_and_keeps_nothing(people: list[Chat]) -> None:
    first, second, third = people
    survey = first.publish(form(), "f.md")
    set_quotas(survey, first, "gender=female: 1\ngender=male: 5")
    first.begin(survey)
    assert "are saved" in complete(first, "Woman")

    second.begin(survey)
    assert "Enough people like you" in second.tap("Woman")
    assert second.run().disposition == Disposition.QUOTA_FULL
    assert second.answers(all_rows=True) == []
    assert "female" not in str(second.run().state)

    third.begin(survey)
    assert "are saved" in complete(third, "Man")
    with first.database.begin() as db:
        assert quotas.filled(db, db.get_one(Survey, survey)) == {"gender=female": 1, "gender=male": 1}


def test_a_cell_of_the_profile_is_known_before_the_first_question(people: list[Chat]) -> None:
    first, second, _ = people
    survey = first.publish(form(), "f.md")
    with first.database.begin() as db:
        db.execute(update(Contact).values(residence="ZA"))
    set_quotas(survey, first, "residence=ZA, gender=female: 9\nresidence=ZA: 1")
    first.begin(survey)
    complete(first, "Woman")

    assert "Enough people like you" in second.begin(survey)
    assert second.run().disposition == Disposition.QUOTA_FULL
    set_quotas(survey, first, "residence=ZA: 2")
    assert "You are?" in second.offer()


def test_quotas_are_read_as_staff_write_them() -> None:
    assert quotas.read("residence=ZA, gender = female : 50\n\norigin=LS: 3") == {
        "residence=ZA,gender=female": 50,
        "origin=LS": 3,
    }
    for wrong in ("residence: 5", "gender=: 3", "gender=female: many", "5", "=x: 1"):
        with pytest.raises(quotas.BadQuota, match=wrong):
            quotas.read(wrong)


def test_an_answer_is_corrected_after_it_was_sent_and_its_history_is_kept(people: list[Chat]) -> None:
    chat = people[0]
    chat.begin(chat.publish(form(), "f.md"))
    assert "write CHANGE" in complete(chat, "Woman")
    clock.advance(3 * DAY)

    assert "How old?" in reopen(chat, "change 2")
    chat.say("31")
    assert "are saved" in chat.say("yes")

    assert chat.values() == {"gender": "female", "age": "31", "double": "62"}
    assert [row.value for row in chat.answers(all_rows=True) if row.name == "age"] == ["30", "31"]
    assert [row.value for row in chat.answers(all_rows=True) if row.name == "double"] == ["60", "62"]
    assert chat.run().disposition == Disposition.COMPLETED


def test_a_correction_that_is_left_half_way_leaves_a_completed_run(people: list[Chat]) -> None:
    chat = people[0]
    chat.begin(chat.publish(form(), "f.md"))
    complete(chat, "Woman")
    reopen(chat, "change 2")
    chat.say("31")
    clock.advance(15 * DAY)
    with chat.database.begin() as db:
        assert service.queue_due_nudges(db, chat.content, clock.now()) == 0
        assert service.expire(db, clock.now()) == 1

    assert chat.run().disposition == Disposition.COMPLETED
    assert chat.values() == {"gender": "female", "age": "31", "double": "62"}


def test_after_a_week_answers_stand(people: list[Chat]) -> None:
    chat = people[0]
    chat.begin(chat.publish(form(), "f.md"))
    complete(chat, "Woman")
    clock.advance(8 * DAY)
    with chat.database.begin() as db:
        assert service.reopen(db, chat._contact(db)) is None


def test_what_a_form_calculates_is_kept_of_runs_that_end_half_way(people: list[Chat]) -> None:
    first, second, _ = people
    survey = first.publish(form(extra=""), "f.md")
    for chat in (first, second):
        chat.begin(survey)
        chat.tap("Man")
        chat.say("20")
    with first.database.begin() as db:
        service.withdraw(db, first._contact(db))
    assert first.values()["double"] == "40"
    clock.advance(NUDGES[0])
    with second.database.begin() as db:
        service.queue_due_nudges(db, second.content, clock.now())
    assert second.values()["double"] == "40"
    second.say("change 2")
    second.say("21")
    second.say("yes")
    assert second.values()["double"] == "42"


def reopen(chat: Chat, text: str) -> str:
    """Write CHANGE when nothing is open, as the router hands it over."""
    with chat.database.begin() as db:
        run = service.reopen(db, chat._contact(db))
        assert run
        inbound = Inbound("telegram", "us", f"in-{next(chat.ids)}", "me", "text", text=text)
        return chat._hear(service.answer(db, chat.content, chat._contact(db), run, inbound))


def test_of_two_who_finish_at_the_same_moment_the_last_place_takes_one(people: list[Chat], database: Database) -> None:
    both = people[:2]
    survey = both[0].publish(form(), "f.md")
    set_quotas(survey, both[0], "gender=female: 1")
    for chat in both:
        chat.begin(survey)
        chat.tap("Woman")
        chat.say("40")
    together = threading.Barrier(2)

    def send(chat: Chat) -> None:
        with database.begin() as db:
            contact = db.get_one(Contact, chat.contact_id)
            run = service.open_run(db, contact)
            assert run
            sent = Inbound(chat.channel, "us", "last", "me", "text", text="yes")
            service.answer(db, chat.content, contact, run, sent)
            with suppress(threading.BrokenBarrierError):  # where the second waits for the first, they never meet
                together.wait(0.3)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(send, both))
    assert sorted(chat.run().disposition for chat in both) == [Disposition.COMPLETED, Disposition.QUOTA_FULL]
    with database.read() as db:
        assert quotas.filled(db, db.get_one(Survey, survey)) == {"gender=female": 1}
