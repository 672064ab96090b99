"""The mapping survey that ships, answered from the first question to the last."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.surveys.models import Disposition, Missing
from tests.surveys.chat import Chat

# What one person says, in English and in French, and what the form stores of it.
STORY = [
    ("consent", "yes", "oui", "yes"),
    ("adult", "1", "Oui", "yes"),
    ("origin", "Lesotho", "lesotho", "LS"),
    ("link", "1, 2", "J'y suis né(e), 2", "born citizen"),
    ("age_band", "25-34", "25–34 ans", "25_34"),
    ("gender", "woman", "femme", "f"),
    ("residence", "south africa", "AFRIQUE DU SUD", "ZA"),
    ("city", "Welkom", "Welkom", "Welkom"),
    ("arrival_year", "2 015", "2015", "2015"),
    ("reason", "Work", "travail", "work"),
    ("status", "skip", "passer", None),
    ("education", "4", "4", "vocational"),
    ("employment", "employe", "salarie e", "employee"),
    ("sector", "Farming, food, fishing", "1", "agri"),
    ("return_plan", "yes, later", "oui plus tard", "yes5"),
    ("skills", "digital and health", "1 3", "health ict"),
    ("transfer", "1", "Mentorat en ligne", "mentor"),
    ("remit", "y", "wi", "yes"),
    ("remit_freq", "Every month", "chaque mois", "monthly"),
    ("remit_channel", "mobile money", "argent mobile", "mobile"),
    ("remit_currency", "ZAR", "1", "ZAR"),
    ("remit_amount", "R1,000.50", "1 000,50", "1000.5"),
    ("remit_fee", "50", "50", "50"),
    ("remit_use", "1 2", "1,2", "food school"),
    ("remit_problems", "high fees", "frais eleves", "cost"),
    ("accounts", "1", "1", "bank"),
    ("saves", "Yes, sometimes", "2", "sometimes"),
    ("confidence", "3", "3", "3"),
    ("invested", "no", "non", "no"),
    ("interest", "very interested", "1", "very"),
    ("instruments", "1 and 2", "1 et 2", "deposit govbond"),
    ("invest_band", "1", "1", "lt500"),
    ("invest_sectors", "SKIP", "PASSER", None),
    ("barriers", "corruption", "corruption", "corruption"),
    ("trust_source", "Prefer not to say", "10", "pnts"),
    ("membership", "No", "non", "no"),
    ("topics", "1", "1", "budget"),
    ("contact_channel", "telegram", "telegram", "telegram"),
    ("contact_ok", "1", "1", "session"),
    ("comment", "Keep it up", "Continuez", None),
]


@pytest.fixture(scope="session")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture(params=["telegram", "whatsapp"])
def chat(request: pytest.FixtureRequest, database: Database, content: Content, frozen: object) -> Chat:
    return Chat(database, content, channel=request.param)


@pytest.fixture
def mapping(chat: Chat, messages_dir: Path) -> int:
    path = messages_dir / "surveys" / "diaspora_mapping.xlsx"
    return chat.publish(path.read_bytes(), path.name)


def tell(chat: Chat, column: int, *, until: str = "") -> str:
    """Answer in the language of `column`, up to the question named `until`."""
    for row in STORY:
        if row[0] == until:
            break
        assert (chat.run().path or "").endswith(f"/{row[0]}")
        heard = chat.say(row[column])
    return heard


def expected(column: int) -> dict[str, str | None]:
    values = {row[0]: row[3] for row in STORY}
    return values | {"comment": STORY[-1][column], "remit_cost_pct": "5"}


def test_the_mapping_is_answered_in_english(chat: Chat, mapping: int) -> None:
    first = chat.begin(mapping)
    assert "About 41 questions" in first
    assert "1 of about 41" in first
    review = tell(chat, 1)
    assert "9. In which year did you start living there?" in review
    assert "→ 2015" in review
    assert "Status" not in review
    assert "Thank you, your answers are saved" in chat.say("yes")
    assert chat.values() == expected(1)
    assert chat.run().disposition == Disposition.COMPLETED
    assert chat.run().completed_at == clock.now()


def test_the_mapping_is_answered_in_french(chat: Chat, mapping: int) -> None:
    chat.say_in("fr")
    assert "Acceptez-vous de participer ?" in chat.begin(mapping)
    assert "1 000,5" in tell(chat, 2).replace("\u202f", " ")
    chat.tap("Envoyer")
    assert chat.values() == expected(2)
    assert {answer.language for answer in chat.answers()} == {"fr"}


def test_the_language_can_change_half_way(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="gender")
    asked = chat.change_language("fr")
    assert "Quel est votre genre ?" in asked
    assert "6 sur environ" in asked
    assert "Dans quel pays vivez-vous actuellement ?" in chat.say("femme")
    languages = {answer.name: answer.language for answer in chat.answers()}
    assert (languages["age_band"], languages["gender"]) == ("en", "fr")


def test_kreol_members_get_the_french_form_and_basotho_the_english_one(chat: Chat, mapping: int) -> None:
    chat.say_in("mfe")
    assert "Acceptez-vous de participer ?" in chat.begin(mapping)
    assert "Do you agree to take part?" in chat.change_language("st")


def test_four_kinds_of_missing_are_told_apart(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1)
    chat.say("yes")
    missing = {answer.name: answer.missing for answer in chat.answers()}
    assert missing["status"] == Missing.SKIPPED
    assert missing["trust_source"] == Missing.REFUSED
    assert missing["origin"] is None
    assert "residence_other" not in missing  # never asked


def test_what_was_said_is_kept_beside_the_code(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="reason")
    rows = {answer.name: answer for answer in chat.answers()}
    assert (rows["residence"].value, rows["residence"].said) == ("ZA", "south africa")
    assert (rows["city"].value, rows["city"].private) == (None, "Welkom")
    assert rows["arrival_year"].said == "2 015"
    assert {row.channel for row in rows.values()} == {chat.channel}


def test_a_wrong_answer_is_asked_again_with_the_reason_in_the_forms_own_words(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="arrival_year")
    assert "I could not read a number" in chat.say("long ago")
    assert "Enter a four-digit year, not in the future." in chat.say("3015")
    third = chat.say("15")
    assert "This question seems difficult. You can write SKIP" in third
    assert "In which year did you start living there?" in third
    assert "This question seems difficult" not in chat.say("16")
    assert "main reason for the move" in chat.say("2015")
    assert chat.run().failures == 0


def test_choices_that_exclude_each_other_are_refused(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="link")
    assert "cannot be combined" in chat.say("1 7")


def test_a_required_question_cannot_be_skipped(chat: Chat, mapping: int) -> None:
    assert "You may SKIP" not in chat.begin(mapping)
    assert "cannot be skipped" in chat.say("skip")


def test_back_asks_the_earlier_question_and_then_goes_on_where_it_was(chat: Chat, mapping: int) -> None:
    assert "nothing to go back to" in (chat.begin(mapping) and chat.say("back"))
    tell(chat, 1, until="residence")
    assert "What is your gender?" in chat.say("back")
    asked = chat.say("BACK")
    assert "Which age group are you in?" in asked
    assert "Your answer so far: 25–34. Write DONE to keep it." in asked
    assert "In which country do you live now?" in chat.say("35-44")
    assert chat.values()["age_band"] == "35_44"
    history = [row.value for row in chat.answers(all_rows=True) if row.name == "age_band"]
    assert history == ["25_34", "35_44"]


def test_done_keeps_an_earlier_answer(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="residence")
    chat.say("back")
    assert "In which country do you live now?" in chat.say("done")
    assert len([row for row in chat.answers(all_rows=True) if row.name == "gender"]) == 1


def test_change_at_the_end_opens_what_became_relevant_and_marks_what_became_moot(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1)
    assert "send money or goods home?" in chat.say("CHANGE 18")
    review = chat.say("no")
    assert "These are your answers" in review
    assert "How often do you usually send?" not in review
    assert "remit_freq" not in chat.values()
    kept = {row.name: row.relevant for row in chat.answers()}
    assert kept["remit_freq"] is False
    chat.say("change 13")
    assert "These are your answers" in chat.say("student")
    chat.say("change 17")  # sending money, which moved up by the sector that is moot
    chat.say("yes")
    assert chat.values()["remit_freq"] == "monthly"
    chat.say("ok")
    assert chat.run().disposition == Disposition.COMPLETED
    assert "sector" not in chat.values()


def test_a_change_that_breaks_a_later_answer_asks_that_one_again(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1)
    chat.say("change 22")
    asked = chat.say("40")
    assert "The fee cannot be negative or larger than the amount." in asked
    assert "how much was the fee" in asked
    assert "These are your answers" in chat.say("4")
    assert chat.values()["remit_fee"] == "4"


def test_change_without_a_number_lists_the_answers(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="gender")
    listed = chat.say("change")
    assert "5. Which age group are you in? → 25–34" in listed
    assert "There is no answer with the number 77" in chat.say("change 77")
    assert chat.run().path == "/data/g_profile/gender"


def test_why_is_answered_and_the_question_asked_again(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    told = chat.say("why")
    assert "We ask this to understand" in told
    assert "Do you agree to take part?" in told


def test_no_to_taking_part_ends_it_and_keeps_no_answer(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    assert chat.say("no") == "Thank you. We will not ask any more questions and nothing else is stored."
    assert chat.answers(all_rows=True) == []
    run = chat.run()
    assert run.disposition == Disposition.REFUSED
    assert "yes" not in run.state["values"].values()
    assert "no" not in run.state["values"].values()
    assert "Do you agree to take part?" in chat.offer()  # who comes back by themselves begins anew


def test_who_is_not_of_age_is_ineligible(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    chat.say("yes")
    assert "nothing else is stored" in chat.say("no")
    assert chat.run().disposition == Disposition.INELIGIBLE
    assert chat.answers(all_rows=True) == []


def test_a_survey_goes_on_after_days_on_the_other_channel(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1, until="gender")
    assert "Paused." in chat.say("pause")
    clock.advance(timedelta(days=5))
    chat.channel = "whatsapp" if chat.channel == "telegram" else "telegram"
    asked = chat.offer()
    assert "We continue" in asked
    assert "What is your gender?" in asked
    chat.say("woman")
    assert chat.answers()[-1].channel == chat.channel


def test_a_survey_is_answered_once(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    tell(chat, 1)
    last = chat.heard[-1].buttons[0].id
    chat.say("yes")
    assert "already answered" in chat.begin(mapping)
    assert "already answered" in chat.offer()
    assert "already answered" in chat.press(last)


def test_messages_fit_whatsapp(chat: Chat, mapping: int) -> None:
    chat.begin(mapping)
    for row in STORY:
        chat.say(row[1])
        for message in chat.heard:
            assert len(message.text) <= 1024
