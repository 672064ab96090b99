"""What people and programs send that nobody asked for: none of it may raise, mislead or erase."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import clock
from bot.contacts.models import State
from bot.conversations.models import Ticket
from bot.messaging.models import InboxMessage
from tests.conversations.conftest import Line

#: Nothing here depends on the engine.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ODD_TEXTS = [
    "",
    " ",
    "hmm",
    "👍🏿",
    "🤷🏾‍♀️ 🤷🏾‍♀️",
    "مرحبا كيف الحال",
    "٣",
    "9" * 5000,
    "a" * 5000,
    "1 " * 2500,
    "0",
    "-1",
    "99",
    "1.5",
    "{wording}",
    "%s %(x)s",
    "' OR 1=1 --",
    "\u202egnidaer",
    "/unknown_command",
    "reg:origin:LS",
]
#: How far a person has come -> what they wrote until then.
STAGES = {
    "nowhere": [],
    "language": ["START"],
    "consent": ["START", "1"],
    "adult": ["START", "1", "yes"],
    "origin": ["START", "1", "yes", "yes"],
    "link": ["START", "1", "yes", "yes", "1"],
    "residence": ["START", "1", "yes", "yes", "1", "skip"],
    "city": ["START", "1", "yes", "yes", "1", "skip", "South Africa"],
    "timezone": ["START", "1", "yes", "yes", "1", "skip", "Canada", "skip"],
    "interests": ["START", "1", "yes", "yes", "1", "skip", "Joburg"],
    "member": ["START", "1", "yes", "yes", "1", "skip", "Joburg", "skip"],
    "profile": ["START", "1", "yes", "yes", "1", "skip", "Joburg", "skip", "PROFILE"],
    "menu": ["START", "1", "yes", "yes", "1", "skip", "Joburg", "skip", "MENU"],
    "human": ["START", "1", "yes", "yes", "1", "skip", "Joburg", "skip", "HUMAN"],
    "declined": ["START", "1", "no"],
    "underage": ["START", "1", "yes", "no"],
    "stopped": ["START", "1", "yes", "yes", "STOP"],
}
FORGED = [
    "reg:origin:XX",
    "reg:residence:ZZ",
    "reg:residence:",
    "reg:timezone:Nowhere",
    "reg:language:xx",
    "reg:consent:maybe",
    "reg:nothing:yes",
    "reg:",
    "sv:999:abc:yes",
    "sv:999999999999999999999:abc:yes",
    "sv:x",
    "rsvp:999999999999:yes",
    "rsvp:x:yes",
    "rsvp:1:perhaps",
    "menu:STOP",
    "menu:YES",
    "menu:language:xx",
    "menu:",
    "delete:",
    "ops:1:yes",
    "yes",
    "later",
    "continue",
    "",
    "🔥" * 16,
]


@pytest.mark.parametrize("stage", STAGES)
def test_odd_texts_are_answered_and_never_park(line: Line, stage: str) -> None:
    for text in STAGES[stage]:
        line.write(text)
    for text in ODD_TEXTS:
        line.write(text)
        for message in line.answers:
            assert message.text.strip()
            assert len(message.text) <= 1600


@pytest.mark.parametrize("stage", STAGES)
def test_forged_and_stale_buttons_change_nothing(line: Line, stage: str) -> None:
    for text in STAGES[stage]:
        line.write(text)
    line.write("HELP")
    before = line.contact()
    for button in FORGED:
        line.press(button)
    after = line.contact()
    for name in ("state", "origin", "residence", "city", "zone", "joined_at"):
        assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize("stage", ["consent", "origin", "residence", "interests", "member"])
def test_pictures_places_and_cards_get_the_question_again(line: Line, stage: str) -> None:
    for text in STAGES[stage]:
        line.write(text)
    asked = line.answers[-1].text if stage != "member" else None
    card = (
        "link_chat.number_noted" if stage == "member" else "unknown.media"
    )  # a member's own number helps to find their other chat
    assert line.write("+26650123456", "contact").startswith(line.says(card))
    for answer in (line.photo(), line.place(), line.write("", "unsupported")):
        assert answer.startswith(line.says("unknown.media"))
        assert asked is None or answer.endswith(asked)


def test_blocks_and_unblocks_are_noted_and_not_answered(member: Line) -> None:
    assert member.write("", "blocked") == ""
    assert member.write("", "unblocked") == ""
    assert member.contact().state == State.MEMBER


@pytest.mark.parametrize(
    ("kind", "word"),
    [("edited", "/stop"), ("media", "Arrêtez"), ("unsupported", "EMA"), ("edited", "Leka"), ("media", "aret")],
)
def test_a_stop_is_obeyed_in_every_language_and_wherever_it_is_written(member: Line, word: str, kind: str) -> None:
    assert member.write(word, kind).startswith(member.says("stop.confirmed"))
    assert member.contact().state == State.STOPPED


def test_a_changed_message_is_asked_for_again_and_an_unchanged_one_is_not(member: Line) -> None:
    member.write("what is this", message_id="9")
    assert member.write("what is this", "edited", message_id="9") == ""  # a preview was added
    assert member.write("what is that", "edited", message_id="9") == member.says("unknown.edited")


def test_a_change_while_registering_gets_the_open_question_again(line: Line) -> None:
    line.play("START", "1")
    line.write("hmm")
    asked = line.answers[-1].text
    assert line.write("yes", "edited") == f"{line.says('unknown.edited')}\n----\n{asked}"
    assert line.contact().state == State.NEW


def test_a_picture_for_staff_is_a_ticket(member: Line) -> None:
    member.write("HUMAN")
    assert member.photo() == member.says("human.received")


def test_a_button_pressed_while_a_question_to_staff_is_open_is_no_question(member: Line) -> None:
    member.write("HUMAN")
    member.press("rsvp:1:yes", "Yes")
    with member.database.begin() as db:
        assert db.scalars(select(Ticket)).all() == []
    assert member.write("Where is the embassy?") == member.says("human.received")


def test_a_long_text_to_staff_is_kept_whole(member: Line) -> None:
    member.play("HUMAN", "x" * 5000)
    with member.database.begin() as db:
        assert len(db.scalars(select(Ticket.text)).one()) == 5000


def test_what_was_asked_out_of_turn_lapses(member: Line, frozen: object) -> None:
    member.write("DELETE")
    clock.advance(timedelta(hours=2))
    assert member.write("yes") == member.says("unknown.text")
    assert member.contact().state == State.MEMBER


def test_an_erase_button_of_long_ago_only_asks_again(member: Line) -> None:
    member.play("DELETE", "no")
    assert member.press("delete:yes") == member.says("delete.confirm")
    assert member.contact().state == State.MEMBER


def test_somebody_who_is_leaving_cannot_be_kept_by_stop(member: Line) -> None:
    member.play("DELETE", "yes")
    assert member.write("STOP") == ""
    assert member.write("hello?") == ""
    assert member.contact().state == State.LEAVING


def test_the_same_words_before_the_answer_has_left_count_once(line: Line) -> None:
    line.play("START", "1")
    line.press("reg:consent:yes")
    assert line.press("reg:consent:yes") == ""  # pressed twice: the question after it stays as it is
    assert line.contact().state == State.NEW


def test_texts_of_people_who_did_not_join_are_not_kept(line: Line) -> None:
    line.play("START", "1", "my name is Thabo", "no", "really no")
    with line.database.begin() as db:
        assert {(row.text, row.payload) for row in db.scalars(select(InboxMessage))} == {(None, None)}
