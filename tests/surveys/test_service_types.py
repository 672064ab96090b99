"""Questions of every kind in chat: notes, repeats, places, pictures, long lists, ranks, ranges."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.content import Content
from bot.db import Database
from tests.surveys.chat import Chat

TOWNS = [f"Town {number}" for number in range(1, 24)] + ["Teyateyaneng"]


def form(survey: str, choices: str = "", name: str = "kinds") -> bytes:
    """Return a form in Markdown with these rows."""
    head = "| survey |\n| | type | name | label | hint | required | relevant | calculation | parameters | default |\n"
    lists = f"| choices |\n| | list_name | name | label |\n{choices}\n" if choices else ""
    settings = f"| settings |\n| | form_title | form_id | version |\n| | Kinds | {name} | 1 |\n"
    return f"{head}{survey}\n{lists}{settings}".encode()


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture
def chat(database: Database, content: Content, frozen: object) -> Chat:
    return Chat(database, content)


def test_notes_go_before_the_next_question_and_at_the_end(chat: Chat) -> None:
    rows = "| | note | n1 | Hello there. |\n| | text | a | First? |\n| | note | n2 | You said ${a}. |\n"
    rows += "| | acknowledge | ok | Understood? |\n| | note | n3 | Goodbye. |"
    first = chat.begin(chat.publish(form(rows), "f.md"))
    assert first.index("Hello there.") < first.index("1 of about 2") < first.index("First?")
    second = chat.say("me")
    assert "You said me." in second
    assert "Hello" not in second
    assert chat.labels() == ["Continue", "Skip"]
    chat.tap("Continue")
    assert "Goodbye." in chat.say("yes")
    assert chat.values() == {"a": "me", "ok": "OK"}


def test_a_repeat_asks_for_another_until_there_is_none(chat: Chat) -> None:
    rows = "| | begin_repeat | child | Children |\n| | text | name | Name? |\n| | integer | age | Age of ${name}? |\n"
    rows += "| | end_repeat |\n| | text | last | Anything else? |"
    assert "Children, number 1" in chat.begin(chat.publish(form(rows), "f.md"))
    assert "Age of Neo?" in chat.say("Neo")
    assert "add another one to “Children”" in chat.say("7")
    assert "Children, number 2" in chat.tap("Yes")
    chat.say("Lerato")
    chat.say("5")
    assert "Anything else?" in chat.tap("No")
    paths = [answer.path for answer in chat.answers()]
    assert paths == ["/data/child[1]/name", "/data/child[1]/age", "/data/child[2]/name", "/data/child[2]/age"]
    assert "Age of Lerato?" in chat.say("back")  # and so "no more" can be taken back
    assert "add another" in chat.say("8")
    chat.tap("Yes")
    chat.say("Palesa")
    chat.say("3")
    chat.say("no")
    chat.say("skip")
    assert len([answer for answer in chat.answers() if answer.name == "age"]) == 3


def test_a_double_tap_on_add_another_adds_one(chat: Chat) -> None:
    rows = "| | begin_repeat | child | Children |\n| | text | name | Name? |\n| | end_repeat |"
    chat.begin(chat.publish(form(rows), "f.md"))
    chat.say("Neo")
    yes = chat.button("Yes")
    chat.press(yes)
    assert "Name?" in chat.press(yes)
    chat.say("Thabo")
    assert "earlier question" in chat.press(yes)
    assert len(chat.answers()) == len(chat.run().state["done"])


def test_a_place_a_picture_a_time_and_a_range(chat: Chat) -> None:
    rows = "| | geopoint | place | Where? |\n| | image | roof | The roof? |\n| | time | at | At what time? |\n"
    rows += "| | range | trust | How much? | | | | | start=1 end=5 step=1 |\n| | date | day | Which day? |\n"
    rows += "| | dateTime | moment | When exactly? |"
    asked = chat.begin(chat.publish(form(rows), "f.md"))
    assert "Share a location" in asked
    assert "name of a place is not exact enough" in chat.say("Maseru")
    assert "Send a photo" in chat.send(location=(-29.31, 27.48))
    assert "not what this question needs. Send a photo." in chat.say("no roof")
    assert "18:30" in chat.photo()
    assert "from 1 to 5" in chat.say("6 pm")
    assert "from 1 to 5" in chat.say("6")
    chat.say("4")
    chat.say("12 March 1990")
    review = chat.say("12 March 1990, 18:30")
    assert "Where? → -29.31, 27.48" in review
    assert "The roof? → received" in review
    assert "At what time? → 18:00" in review
    assert "Which day? → Monday 12 March 1990" in review
    chat.say("yes")
    rows_kept = {answer.name: answer for answer in chat.answers()}
    assert rows_kept["place"].value is None
    assert (rows_kept["place"].private or "").startswith("-29.31 27.48 ")
    assert rows_kept["roof"].private == "file-1"
    assert rows_kept["trust"].value == "4"
    assert rows_kept["moment"].value == "1990-03-12T18:30:00.000+02:00"


def test_a_long_list_comes_in_pages_and_can_be_searched(chat: Chat) -> None:
    choices = "\n".join(f"| | town | t{number} | {town} |" for number, town in enumerate(TOWNS, 1))
    chat.begin(
        chat.publish(form("| | select_one town | town | Which town? |\n| | text | z | Next? |", choices), "f.md")
    )
    assert "Page 1 of 3" in chat.heard[-1].text
    assert "10. Town 10" in chat.heard[-1].text
    assert "11. Town 11" in chat.tap("More")
    assert "Page 3 of 3" in chat.say("more")
    assert chat.labels()[:2] == ["Town 21", "Town 22"]
    assert "1. Town 1\n" in chat.say("more")
    found = chat.say("Teya nonsense")
    assert "I did not find that" in found
    several = chat.say("tow")
    assert "near “tow”" in several
    assert chat.run().failures == 1
    chat.tap("Town 3")
    assert chat.values() == {"town": "t3"}
    chat.say("back")
    chat.say("teyateyanang")
    assert chat.values() == {"town": "t24"}


def test_typed_channels_get_long_lists_without_buttons(database: Database, content: Content, frozen: object) -> None:
    chat = Chat(database, content, channel="whatsapp")
    choices = "\n".join(f"| | town | t{number} | {town} |" for number, town in enumerate(TOWNS, 1))
    chat.begin(chat.publish(form("| | select_one town | town | Which town? |", choices), "f.md"))
    assert chat.labels() == []
    assert "Write MORE" in chat.heard[-1].text
    chat.say("MORE")
    chat.say("13")
    assert chat.values() == {"town": "t13"}


def test_a_rank_lists_all_in_the_members_order(chat: Chat) -> None:
    choices = "| | need | a | Water |\n| | need | b | Roads |\n| | need | c | Schools |"
    chat.begin(chat.publish(form("| | rank need | needs | In which order? |", choices), "f.md"))
    assert "each one once" in chat.say("2 1")
    assert "→ Roads, Water, Schools" in chat.say("2 1 3")


def test_a_default_is_shown_and_kept_with_done(chat: Chat) -> None:
    rows = "| | integer | people | How many people? | | | | | | 4 |\n| | text | z | Next? |"
    assert "Your answer so far: 4." in chat.begin(chat.publish(form(rows), "f.md"))
    assert "Next?" in chat.say("done")
    assert chat.values() == {"people": "4"}


def test_what_the_form_calculates_is_kept_at_the_end(chat: Chat) -> None:
    rows = "| | integer | a | A? |\n| | calculate | twice | | | | | ${a} * 2 |"
    chat.begin(chat.publish(form(rows), "f.md"))
    chat.say("21")
    chat.say("yes")
    assert chat.values() == {"a": "21", "twice": "42"}


def test_a_form_may_say_itself_how_a_run_ends(chat: Chat) -> None:
    rows = "| | select_one yn | farm | Do you farm? |\n"
    rows += "| | calculate | disposition | | | | | if(${farm} = 'no', 'ineligible', '') |"
    choices = "| | yn | yes | Yes |\n| | yn | no | No |"
    chat.begin(chat.publish(form(rows, choices), "f.md"))
    assert "keep none of your answers" in chat.say("no")
    assert chat.run().disposition == "ineligible"
    assert chat.answers(all_rows=True) == []


def test_a_question_that_time_made_moot_is_passed_over(chat: Chat) -> None:
    rows = "| | text | a | Today only? | | | today() < date('2026-03-05') |\n| | text | b | Always? |"
    assert "Today only?" in chat.begin(chat.publish(form(rows), "f.md"))
    clock.advance(timedelta(days=2))
    assert "Always?" in chat.say("said to what was asked two days ago")
    chat.say("yes indeed")
    assert chat.values() == {"b": "yes indeed"}


def test_hints_and_guidance_are_said(chat: Chat) -> None:
    data = (
        "| survey |\n| | type | name | label | hint | guidance_hint |\n"
        "| | text | a | Name of the village? | As on maps. | We compare villages. |\n"
        "| settings |\n| | form_title | form_id | version |\n| | Hints | hints | 1 |\n"
    )
    assert "Name of the village?\nAs on maps." in chat.begin(chat.publish(data.encode(), "h.md"))
    assert "We compare villages." in chat.say("why")


def test_a_picture_instead_of_words_is_asked_again(chat: Chat) -> None:
    chat.begin(chat.publish(form("| | text | a | Your view? |"), "f.md"))
    assert "Please answer in writing" in chat.photo()
