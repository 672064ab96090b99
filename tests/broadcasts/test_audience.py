"""The rule that says whom a broadcast is meant for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broadcasts import audience
from bot.broadcasts.audience import Audience, BadAudience
from bot.contacts.models import State
from bot.db import Database
from tests.broadcasts.conftest import add_contact, add_interests

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
