"""STOP, from anywhere, and the one word that leads back."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import service as broadcasts
from bot.broadcasts.models import KIND
from bot.broadcasts.service import Draft
from bot.contacts.models import State
from bot.demo.stage import Stage
from bot.messaging.models import OutboxMessage, Status
from bot.staff.models import Role, StaffUser
from bot.surveys.models import Disposition, Run
from tests.journeys.chat import Person
from tests.journeys.conftest import People, somebody

pytestmark = pytest.mark.asyncio(loop_scope="session")
both = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])


@both
async def test_stop_in_the_middle_of_the_registration(person: People, channel: str) -> None:
    palesa = person(channel)
    await palesa.play(
        """
        me: hi
        bot: registration.choose_language
        me: [English]
        bot: registration.welcome
        bot: registration.ask_consent
        me: Stop!
        bot: stop.confirmed
        me: hi
        bot: registration.declined
        me: START
        bot: registration.ask_consent
        me: [button.agree]
        bot: registration.ask_adult
        me: [button.yes]
        bot: registration.ask_origin
        me: STOP
        bot: stop.confirmed
        me: Lesotho
        bot: stop.already
        me: START
        bot: start.ask_consent_again
        bot: registration.ask_consent
        me: [button.agree]
        bot: start.welcome_back
        bot: registration.ask_origin
        me: Lesotho
        bot: registration.ask_link
        me: [button.skip]
        bot: registration.ask_residence
        """
    )


@both
@pytest.mark.parametrize(
    ("language", "word"), [("en", "STOP"), ("fr", "arrêt"), ("st", "Emisa"), ("ny", "leka"), ("mfe", "aret")]
)
async def test_stop_in_the_middle_of_a_survey(person: People, channel: str, language: str, word: str) -> None:
    palesa = person(channel, language)
    await palesa.join()
    await palesa.play(
        """
        me: SURVEY
        bot: Small survey
        me: 1
        bot: survey.progress
        me: {word}
        bot: stop.confirmed
        me: I wish for rain
        bot: stop.already
        me: STOP
        bot: stop.already
        me: yes
        bot: stop.already
        me: START
        bot: start.ask_consent_again
        bot: registration.ask_consent
        me: [button.agree]
        bot: start.welcome_back
        me: SURVEY
        bot: survey.resumed
        """,
        word=word,
    )
    contact = await palesa.details()
    assert contact.state == State.MEMBER
    assert await palesa.query(_dispositions, contact.id) == [Disposition.PARTIAL]


def _dispositions(db: Session, contact_id: int) -> list[str]:
    return list(db.scalars(select(Run.disposition).where(Run.contact_id == contact_id)))


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_stop_while_a_broadcast_is_queued(village: Stage) -> None:
    people = [somebody(village, channel) for channel in ("telegram", "whatsapp", "telegram", "whatsapp")]
    for one in people:
        await one.join()
    await _daytime(people)
    await village.app.database.run(_broadcast_in_an_hour, village)
    leaving, staying = people[:2], people[2:]
    for one in leaving:
        await one.play("me: STOP\nbot: stop.confirmed")
    clock.advance(timedelta(hours=2))
    village.app.nudge()
    for one in staying:
        await one.play("bot: Rain is coming.")
    for one in leaving:
        await one.play("me: hello\nbot: stop.already")
    assert await village.app.database.query(_statuses) == {(Status.CANCELLED, "stopped"): 2, ("out", None): 2}


async def _daytime(people: list[Person]) -> None:
    """Move to ten in the morning in Maseru, so that quiet hours hold nothing back."""
    ten = clock.now().replace(hour=8, minute=0) + timedelta(days=1)
    clock.move_to(ten)
    clock.hurry(20)
    for one in people:  # who writes opens the window
        await one.play("me: COSTS\nbot: costs.text")


def _broadcast_in_an_hour(db: Session, stage: Stage) -> int:
    content, policy = stage.app.content, stage.app.policy
    editor, approver = _staff(db, Role.EDITOR), _staff(db, Role.APPROVER)
    texts, at = {"en": "Rain is coming.", "fr": "La pluie arrive."}, clock.now() + timedelta(hours=1)
    what = Draft("Rain", "news", texts, scheduled_at=at)
    row = broadcasts.draft(db, content, editor, what)
    broadcasts.approve(db, content, row, approver, policy, seen=row.content_hash)
    return broadcasts.send(db, content, row, editor, policy)


def _staff(db: Session, role: Role) -> StaffUser:
    user = StaffUser(email=role, email_hash=role, name=role, role=role, active=True, created_at=clock.now())
    db.add(user)
    db.flush()
    return user


def _statuses(db: Session) -> dict[tuple[str, str | None], int]:
    out = (Status.SENT, Status.DELIVERED, Status.READ)
    rows = db.execute(
        select(OutboxMessage.status, OutboxMessage.reason, func.count())
        .where(OutboxMessage.kind == KIND)
        .group_by(OutboxMessage.status, OutboxMessage.reason)
    )
    found: dict[tuple[str, str | None], int] = {}
    for status, reason, count in rows:
        key = ("out", None) if status in out else (status, reason)
        found[key] = found.get(key, 0) + count
    return found
