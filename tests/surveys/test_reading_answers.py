"""What people type, read as the value an XForm stores."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.channels.base import Inbound, Media
from bot.content import Content
from bot.surveys.form import Bind, Question, Range, Type
from bot.surveys.reading import Listener, Problem, Unread, read
from bot.surveys.spelling import Option, distance

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone(timedelta(hours=2)))
COUNTRIES = [
    Option("ZA", ("South Africa", "Afrique du Sud")),
    Option("GB", ("United Kingdom", "Royaume-Uni")),
    Option("CI", ("Ivory Coast", "Côte d’Ivoire")),
    Option("other", ("Another country", "Un autre pays")),
]
JOBS = [
    Option("employee", ("Employee", "Salarié(e)")),
    Option("self", ("Self-employed", "Indépendant(e)")),
    Option("student", ("Student", "Étudiant(e)")),
    Option("care", ("Home, family and care", "Foyer et famille")),
]
YES_NO = [Option("yes", ("Yes", "Oui")), Option("no", ("No", "Non")), Option("pnts", ("Prefer not to say",))]


@pytest.fixture(scope="module")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


def question(kind: Type, *, appearance: str = "", bounds: Range | None = None) -> Question:
    return Question("/data/q", "q", Bind(), {}, {}, frozenset(appearance.split()), kind, range=bounds)


def said(text: str = "", **parts: object) -> Inbound:
    kind = "text" if text else "media"
    return Inbound("telegram", "bot", "1", "100", kind, text, **parts)  # type: ignore[arg-type]


def reader(content: Content, kind: Type, options: list[Option] | None = None, **form: object):  # type: ignore[no-untyped-def]
    def read_text(text: str, language: str = "en") -> str | Problem:
        asked = question(kind, **form)  # type: ignore[arg-type]
        found = read(asked, options or [], said(text), Listener(content, language, NOW))
        return found.problem if isinstance(found, Unread) else found

    return read_text


@pytest.mark.parametrize(
    "text",
    [
        "1",
        " 1. ",
        "(1)",
        "#1",
        "1️⃣",
        "ZA",
        "za",
        "South Africa",
        "SOUTH AFRICA!",
        "afrique du sud",
        "south",
        "Suoth Africa",
    ],
)
def test_a_choice_is_known_by_number_code_label_or_close_spelling(content: Content, text: str) -> None:
    assert reader(content, Type.SELECT_ONE, COUNTRIES)(text) == "ZA"


def test_accents_and_apostrophes_do_not_matter(content: Content) -> None:
    assert reader(content, Type.SELECT_ONE, COUNTRIES)("cote d'ivoire", "fr") == "CI"


@pytest.mark.parametrize("text", ["0", "5", "17", "Norway", "a", "?", "1 2", "I do not know"])
def test_what_is_not_among_the_choices_is_refused(content: Content, text: str) -> None:
    assert reader(content, Type.SELECT_ONE, COUNTRIES)(text) is Problem.CHOICE


def test_a_spelling_as_near_to_two_choices_is_nobodys(content: Content) -> None:
    gender = [Option("f", ("Woman",)), Option("m", ("Womin",))]
    assert reader(content, Type.SELECT_ONE, gender)("Womn") is Problem.CHOICE


def test_employed_is_an_employee_and_not_self_employed(content: Content) -> None:
    assert reader(content, Type.SELECT_ONE, JOBS)("employed") == "employee"


def test_digits_are_never_forgiven(content: Content) -> None:
    ages = [Option("18_24", ("18–24",)), Option("25_34", ("25–34",)), Option("35_44", ("35–44",))]
    read_age = reader(content, Type.SELECT_ONE, ages)
    assert read_age("25-34") == "25_34"
    assert read_age("25-35") is Problem.CHOICE


def test_a_label_that_is_a_number_wins_over_the_place_in_the_list(content: Content) -> None:
    falling = [Option("c5", ("5",)), Option("c4", ("4",)), Option("c1", ("1",))]
    assert reader(content, Type.SELECT_ONE, falling)("1") == "c1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("oui", "yes"),
        ("Ee", "yes"),
        ("inde", "yes"),
        ("wi", "yes"),
        ("ok", "yes"),
        ("che", "no"),
        ("ayi", "no"),
        ("non", "no"),
    ],
)
def test_yes_and_no_are_understood_in_five_languages(content: Content, text: str, value: str) -> None:
    assert reader(content, Type.SELECT_ONE, YES_NO)(text) == value


def test_both_spellings_of_sesotho_are_the_same_word(content: Content) -> None:
    crops = [Option("questions", ("Lipotso",)), Option("rest", ("Phomolo",))]
    read_crop = reader(content, Type.SELECT_ONE, crops)
    assert read_crop("dipotso", "st") == "questions"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,3", "employee student"),
        ("3 1", "employee student"),
        ("1 and 3", "employee student"),
        ("1; 3; 1", "employee student"),
        ("salarié(e) et étudiant(e)", "employee student"),
        ("Home, family and care", "care"),
        ("2", "self"),
        ("1، 3", "employee student"),
        ("１，３", "employee student"),
        ("Employee\nStudent", "employee student"),
        ("Home,\u00a0family and\u202fcare", "care"),
    ],
)
def test_several_choices_are_read_in_the_order_of_the_form(content: Content, text: str, value: str) -> None:
    assert reader(content, Type.SELECT_MULTIPLE, JOBS)(text) == value


@pytest.mark.parametrize("text", ["1 9", "1-3", "1\u20113", "1, mining", ",", "and"])
def test_one_unclear_part_makes_the_whole_answer_unclear(content: Content, text: str) -> None:
    assert reader(content, Type.SELECT_MULTIPLE, JOBS)(text) is Problem.CHOICE


def test_a_ranking_names_every_choice_once_in_its_order(content: Content) -> None:
    rank = reader(content, Type.RANK, JOBS)
    assert rank("2 1 4 3") == "self employee care student"
    assert rank("2 1") is Problem.RANK


def test_a_long_list_is_narrowed_by_what_was_typed(content: Content) -> None:
    towns = [Option(f"t{n}", (f"Town {n}",)) for n in range(1, 30)] + [Option("lp", ("Lilongwe Paddock",))]
    found = read(question(Type.SELECT_ONE), towns, said("Tow"), Listener(content, "en", NOW))
    assert isinstance(found, Unread)
    assert found.problem is Problem.MATCHES
    assert len(found.matches) == 10
    alone = read(question(Type.SELECT_ONE), towns, said("paddock"), Listener(content, "en", NOW))
    assert isinstance(alone, Unread)
    assert [option.value for option in alone.matches] == ["lp"]


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("1 000,5", "fr", "1000.5"),
        ("1,000.5", "en", "1000.5"),
        ("R500", "en", "500"),
        ("0", "en", "0"),
        ("-2,5", "fr", "-2.5"),
        ("1000.50", "en", "1000.5"),
        ("2 million", "en", Problem.NUMBER),
        ("1" * 40, "en", Problem.NUMBER),
        ("two", "en", Problem.NUMBER),
    ],
)
def test_decimals_are_read_as_the_language_writes_them(content: Content, text: str, language: str, value: str) -> None:
    assert reader(content, Type.DECIMAL)(text, language) == value


def test_an_integer_has_no_fraction(content: Content) -> None:
    whole = reader(content, Type.INTEGER)
    assert whole("2 015", "fr") == "2015"
    assert whole("3.0") == "3"
    assert whole("3.5") is Problem.WHOLE


def test_a_range_keeps_its_bounds_and_its_step(content: Content) -> None:
    halves = reader(content, Type.RANGE, bounds=Range(1, 5, 0.5))
    assert halves("2.5") == "2.5"
    assert halves("2.4") is Problem.RANGE
    assert halves("6") is Problem.RANGE
    found = read(question(Type.RANGE, bounds=Range(10, 0, 1)), [], said("11"), Listener(content, "en", NOW))
    assert isinstance(found, Unread)
    assert found.values == {"low": "0", "high": "10"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12 mars 1990", "1990-03-12"),
        ("12/3/1990", "1990-03-12"),
        ("March 12th, 1990", "1990-03-12"),
        ("soon", Problem.DATE),
        ("12\u202fmars\u00a01990", "1990-03-12"),
        ("12/3/90", Problem.SHORT_YEAR),
        ("12 mars 90", Problem.SHORT_YEAR),
        ("30/2/1990", Problem.DATE),
    ],
)
def test_dates_are_read(content: Content, text: str, value: str) -> None:
    assert reader(content, Type.DATE)(text, "fr") == value


def test_a_form_may_ask_for_a_year_or_a_month_only(content: Content) -> None:
    assert reader(content, Type.DATE, appearance="year")("1990") == "1990-01-01"
    assert reader(content, Type.DATE, appearance="month-year")("mars 1990", "fr") == "1990-03-01"
    assert reader(content, Type.DATE, appearance="month-year")("3/1990", "fr") == "1990-03-01"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18:30", "18:30:00.000"),
        ("18h30", "18:30:00.000"),
        ("18h", "18:00:00.000"),
        ("6.30 pm", "18:30:00.000"),
        ("12 a.m.", "00:00:00.000"),
        ("12pm", "12:00:00.000"),
        ("6:30\u202fp. m.", "18:30:00.000"),
        ("18：30", "18:30:00.000"),
        ("6", Problem.TIME),
        ("25:00", Problem.TIME),
        ("13 pm", Problem.TIME),
    ],
)
def test_times_are_read_and_a_bare_number_is_not_one(content: Content, text: str, value: str) -> None:
    assert reader(content, Type.TIME)(text) == value


def test_a_moment_is_a_date_and_a_time_in_the_persons_zone(content: Content) -> None:
    moment = reader(content, Type.DATETIME)
    assert moment("12 March 1990, 18:30") == "1990-03-12T18:30:00.000+02:00"
    assert moment("12 March 1990") is Problem.MOMENT


def test_a_place_is_a_location_or_two_numbers(content: Content) -> None:
    listener = Listener(content, "en", NOW)
    shared = Inbound("telegram", "bot", "1", "100", "location", location=(-29.31, 27.48))
    assert read(question(Type.GEOPOINT), [], shared, listener) == "-29.31 27.48 0 0"
    typed = reader(content, Type.GEOPOINT)
    assert typed("-29.31, 27.48") == "-29.31 27.48 0 0"
    assert typed("−29,31; 27,48") == "-29.31 27.48 0 0"
    assert typed("91, 10") is Problem.PLACE
    assert typed("Maseru") is Problem.PLACE_NAME


def test_media_must_be_of_the_kind_that_is_asked_for(content: Content) -> None:
    listener = Listener(content, "en", NOW)
    photo, voice = Media("image", "file-1"), Media("audio", "file-2")
    as_document = Media("document", "file-3", "image/png")
    assert read(question(Type.IMAGE), [], said(media=(photo,)), listener) == "file-1"
    assert read(question(Type.IMAGE), [], said(media=(as_document,)), listener) == "file-3"
    assert read(question(Type.FILE), [], said(media=(voice,)), listener) == "file-2"
    for refused in (said(media=(voice,)), said("a house")):
        found = read(question(Type.IMAGE), [], refused, listener)
        assert isinstance(found, Unread)
        assert found.problem is Problem.MEDIA
        assert found.values["wanted"] == "Send a photo."
    asked = read(question(Type.AUDIO), [], said(media=(photo,)), listener)
    assert isinstance(asked, Unread)
    assert asked.values["wanted"] == "Send a voice message or a sound file."


def test_a_picture_does_not_answer_a_question_in_writing(content: Content) -> None:
    found = read(question(Type.TEXT), [], said(media=(Media("image", "f"),)), Listener(content, "en", NOW))
    assert found == Unread(Problem.TEXT_ONLY)


def test_text_is_kept_as_written_up_to_a_limit(content: Content) -> None:
    assert reader(content, Type.TEXT)("  Ha Thetsane, 2nd street ") == "Ha Thetsane, 2nd street"
    assert reader(content, Type.TEXT)("x" * 2001) is Problem.TOO_LONG


def test_distance_counts_a_swap_as_one() -> None:
    assert distance("suoth", "south") == 1
    assert distance("", "abc") == 3
    assert distance("mine", "mine") == 0


def test_the_clock_of_the_listener_is_the_persons(content: Content) -> None:
    late = Listener(content, "en", datetime(2026, 3, 4, 23, 30, tzinfo=UTC).astimezone(NOW.tzinfo))
    assert read(question(Type.DATE), [], said("today"), late) == "2026-03-05"
