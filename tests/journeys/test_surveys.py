"""A survey from its invitation to a correction of what was sent."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.demo.stage import Stage
from bot.surveys import inviting
from bot.surveys import service as surveys
from bot.surveys.models import Answer, Survey

from .chat import Person
from .conftest import SURVEY, somebody

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _joined(village: Stage, channel: str) -> Person:
    clock.move_to(clock.now().replace(hour=8, minute=0) + timedelta(days=1))
    person = somebody(village, channel)
    await person.join()
    return person


def _invite(db: Session) -> int:
    survey = db.scalars(select(Survey).where(Survey.form_id == "small")).one()
    return inviting.invite(db, survey, select(Contact.id)).invited


async def test_an_invitation_is_followed_to_the_end_and_an_answer_corrected(village: Stage) -> None:
    person = await _joined(village, "telegram")
    await village.app.database.run(lambda db: surveys.publish(db, SURVEY.replace("mall", "econd").encode(), "b.md"))
    assert await village.app.database.run(_invite) == 1
    village.app.nudge()
    await person.play(
        """
        bot: survey.invitation | Small survey
        me: [button.begin]
        bot: Small survey | Do you send money home?
        me: [Yes]
        bot: What do you wish for?
        me: peace
        bot: survey.review | peace
        me: yes
        bot: survey.submitted | write CHANGE
        me: change 2
        bot: What do you wish for?
        me: work
        bot: survey.review | work
        me: yes
        bot: survey.submitted
        """
    )
    rows = await person.query(lambda db: [row.private for row in db.scalars(select(Answer).order_by(Answer.id))])
    assert rows == [None, "peace", "work"]


async def test_an_invitation_comes_as_a_template_when_the_window_is_closed(village: Stage) -> None:
    person = await _joined(village, "whatsapp")
    clock.advance(timedelta(hours=25))
    await village.app.database.run(_invite)
    village.app.nudge()
    await person.play(
        """
        bot: survey: “Small survey” | It takes about 5 minutes
        me: [Begin]
        bot: Small survey | Do you send money home?
        """
    )


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


async def test_a_survey_left_on_whatsapp_is_opened_again_by_a_template_after_its_window(village: Stage) -> None:
    person = await _joined(village, "whatsapp")
    await person.play(
        """
        me: SURVEY
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
    rows = await person.query(lambda db: [row.value or row.private for row in db.scalars(select(Answer))])
    assert sorted(rows) == ["peace", "yes"]
