"""The rule that says whom a broadcast is meant for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from bot import clock
from bot.broadcasts import audience
from bot.broadcasts.audience import Audience, BadAudience
from bot.contacts.models import Contact, Purpose, State
from bot.content import Content
from bot.db import Database
from bot.events import replies
from bot.events import service as events
from bot.events.models import Answer, Attendance, Event
from bot.messaging.models import OutboxMessage
from bot.messaging.models import Status as Delivered
from bot.surveys.models import Disposition
from tests.broadcasts.conftest import add_contact, add_interests, add_run, add_session, add_survey

codes = st.lists(st.text(min_size=1, max_size=4), max_size=3).map(tuple)


@given(st.builds(Audience, origins=codes, residences=codes, languages=codes, interests=codes, sources=codes))
def test_a_rule_survives_storage_whatever_the_order_of_ticking(rule: Audience) -> None:
    stored = rule.to_json()
    assert Audience.from_json(stored).to_json() == stored
    reversed_rule = Audience(**{name: tuple(reversed(values)) for name, values in stored.items()})
    assert reversed_rule.to_json() == stored


@pytest.mark.parametrize("stored", [{"gender": ["f"]}, {"origins": "LS"}, {"origins": [1]}, {"origins": None}])
def test_a_condition_we_do_not_know_is_refused_since_ignoring_it_would_widen_the_rule(
    stored: dict[str, object],
) -> None:
    with pytest.raises(BadAudience):
        Audience.from_json(stored)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (Audience(), 2),
        (Audience(states=(State.MEMBER, State.STOPPED)), 3),
        (Audience(origins=("LS",)), 1),
        (Audience(origins=("LS", "MU")), 2),
        (Audience(origins=("LS",), residences=("FR",)), 0),
        (Audience(languages=("fr",)), 1),
        (Audience(channels=("whatsapp",)), 1),
        (Audience(sources=("embassy",)), 1),
        (Audience(interests=("bonds",)), 1),
        (Audience(interests=("bonds", "savings")), 1),
        (Audience(interests=("tourism",)), 0),
    ],
)
def test_all_conditions_must_hold_and_any_value_of_each_is_enough(
    database: Database, frozen: object, rule: Audience, found: int
) -> None:
    with database.begin() as db:
        member = add_contact(db, origin="LS", residence="ZA", language="en", source="embassy")
        add_interests(db, member, "bonds", "savings")
        add_contact(db, origin="MU", residence="FR", language="fr", channel="whatsapp")
        add_contact(db, origin="LS", residence="FR", state=State.STOPPED)
        add_contact(db, state=State.NEW)
        assert audience.count(db, rule) == found


def test_people_are_found_by_what_they_took_part_in_and_what_does_not_exist_finds_nobody(
    database: Database, content: Content, frozen: object
) -> None:
    with database.begin() as db:
        people = {name: add_contact(db, purpose=Purpose.SESSIONS) for name in ("ann", "ben", "cai", "dee", "eve")}
        mapping, later = add_survey(db, "mapping"), add_survey(db, "mapping", "2")
        add_survey(db, "other")
        add_run(db, mapping, people["ann"], Disposition.COMPLETED)
        add_run(db, later, people["ben"], Disposition.PARTIAL)
        add_run(db, later, people["cai"], Disposition.REFUSED)

        here, other = add_session(db, capacity=1), add_session(db, "Bonds")
        invited = [people[name].id for name in ("ann", "ben", "cai", "dee")]
        events.invite(db, content, db.get_one(Event, here), invited)
        db.execute(update(OutboxMessage).values(status=Delivered.SENT))
        replies.rsvp(db, content, people["ann"], here, Answer.YES)
        replies.rsvp(db, content, people["ben"], here, Answer.YES)
        replies.rsvp(db, content, people["cai"], here, Answer.NO)
        db.add(Attendance(event_id=here, contact_id=people["eve"].id, how="staff", recorded_by="1", at=clock.now()))
        db.flush()

        def found(**conditions: tuple[object, ...]) -> str:
            rule = Audience.from_json({name: [str(value) for value in values] for name, values in conditions.items()})
            ids = set(db.scalars(select(Contact.id).where(rule.condition())))
            assert audience.count(db, rule) == len(ids)
            return " ".join(name for name, contact in people.items() if contact.id in ids)

        assert found(answered=("mapping",)) == "ann"
        assert found(not_answered=("mapping",)) == "ben dee eve"  # whoever said no is not asked again
        assert found(not_answered=("mapping", "other")) == "ben dee eve"
        assert found(attended=(here,)) == "eve"
        assert found(not_attended=(here, other)) == "ann ben cai dee"
        assert found(replies=(f"{here}:yes",)) == "ann"
        assert found(replies=(f"{here}:waiting", f"{here}:no")) == "ben cai"
        assert found(replies=(f"{here}:silent",)) == "dee"
        assert found(replies=(f"{here}:silent", f"{other}:maybe")) == "dee"
        assert found(replies=(f"{here}:yes",), not_attended=(here,), answered=("mapping",)) == "ann"
        for nothing in (
            {"answered": ("none",)}, {"not_answered": ("none",)}, {"not_answered": ("mapping", "none")},
            {"attended": (999,)}, {"not_attended": (999,)}, {"not_attended": (here, 999)}, {"not_attended": ("x",)},
            {"replies": ("999:silent",)}, {"replies": (f"{here}:perhaps",)}, {"replies": (f"x:{here}:yes",)},
        ):  # fmt: skip
            assert found(**nothing) == ""
