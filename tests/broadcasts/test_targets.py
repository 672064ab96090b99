"""What a broadcast leads to: the button in each language, and nothing that leads nowhere."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import rendering, service, targets
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts.models import Purpose
from bot.content.languages import LANGUAGES
from bot.db import Database
from bot.events import service as events
from bot.events.models import Event
from bot.messaging.models import OutboxMessage
from bot.opportunities import service as cards
from bot.staff.models import Role
from bot.surveys.models import Survey
from bot.surveys.terms import close
from tests.broadcasts.conftest import Office, add_contact, add_session, add_survey
from tests.opportunities.cards import colleague, published

LINKS = (targets.SESSION, targets.SURVEY, targets.CARD)


def lead_to(db: Session, office: Office, kind: str) -> targets.Link:
    """Return something open of a kind."""
    if kind == targets.SESSION:
        return kind, add_session(db)
    return kind, add_survey(db, "mapping").id if kind == targets.SURVEY else published(db, office.content).id


def end(db: Session, office: Office, link: targets.Link) -> None:
    """Let it be over before its time."""
    if link[0] == targets.SESSION:
        events.cancel(db, office.content, db.get_one(Event, link[1]))
    elif link[0] == targets.SURVEY:
        close(db, db.get_one(Survey, link[1]))
    else:
        cards.close(db, db.get_one(cards.Opportunity, link[1]), colleague(db, Role.EDITOR))


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_is_a_button_in_each_language_that_goes_dead_before_anybody_presses_it(
    database: Database, office: Office, kind: str
) -> None:
    with database.begin() as db:
        purpose = targets.PURPOSES[kind]
        add_contact(db, purpose=purpose)
        link = lead_to(db, office, kind)
        menu = {"id": "menu:help", "labels": {"en": "Help"}}
        broadcast = office.draft(db, purpose=purpose, link=link, buttons=(menu,))
        assert service.problems(db, office.content, broadcast, office.policy) == []
        for code in LANGUAGES:
            first, second = rendering.message(office.content, broadcast, code).buttons
            assert first.id in (f"rsvp:{link[1]}:show", f"sv:{link[1]}:begin", f"opp:{link[1]}:show")
            assert first.label == office.content.catalogue.text(targets.LABELS[kind], code)
            assert second.id == "menu:help"
        service.edit(db, office.content, broadcast, office.editor, service.Draft.of(broadcast))
        assert [button["id"] for button in broadcast.buttons].count(first.id) == 1
        assert bool(broadcast.risks) == (kind == targets.CARD)

        office.approve(db, broadcast)
        end(db, office, link)
        assert [one.code for one in service.problems(db, office.content, broadcast, office.policy)] == [
            targets.GONE[kind]
        ]
        with pytest.raises(service.LinkDead):
            office.send(db, broadcast)
        with pytest.raises(service.HasProblems):
            office.approve(db, broadcast)
        assert db.scalar(select(OutboxMessage.id)) is None


def test_what_has_not_left_when_the_session_is_called_off_does_not_leave(database: Database, office: Office) -> None:
    with database.begin() as db:
        add_contact(db, purpose=Purpose.SESSIONS)
        number = add_session(db)
        broadcast = office.approved(db, purpose=Purpose.SESSIONS, link=(targets.SESSION, number))
        assert office.send(db, broadcast) == 1
        row = db.scalars(select(OutboxMessage)).one()
        assert row.expires_at == db.get_one(Event, number).starts_at  # registration ends with the start
        assert targets.end_dead(db, office.content) == 0
        events.cancel(db, office.content, db.get_one(Event, number))
        assert targets.end_dead(db, office.content) == 1
        db.refresh(row)
        assert (row.status, row.reason) == ("cancelled", "session_over")
        assert db.get_one(Broadcast, broadcast.id).status == BroadcastStatus.CANCELLED


def test_a_link_is_for_those_who_agreed_to_its_purpose_and_must_be_open_when_the_broadcast_leaves(
    database: Database, office: Office
) -> None:
    with database.begin() as db:

        def codes(**changes: object) -> list[str]:
            found = service.problems(db, office.content, office.draft(db, **changes), office.policy)
            return [problem.code for problem in found]

        survey = add_survey(db, "mapping")
        survey.opens_at = clock.now() + timedelta(days=2)
        link = {"link": (targets.SURVEY, survey.id)}
        assert codes(purpose=Purpose.NEWS, **link) == ["link_purpose", "survey_closed"]
        assert codes(purpose=Purpose.SURVEYS, **link, scheduled_at=clock.now() + timedelta(days=3)) == []
        survey.closes_at = clock.now() + timedelta(days=3)
        assert codes(purpose=Purpose.SURVEYS, **link, scheduled_at=clock.now() + timedelta(days=3)) == ["survey_closed"]
        assert codes(purpose=Purpose.SESSIONS, link=(targets.SESSION, 999)) == ["session_over"]
        assert codes(link=("fortune", 1)) == ["link_unknown"]
        invited_only = add_session(db)
        db.get_one(Event, invited_only).by_invitation = True
        assert codes(purpose=Purpose.SESSIONS, link=(targets.SESSION, invited_only)) == ["session_over"]
        assert [target.link for target in targets.offered(db, office.content)] == []
