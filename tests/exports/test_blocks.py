import pytest

from bot.exports.blocks import records
from bot.exports.cases import Case, Given, Missing, Replies, Reply
from bot.exports.options import Options
from bot.exports.variables import tables
from bot.surveys.form import Form
from bot.surveys.xform import load

SHEET = b"""
| survey |
| | type | name | label |
| | begin_repeat | home | Home |
| | integer | rooms | Rooms |
| | begin_repeat | pet | Pet |
| | integer | legs | Legs |
| | integer | tails | Tails |
| | end_repeat | | |
| | integer | floors | Floors |
| | end_repeat | | |
| | begin_group | g | G |
| | begin_repeat | bird | Bird |
| | integer | wings | Wings |
| | end_repeat | | |
| | end_group | | |
"""


@pytest.fixture(scope="module")
def homes() -> Form:
    return load(SHEET, "homes.md")


def case(disposition: str, **answers: str) -> Case:
    """Return an interview; pet_2_1_legs="4" is the legs of the first pet in the second home."""
    replies: Replies = {}
    for key, value in answers.items():
        *numbers, name = key.split("_")
        path = {"rooms": "home/rooms", "floors": "home/floors", "wings": "g/bird/wings"}.get(name, f"home/pet/{name}")
        mine = replies.setdefault(tuple(map(int, numbers[1:])), {})
        mine[f"/data/{path}"] = Reply(Given(value, None), "2026-03-01")
    return Case("R1", 1, "1", disposition, "2026-03-01", "", "en", "telegram", "", "", replies)


def lines(form: Form, interview: Case) -> list[tuple[str, tuple[int, ...], list[str]]]:
    found = records([interview], {1: form}, tables([form], Options()))
    return [
        (each.table.name, each.numbers, [r.given.value or str(r.given.missing) for r in each.replies]) for each in found
    ]


def test_a_repeat_in_a_repeat_is_numbered_by_both(homes: Form) -> None:
    interview = case(
        "completed", home_1_rooms="3", home_2_rooms="5", pet_2_1_legs="4", pet_2_2_tails="1", bird_1_wings="2"
    )
    assert lines(homes, interview) == [
        ("", (), []),
        ("home", (1,), ["3", ".n"]),
        ("home", (2,), ["5", ".n"]),
        ("home-pet", (2, 1), ["4", ".n"]),
        ("home-pet", (2, 2), [".n", "1"]),
        ("g-bird", (1,), ["2"]),
    ]
    assert [table.head for table in tables([homes], Options())][1:] == [
        ("respondent", "home_number"),
        ("respondent", "home_number", "pet_number"),
        ("respondent", "bird_number"),
    ]


def test_in_a_repeat_what_comes_after_the_last_answer_was_not_reached(homes: Form) -> None:
    interview = case("partial", home_1_rooms="3", pet_1_1_tails="1", pet_1_2_legs="4")
    assert lines(homes, interview)[1:] == [
        ("home", (1,), ["3", str(Missing.OPEN)]),
        ("home-pet", (1, 1), [str(Missing.NOT_ASKED), "1"]),
        ("home-pet", (1, 2), ["4", str(Missing.OPEN)]),
    ]
