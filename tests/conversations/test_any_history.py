"""Whatever people do in whatever order: nothing parks, everything is answered, and only START leads back."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.contacts.models import Contact, State
from bot.conversations.commands import MENU
from tests.conversations.conftest import Line
from tests.conversations.test_odd_messages import FORGED, ODD_TEXTS

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WORDS = [
    "STOP",
    "START",
    "HELP",
    "MENU",
    "LANGUAGE",
    "DATA",
    "CORRECT",
    "DELETE",
    "SURVEY",
    "SESSIONS",
    "HUMAN",
    "VERIFY",
    "REPORT",
    "PROFILE",
    "yes",
    "no",
    "skip",
    "done",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "Lesotho",
    "Canada",
    "Leeds",
    "Français",
    "English",
    "/start@bot",
]
BUTTONS = [
    "reg:language:fr",
    "reg:consent:yes",
    "reg:consent:no",
    "reg:adult:yes",
    "reg:adult:no",
    "reg:origin:MU",
    "reg:residence:GB",
    "reg:residence:CA",
    "reg:timezone:America/Toronto",
    "reg:city:skip",
    "reg:interests:done",
    "menu:PROFILE",
    "menu:SURVEY",
    "menu:language:st",
    "delete:no",
]
DEEDS = st.one_of(
    st.sampled_from(WORDS).map(lambda word: ("write", word)),
    st.sampled_from(BUTTONS + FORGED).map(lambda button: ("press", button)),
    st.sampled_from(ODD_TEXTS).map(lambda text: ("write", text)),
    st.sampled_from([("photo", ""), ("place", "")]),
)
#: From which state a single message may lead where.
MAY_BECOME = {
    State.NEW: {State.NEW, State.MEMBER, State.DECLINED, State.UNDERAGE, State.LEAVING},
    State.DECLINED: {State.DECLINED, State.MEMBER, State.UNDERAGE, State.LEAVING},
    State.UNDERAGE: {State.UNDERAGE, State.DECLINED, State.MEMBER, State.LEAVING},
    State.MEMBER: {State.MEMBER, State.STOPPED, State.LEAVING},
    State.STOPPED: {State.STOPPED, State.MEMBER, State.LEAVING},
    State.LEAVING: {State.LEAVING},
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEEDS, max_size=30))
def test_nothing_parks_and_every_change_of_state_is_a_legal_one(line: Line, deeds: list[tuple[str, str]]) -> None:
    with line.database.begin() as db:
        db.execute(delete(Contact))
    line.write("START")
    before, asked_back = line.contact(), False
    for how, what in deeds:
        line.write(what) if how == "write" else line.press(what) if how == "press" else getattr(line, how)()
        after = line.contact()
        assert after.state in MAY_BECOME[State(before.state)]
        asked_back = (asked_back and what != "STOP") or what in ("START", "/start@bot")
        if before.state in (State.DECLINED, State.STOPPED, State.UNDERAGE) and after.state == State.MEMBER:
            assert asked_back
        if after.state in (State.NEW, State.DECLINED, State.UNDERAGE):
            assert (after.origin, after.residence, after.city, after.zone, after.source) == (None,) * 5
        before = after


def test_every_button_of_the_menu_leads_somewhere(member: Line) -> None:
    for keyword in MENU.values():
        answer = member.press(f"menu:{keyword}")
        assert answer not in ("", member.says("unknown.text"))
