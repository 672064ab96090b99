import pytest

from bot.exports.codebook import asked_when, readable
from bot.exports.options import ExportError, Options
from bot.exports.privacy import Withheld, withheld
from bot.exports.variables import HEAD, NUMBER, Kind, tables
from bot.surveys.form import Form
from bot.surveys.xform import load


def test_words_files_identifiers_and_what_is_computed_from_them_are_withheld(form: Form) -> None:
    assert withheld(form, Options()) == {
        "/data/g_you/city": Withheld.FREE_TEXT,
        "/data/child/child_name": Withheld.FREE_TEXT,
        "/data/greeting": Withheld.DERIVED,
        "/data/stamp": Withheld.IDENTIFIER,
        "/data/meta/instanceID": Withheld.IDENTIFIER,
    }


def test_a_question_left_out_takes_what_is_computed_from_it_along(form: Form) -> None:
    hidden = withheld(form, Options(leave_out=frozenset({"amount"}), free_text=True))
    assert hidden["/data/g_you/amount"] is Withheld.LEFT_OUT
    assert hidden["/data/twice"] is Withheld.DERIVED
    assert "/data/g_you/city" not in hidden
    assert "/data/greeting" not in hidden


def test_leaving_out_a_question_that_is_not_there_is_refused() -> None:
    form = load(b"| survey |\n| | type | name | label |\n| | text | a | A |\n", "x.md")
    with pytest.raises(ExportError, match="no question b"):
        tables([form], Options(leave_out=frozenset({"b"})))


def test_locations_and_pictures_stay_even_with_free_text() -> None:
    questions = ("geopoint | place", "image | photo", "start | start", "deviceid | device")
    rows = "".join(f"| | {question} | L |\n" for question in questions)
    form = load(f"| survey |\n| | type | name | label |\n{rows}".encode(), "x.md", chat=False)
    hidden = withheld(form, Options(free_text=True))
    assert {path.split("/")[-1]: reason for path, reason in hidden.items()} == {
        "place": Withheld.LOCATION,
        "photo": Withheld.MEDIA,
        "device": Withheld.IDENTIFIER,
        "instanceID": Withheld.IDENTIFIER,
    }


def test_columns_stand_in_the_order_of_the_form_and_each_option_has_one(form: Form) -> None:
    main, child = tables([form], Options())
    assert main.headers == [
        *HEAD,
        "origin",
        *("skills", "skills/health", "skills/tech", "skills/pnts"),
        *("amount", "twice", "data/language", "moved"),
    ]
    assert child.headers == ["respondent", "child_number", "age"]


def test_groups_may_stand_before_the_names(form: Form) -> None:
    main, _ = tables([form], Options(groups=True))
    assert [variable.name for variable in main.variables][:2] == ["g_you/origin", "g_you/skills"]


def test_the_same_name_in_two_groups_gets_its_groups() -> None:
    rows = "".join(f"| | begin_group | {g} | G |\n| | integer | n | N |\n| | end_group | | |\n" for g in "ab")
    main, *_ = tables([load(f"| survey |\n| | type | name | label |\n{rows}".encode(), "x.md")], Options())
    assert [variable.name for variable in main.variables] == ["a/n", "b/n"]


def test_numbers_are_numbers_and_codes_are_numbers_when_all_are(form: Form) -> None:
    main, _ = tables([form], Options())
    kinds = {variable.name: variable.kinds(labels=False)[0] for variable in main.variables}
    assert kinds == {
        **{"origin": Kind.TEXT, "skills": Kind.TEXT, "amount": Kind.NUMBER, "twice": Kind.NUMBER},
        **{"data/language": Kind.NUMBER, "moved": Kind.DATE},
    }


@pytest.mark.parametrize("text", ["0", "-1", "12.50", "123456789012345"])
def test_a_number_a_spreadsheet_keeps(text: str) -> None:
    assert NUMBER.fullmatch(text)


@pytest.mark.parametrize("text", ["007", "1234567890123456789", "1e5", "+1", "1.", ".5", "٣", "", "1\n"])
def test_a_number_a_spreadsheet_would_change_stays_text(text: str) -> None:
    assert not NUMBER.fullmatch(text)


def test_conditions_are_told_by_name(form: Form) -> None:
    questions = {question.name: question for question in form.questions()}
    assert asked_when(form, questions["origin"]) == "always"
    assert asked_when(form, questions["amount"]) == "origin = 'LS' and selected(skills, 'health')"
    assert readable("count( ../../a/b ) > 1 and not( /data/c='x')") == "count(b) > 1 and not(c = 'x')"
