"""A survey from its invitation to a correction of what was sent."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.demo.stage import Stage
from bot.surveys import inviting
from bot.surveys import service as surveys
from bot.surveys.models import Answer, Disposition, Run, Survey

from .chat import Person
from .conftest import SURVEY, somebody


async def _joined(village: Stage, channel: str) -> Person:
    clock.move_to(clock.now().replace(hour=8, minute=0) + timedelta(days=1))
    person = somebody(village, channel)
    await person.join()
    return person


def _invite(db: Session) -> int:
    survey = db.scalars(select(Survey).where(Survey.form_id == "small")).one()
    return inviting.invite(db, survey, select(Contact.id)).invited


def _disposition(db: Session) -> tuple[Disposition, list[str]]:
    """Return how the only run stands, and what is kept of it."""
    rows = db.scalars(select(Answer).where(Answer.superseded_at.is_(None)).order_by(Answer.id))
    kept = [row.value or row.private or str(row.missing) for row in rows]
    return db.scalars(select(Run.disposition)).one(), kept


async def test_on_telegram_an_invitation_is_followed_to_the_end_and_an_answer_corrected(village: Stage) -> None:
    person = await _joined(village, "telegram")
    await village.app.database.run(lambda db: surveys.publish(db, SURVEY.replace("mall", "econd").encode(), "b.md"))
    assert await village.app.database.run(_invite) == 1
    village.app.nudge()
    await person.play("bot: survey.invitation | Small survey")
    assert await person.query(_disposition) == (Disposition.INVITED, [])
    await person.play(
        """
        me: [button.begin]
        bot: Small survey | Do you send money home?
        """
    )
    assert await person.query(_disposition) == (Disposition.STARTED, [])
    await person.play(
        """
        me: [Yes]
        bot: What do you wish for?
        me: PAUSE
        bot: survey.paused
        """
    )
    assert await person.query(_disposition) == (Disposition.PARTIAL, ["yes"])
    clock.advance(timedelta(hours=25))
    assert await village.app.run_job("survey_nudges") == 1
    await person.play(
        """
        bot: survey.nudge | What do you wish for?
        me: peace
        bot: survey.review | peace
        me: yes
        bot: survey.submitted | write CHANGE
        """
    )
    assert await person.query(_disposition) == (Disposition.COMPLETED, ["yes", "peace"])
    await person.play(
        """
        me: change 2
        bot: What do you wish for?
        me: work
        bot: survey.review | work
        me: yes
        bot: survey.submitted
        """
    )
    assert await person.query(_disposition) == (Disposition.COMPLETED, ["yes", "work"])


async def test_on_whatsapp_templates_lead_from_the_invitation_to_the_end_outside_its_window(village: Stage) -> None:
    person = await _joined(village, "whatsapp")
    clock.advance(timedelta(hours=25))
    await village.app.database.run(_invite)
    village.app.nudge()
    await person.play(
        """
        bot: survey: “Small survey” | It takes about 5 minutes
        me: [Begin]
        bot: Small survey | Do you send money home?
        me: maybe
        bot: survey.invalid_choice | Do you send money home?
        me: Yes
        bot: What do you wish for?
        """
    )
    clock.advance(timedelta(hours=25))
    assert await village.app.run_job("survey_nudges") == 1
    await person.play(
        """
        bot: You began the survey “Small survey” | Your answers are kept
        me: [Continue]
        bot: What do you wish for?
        me: BACK
        bot: Do you send money home? | Your answer so far: Yes
        me: DONE
        bot: What do you wish for?
        me: peace
        bot: survey.review | peace
        me: yes
        bot: survey.submitted
        """
    )
    assert await person.query(_disposition) == (Disposition.COMPLETED, ["yes", "peace"])


async def test_who_falls_silent_after_an_invitation_is_reminded_twice_expires_and_may_come_back(village: Stage) -> None:
    person = await _joined(village, "whatsapp")
    await village.app.database.run(_invite)
    village.app.nudge()
    await person.play(
        """
        bot: survey.invitation | Small survey
        me: [button.begin]
        bot: Small survey | Do you send money home?
        me: No
        bot: What do you wish for?
        """
    )
    for days in (1, 2):
        clock.advance(timedelta(days=days, minutes=5))
        assert await village.app.run_job("survey_nudges") == 1
        await person.play("bot: You began the survey “Small survey”")
    clock.advance(timedelta(days=12))
    assert await village.app.run_job("survey_nudges") == 0
    assert await village.app.run_job("survey_expiry") == 1
    assert await person.query(_disposition) == (Disposition.EXPIRED, ["no", "timed_out"])
    await person.play(
        """
        me: SURVEY
        bot: survey.resumed | What do you wish for?
        me: rest
        bot: survey.review | rest
        me: [button.submit]
        bot: survey.submitted
        """
    )
    assert await person.query(_disposition) == (Disposition.COMPLETED, ["no", "rest"])


async def test_which_survey_is_chosen_by_number(village: Stage) -> None:
    person = await _joined(village, "telegram")
    await village.app.database.run(lambda db: surveys.publish(db, SURVEY.replace("mall", "econd").encode(), "b.md"))
    await person.play(
        """
        me: SURVEY
        bot: survey.choose
        me: 2
        bot: Small survey
        me: [Yes]
        bot: What do you wish for?
        """
    )
