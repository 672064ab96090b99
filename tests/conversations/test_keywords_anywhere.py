"""Keywords work from anywhere and in every language, but an answer that is offered is an answer."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.contacts import service as contacts
from bot.contacts.models import Contact, State
from bot.content import Keyword
from bot.content.keywords import read_words
from bot.content.languages import LANGUAGES
from bot.conversations.models import Dialogue, Ticket
from bot.events import service as events
from bot.events.models import Answer, Rsvp
from bot.messaging.models import InboxMessage, OutboxMessage, ReceivedFile, Status
from bot.surveys import service as surveys
from tests.conversations.conftest import Line
from tests.conversations.test_odd_messages import STAGES

#: Nothing here depends on the engine.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FORM = """
| survey |
| | type | name | label |
| | select_one words | word | Which word? |
| | text | story | Tell us more. |
| choices |
| | list_name | name | label |
| | words | data | Data |
| | words | training | Training |
| | words | more | Plus |
| | words | contact | Contact |
| | words | help | Help |
| | words | start | Start |
| | words | no | No |
| | words | stop | Stop |
| settings |
| | form_title | form_id | version |
| | Words | words | 1 |
"""


@pytest.fixture
def in_survey(member: Line) -> Line:
    """A member at the open question of a survey whose answers are all keywords."""
    with member.database.begin() as db:
        surveys.publish(db, FORM.encode(), "words.md")
    assert "Which word?" in member.write("SURVEY")
    return member


@pytest.mark.parametrize("word", ["Data", "TRAINING", "plus", "Contact", "help", "start", "No"])
def test_an_answer_of_the_open_survey_question_wins_over_the_keyword(in_survey: Line, word: str) -> None:
    assert "Tell us more." in in_survey.write(word)


def test_stop_alone_always_stops(in_survey: Line) -> None:
    assert in_survey.write("Stop") == in_survey.says("stop.confirmed")
    assert in_survey.contact().state == State.STOPPED


def test_a_keyword_that_is_no_answer_works_in_a_survey_and_leaves_it_open(in_survey: Line) -> None:
    assert in_survey.write("COSTS").startswith(in_survey.says("costs.text"))
    assert "Tell us more." in in_survey.write("data")


@pytest.mark.parametrize("stage", STAGES)
def test_stop_stops_at_any_point(line: Line, stage: str) -> None:
    for text in STAGES[stage]:
        line.write(text)
    line.write("stop")
    assert [message.text for message in line.answers] in ([line.says("stop.confirmed")], [line.says("stop.already")])
    assert line.contact().state in (State.DECLINED, State.UNDERAGE, State.STOPPED)
    with line.database.begin() as db:
        assert db.scalars(select(Dialogue.step)).one() is None


@pytest.mark.parametrize("word", ["ARRÊT!", " Stop. ", "unsubscribe", "Emisa", "siya", "aret", "STOP 🛑", "/stop"])
def test_stop_stops_in_any_spelling_and_language(member: Line, word: str) -> None:
    assert member.write(word) == member.says("stop.confirmed")


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("nowhere", "member")])
def test_questions_about_us_leave_the_open_question_open(line: Line, stage: str) -> None:
    line.play(*STAGES[stage])
    with line.database.begin() as db:
        before = db.scalars(select(Dialogue.step)).one()
    for word, key in {
        "HELP": "help.text",
        "ABOUT": "about.text",
        "COSTS": "costs.text",
        "VERIFY": "verify.text",
    }.items():
        assert line.write(word).startswith(line.says(key))
    with line.database.begin() as db:
        after = db.scalars(select(Dialogue.step)).one()
    assert after == before or before in ("profile", "choice")


def test_every_word_that_leads_somewhere_does_so_for_a_member(member: Line, messages_dir: Path) -> None:
    lost = (member.says("unknown.text"), member.says("registration.not_understood"))
    answering = {"YES", "NO", "MAYBE", "BACK", "SKIP", "CHANGE", "WHY", "PAUSE", "DONE", "MORE"}
    words = [word for word in read_words(messages_dir) if word.meaning not in {"STOP", "START", *answering}]
    for word in words:
        assert member.write(word.written) not in lost, word
    assert {word.meaning for word in words} | {"STOP", "START", *answering} == set(Keyword)


def test_an_interest_of_that_name_is_an_interest(line: Line) -> None:
    """In French the training sessions are called as the keyword that lists the sessions."""
    line.play("START", "Français", "oui", "oui", "2", "passer", "Lyon")
    assert "Formations" in line.write("Formations")
    with line.database.begin() as db:
        assert contacts.interests(db, line.contact()) == ["training"]


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("nowhere", "language")])
@pytest.mark.parametrize("way", ["typed", "number", "button"])
def test_language_changes_at_once_and_the_open_question_comes_again(line: Line, stage: str, way: str) -> None:
    line.play(*STAGES[stage])
    with line.database.begin() as db:
        step, data = db.execute(select(Dialogue.step, Dialogue.data)).one()
    line.write("LANGUAGE")
    answer = {"typed": lambda: line.write("français"), "number": lambda: line.write("2")}.get(
        way, lambda: line.press("menu:language:fr")
    )()
    assert line.contact().language == "fr"
    assert LANGUAGES["fr"].name in answer
    if step and step not in ("profile", "choice", "human"):
        with line.database.begin() as db:
            assert db.execute(select(Dialogue.step, Dialogue.data)).one() == (step, data)
        assert len(line.answers) == 2


def test_a_word_that_is_no_language_is_asked_again_and_menu_leads_out(member: Line) -> None:
    assert member.play("LANGUAGE", "Klingon") == member.says("language.choose")
    assert member.write("MENU") == member.says("menu.text")
    assert member.write("English") == member.says("unknown.text")


def test_a_newcomer_who_writes_language_is_asked_to_join(line: Line) -> None:
    assert "Choose your language" in line.write("LANGUAGE")
    assert line.says("registration.welcome") in line.write("English")


def test_a_typed_number_picks_from_the_menu(member: Line) -> None:
    member.write("MENU")
    assert member.write("4").startswith(member.says("profile.summary"))


def test_a_typed_number_picks_a_session(member: Line) -> None:
    with member.database.begin() as db:
        for title in ("Saving well", "Buying land"):
            start = (clock.now() + timedelta(days=9)).replace(tzinfo=None)
            given = {"title": {"en": title}, "starts_local": start, "zone": "Africa/Maseru"}
            events.publish(db, events.create(db, minutes=60, created_by="1", **given))
    assert "2. Buying land" in member.write("SESSIONS")
    assert member.write("2").startswith("Buying land")
    assert member.write("7") == member.says("unknown.text")


def test_help_from_a_person_waits_for_nothing_and_registration_goes_on_after_it(line: Line) -> None:
    line.play("START", "1", "yes", "yes", "1", "skip")
    question = line.write("HUMAN")
    assert question == line.says("human.ask")
    answer = line.write("Which papers do I need?")
    assert answer.startswith(line.says("human.received"))
    assert answer.endswith(line.says("registration.ask_residence"))
    with line.database.begin() as db:
        assert db.scalars(select(Ticket.text)).one() == "Which papers do I need?"


def test_other_words_wait_until_registration_is_finished(line: Line) -> None:
    line.play("START", "1", "yes", "yes")
    assert line.write("SESSIONS").startswith(line.says("registration.finish_first"))
    assert line.write("1") == line.says("registration.ask_link")


def test_strangers_reach_no_room_that_would_keep_something(line: Line) -> None:
    line.play("hello", "1")
    assert line.write("PROFILE").startswith(line.says("registration.finish_first"))
    line.write("no")
    for word in ("PROFILE", "SURVEY", "SESSIONS", "MENU", "hello"):
        assert line.write(word) == line.says("registration.declined")
    with line.database.begin() as db:
        assert db.scalars(select(Ticket)).all() == []


@pytest.mark.parametrize("before", [[], ["hello", "1"], ["hello", "1", "yes", "no"]])
@pytest.mark.parametrize(("word", "kind"), [("REPORT", "report"), ("HUMAN", "human")])
def test_a_stranger_asks_or_reports_and_only_the_words_are_kept(
    line: Line, before: list[str], word: str, kind: str
) -> None:
    for said in before:
        line.write(said)
    state, step = line.contact().state if before else State.NEW, line.answers[-1:]
    assert line.write(word) == line.says(f"{kind}.ask_stranger")
    assert line.photo() == line.says("human.in_words")
    answer = line.write("A man at +44 7911 123456 asks for 50 pounds in your name, my PIN is 4711")
    assert line.says("security.do_not_send") in answer
    answer = line.write("A man at +44 7911 123456 asks for 50 pounds in your name")
    assert answer.startswith(line.says(f"{kind}.received"))
    assert line.contact().state == state
    if before and state == State.NEW:
        assert line.answers[-1] == step[0], "the question that was open is asked again"
    assert line.says("mydata.question") in line.write("MY DATA")
    with line.database.begin() as db:
        ticket = db.scalars(select(Ticket)).one()
        assert (ticket.kind, "50 pounds" in ticket.text, "4711" in ticket.text) == (kind, True, False)
        assert [row.text or row.payload for row in db.scalars(select(InboxMessage)) if row.text or row.payload] == []
        assert {(file.status, file.reason) for file in db.scalars(select(ReceivedFile))} == {("failed", "not_kept")}


@pytest.mark.parametrize(
    "said", ["Please unsubscribe me!", "stop sending me messages", "Arrêtez de m’écrire.", "Chonde, lekani"]
)
def test_stop_is_understood_however_politely_or_not_it_is_put(member: Line, said: str) -> None:
    assert member.write(said) == member.says("stop.confirmed")


@pytest.mark.parametrize("language", ["Sesotho", "Chichewa", "Kreol Morisien"])
def test_who_chooses_a_language_that_is_being_checked_is_told_why_another_one_comes(line: Line, language: str) -> None:
    line.write("hello")
    welcome = line.write(language)
    assert f"{line.says('registration.welcome')}\n\n{line.says('language.partly')}" in welcome
    line.play("yes", "yes", "1", "skip")
    for odd in ("Madagascer", "Zzyzx", "Madagascer"):
        answer = line.write(odd)
        if odd == "Zzyzx":
            assert line.write("yes").startswith(line.says("registration.residence_unknown"))
    assert answer.startswith(line.says("registration.residence_confirm"))
    assert line.write("yes") == line.says("registration.ask_city")
    assert line.contact().residence == "MG"


def test_somebody_who_left_still_has_rights_over_what_we_keep(member: Line) -> None:
    member.write("STOP")
    assert member.says("mydata.summary") in member.write("MY DATA")
    assert member.write("CORRECT") == member.says("correct.how")
    member.play("PROFILE", "2", "Malawi")
    assert member.contact().origin == "MW"
    assert member.play("PROFILE", "6") == member.says("stop.already")
    assert member.play("HUMAN", "Did you erase my number?") == member.says("human.received")
    assert member.write("SURVEY") == member.says("stop.already")
    assert member.contact().state == State.STOPPED


def test_a_member_who_changes_a_detail_can_turn_to_something_else(member: Line) -> None:
    member.play("PROFILE", "3")
    assert member.write("MENU") == member.says("menu.text")
    assert member.write("hello") == member.says("unknown.text")


@pytest.mark.parametrize(("number", "answer", "name", "value"), [
    ("1", "Sesotho", "language", "st"),
    ("2", "Malawi", "origin", "MW"),
    ("3", "Durban", "city", "Durban"),
    ("4", "Durban", "city", "Durban"),
])  # fmt: skip
def test_each_detail_can_be_changed(member: Line, number: str, answer: str, name: str, value: str) -> None:
    member.play("PROFILE", number, answer)
    assert getattr(member.contact(), name) == value


def test_a_new_country_asks_for_town_and_zone(member: Line) -> None:
    assert member.play("PROFILE", "3", "Canada") == member.says("registration.ask_city")
    assert "time zone" in member.write("Moose Jaw")
    assert member.write("Calgary, Edmonton") == member.says("profile.changed")
    contact = member.contact()
    assert (contact.residence, contact.city, contact.zone) == ("CA", "Moose Jaw", "America/Edmonton")
    member.play("PROFILE", "4", "Vancouver, Victoria")
    assert member.contact().zone == "America/Vancouver"


def test_a_known_town_answers_for_the_zone(member: Line) -> None:
    assert member.play("PROFILE", "3", "Australia", "Perth") == member.says("profile.changed")
    assert member.contact().zone == "Australia/Perth"


def test_a_number_beyond_the_list_shows_the_list_again(member: Line) -> None:
    assert member.play("PROFILE", "10").startswith(member.says("registration.not_understood"))
    member.play("2", "Mauritius")
    assert member.contact().origin == "MU"


def test_every_optional_question_can_be_skipped(line: Line) -> None:
    answer = line.play("START", "English", "yes", "yes", "SKIP", "SKIP", "SKIP")
    assert answer == line.says("registration.done")
    with line.database.begin() as db:
        contact = db.scalars(select(Contact)).one()
    assert (contact.state, contact.origin, contact.residence, contact.zone) == (State.MEMBER, None, None, None)
    assert line.write("MY DATA").count(line.says("profile.not_given")) == 5


def invite(line: Line) -> None:
    """Let the member have received an invitation to a session."""
    who, start = line.contact().id, (clock.now() + timedelta(days=9)).replace(tzinfo=None)
    with line.database.begin() as db:
        event = events.create(
            db, title={"en": "Saving well"}, starts_local=start, zone="Africa/Maseru", minutes=60, created_by="1"
        )
        events.publish(db, event)
        events.invite(db, line.router.content, event, [who])
        row = db.scalars(select(OutboxMessage).where(OutboxMessage.kind == "invitation")).one()
        row.status, row.sent_at, row.external_id = Status.SENT, clock.now(), "m-1"


@pytest.mark.parametrize(
    ("said", "meant"), [("Yes", "yes"), ("oui", "yes"), ("MAYBE", "maybe"), ("no", "no"), ("peut-être", "maybe")]
)
def test_a_typed_answer_belongs_to_the_invitation_sent_last(member: Line, said: str, meant: str) -> None:
    assert member.write(said) == member.says("unknown.text")
    invite(member)
    assert "Saving well" in member.write(said)
    with member.database.begin() as db:
        assert db.scalars(select(Rsvp.answer)).one() == meant


def test_a_templates_button_belongs_to_the_invitation_it_answers(member: Line) -> None:
    invite(member)
    member.write("Yes", "button", button="yes", replies_to="m-1")
    with member.database.begin() as db:
        assert db.scalars(select(Rsvp.answer)).one() == Answer.YES
    assert member.write("Yes", "button", button="yes", replies_to="another") == member.says("unknown.text")


def test_the_templates_buttons_of_a_survey_open_and_pause_it(member: Line) -> None:
    with member.database.begin() as db:
        surveys.publish(db, FORM.encode(), "words.md")
    assert "Which word?" in member.press("begin")
    assert member.press("later") == member.says("survey.paused")
    assert "Which word?" in member.press("continue")
    assert "Which word?" in member.write("SURVEY")
    assert member.play("PAUSE") == member.says("survey.paused")
    assert member.press("later") == ""


def test_a_language_button_of_the_menu_answers_the_first_question_too(line: Line) -> None:
    line.write("START")
    assert line.press("menu:language:fr").startswith(line.says("registration.welcome"))
    assert line.contact().language == "fr"
