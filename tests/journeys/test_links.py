"""A broadcast that leads to a session and one that leads to a survey: read in each person's language, and pressed."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import rendering, service, targets
from bot.broadcasts.audience import Audience
from bot.broadcasts.service import Draft
from bot.demo.stage import Stage
from bot.events.models import Event, EventStatus
from bot.staff.models import Role
from bot.surveys.models import Survey
from tests.journeys.conftest import People
from tests.opportunities.cards import colleague

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _send(db: Session, town: Stage, link: targets.Link, source: str) -> None:
    app, editor, approver = town.app, colleague(db, Role.EDITOR), colleague(db, Role.APPROVER)
    texts = {"en": f"Look at this: {link[0]}.", "fr": f"Regardez ceci : {link[0]}."}
    draft = Draft("Look", targets.PURPOSES[link[0]], texts, Audience(sources=(source,)), link=link)
    broadcast = service.draft(db, app.content, editor, draft)
    seen = rendering.content_hash(app.content, broadcast)
    service.approve(db, app.content, broadcast, approver, app.policy, seen=seen)
    service.send(db, app.content, broadcast, editor, app.policy)


@pytest.mark.parametrize(("channel", "language"), [("telegram", "fr"), ("whatsapp", "en")])
async def test_a_press_leads_to_the_session_and_to_the_survey(
    town: Stage, person: People, channel: str, language: str
) -> None:
    clock.move_to((clock.now() + timedelta(days=1)).replace(hour=7, minute=0))
    reader, source = person(channel, language), f"links-{channel}"
    await reader.join()

    def mark(db: Session) -> list[targets.Link]:
        db.merge(reader.contact(db)).source = source
        session = select(Event.id).where(Event.status == EventStatus.OPEN, ~Event.by_invitation)
        survey = db.scalars(select(Survey.id).where(Survey.form_id == "small").order_by(Survey.id.desc())).first()
        coming = session.order_by(Event.starts_local.desc())
        return [(targets.SESSION, db.scalars(coming).first() or 0), (targets.SURVEY, survey or 0)]

    for link in await reader.run(mark):
        await town.app.database.run(_send, town, link, source)
        town.app.nudge()
        await reader.hear({"en": "Look at this", "fr": "Regardez ceci"}[language], "STOP")
        await reader.act(f"[{targets.LABELS[link[0]]}]")
        await reader.hear("session.details" if link[0] == targets.SESSION else "survey.intro")
        await reader.settle()
        reader.phone._inbox.clear()
