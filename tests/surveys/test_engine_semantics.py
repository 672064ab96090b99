"""What a form means: the same as in ODK, told by the trace."""

from typing import Any

import pytest

from bot.surveys.form import Form
from tests.surveys.sheets import calculated, form, row, states

Facts = dict[str, Any]


def last(made: Form, *ops: tuple[str, str, str]) -> dict[str, Facts]:
    return states(made, *ops)[-1]


def values(made: Form, path: str, *ops: tuple[str, str, str]) -> list[Any]:
    """Return the value at `path` at the start and after each op."""
    return [state.get(path, {}).get("value") for state in states(made, *ops)]


def given(path: str, value: str) -> tuple[str, str, str]:
    return ("set", f"/data/{path}", value)


REPEAT = [
    row("begin repeat", "m"), row("text", "who"), row("integer", "age"),
    row("calculate", "place", calculation="position(..)"), row("end repeat", "m"),
]  # fmt: skip


def test_an_irrelevant_answer_reads_as_empty_is_kept_and_comes_back() -> None:
    made = form([row("text", "a"), row("text", "b", relevant="${a} = 'x'"), row("calculate", "c", calculation="${b}")])

    assert values(made, "/data/c", given("a", "x"), given("b", "B"), given("a", "y"), given("a", "x")) == [
        "", "", "B", "", "B",
    ]  # fmt: skip


def test_what_is_in_an_irrelevant_group_is_irrelevant() -> None:
    made = form(
        [row("text", "a"), row("begin group", "g", relevant="${a} = 'x'"), row("text", "b"), row("end group", "g")]
    )

    assert last(made)["/data/g/b"] == {"relevant": False}
    assert last(made, given("a", "x"))["/data/g/b"]["relevant"]


def test_a_constraint_does_not_hold_against_nothing_and_required_only_against_nothing() -> None:
    made = form(
        [row("integer", "a", constraint=". > 5", constraint_message="more", required="yes", required_message="need")]
    )
    start, wrong, right = states(made, given("a", "3"), given("a", "7"))

    assert (start["/data/a"]["constraint_ok"], start["/data/a"]["required_ok"]) == (True, False)
    assert (wrong["/data/a"]["constraint_ok"], wrong["/data/a"]["required_ok"]) == (False, True)
    assert (right["/data/a"]["constraint_ok"], right["/data/a"]["constraint_msg"]) == (True, "more")


def test_a_calculation_that_gives_no_number_is_empty() -> None:
    assert calculated("${a} * 2", a="x") == ""
    assert calculated("${a} * 2", a="4") == "8"


def test_calculations_follow_each_other_whatever_their_order() -> None:
    made = form(
        [
            row("calculate", "c", calculation="${b} + 1"),
            row("calculate", "b", calculation="${a} * 2"),
            row("integer", "a"),
        ]
    )

    assert values(made, "/data/c", given("a", "3"), given("a", "4")) == ["", "7", "9"]


def test_an_edited_calculation_is_written_again_when_its_result_changes() -> None:
    made = form([row("integer", "a"), row("text", "b", calculation="if(${a} > 3, 'big', 'small')")])

    assert values(made, "/data/b", given("a", "1"), given("b", "mine"), given("a", "2"), given("a", "5")) == [
        "small", "small", "mine", "mine", "big",
    ]  # fmt: skip


def test_once_keeps_the_first_value() -> None:
    made = form([row("text", "a"), row("calculate", "b", calculation="once(${a})")])

    assert values(made, "/data/b", given("a", "x"), given("a", "y")) == ["", "x", "x"]


def test_defaults_are_set_when_a_run_and_when_an_instance_begins() -> None:
    made = form(
        [
            row("text", "a", default="hello"),
            row("date", "d", default="today()"),
            row("begin repeat", "r"),
            row("integer", "n", default="7"),
            row("text", "t", default="concat('now ', ${a})"),
            row("end repeat", "r"),
        ]
    )
    state = last(made, given("a", "bye"), ("add", "/data/r", ""))

    assert state["/data/d"]["value"] == "2024-05-06"
    assert (state["/data/r[1]/t"]["value"], state["/data/r[2]/t"]["value"]) == ("now hello", "now bye")
    assert state["/data/r[2]/n"]["value"] == "7"


def test_a_trigger_sets_a_value_when_its_question_changes_and_only_then() -> None:
    made = form([row("integer", "a"), row("text", "b", calculation="concat('a is ', ${a})", trigger="${a}")])

    assert values(made, "/data/b", given("a", "1"), given("b", "mine"), given("a", "1"), given("a", "2")) == [
        "", "a is 1", "mine", "mine", "a is 2",
    ]  # fmt: skip


def test_a_trigger_in_a_repeat_stays_in_its_instance() -> None:
    made = form(
        [
            row("begin repeat", "r"),
            row("integer", "a"),
            row("text", "b", calculation="${a} + 1", trigger="${a}"),
            row("end repeat", "r"),
        ]
    )
    state = last(made, ("add", "/data/r", ""), given("r[2]/a", "8"))

    assert (state["/data/r[1]/b"]["value"], state["/data/r[2]/b"]["value"]) == ("", "9")


def test_choices_follow_their_filter_and_a_lost_choice_reads_as_empty() -> None:
    choices = [
        {"list_name": "t", "name": n, "label": n.upper(), "country": c} for n, c in (("a", "x"), ("b", "y"), ("c", "x"))
    ]
    made = form(
        [
            row("text", "k"),
            row("select_one t", "q", choice_filter="country = ${k}"),
            row("calculate", "v", calculation="${q}"),
        ],
        choices,
    )
    steps = states(made, given("k", "x"), given("q", "c"), given("k", "y"), given("k", "x"))

    assert [step["/data/q"]["choices"] for step in steps[:2]] == [[], ["a", "c"]]
    assert steps[1]["/data/q"]["choice_labels"] == ["A", "C"]
    assert [step["/data/v"]["value"] for step in steps] == ["", "", "c", "", "c"]


def test_a_select_multiple_is_stored_in_the_order_of_its_choices() -> None:
    made = form([row("select_multiple yn", "q")])

    assert values(made, "/data/q", given("q", "no yes"), given("q", "no nonsense")) == ["", "yes no", "no"]


def test_a_rank_names_all_choices() -> None:
    made = form([row("rank yn", "q")])

    assert values(made, "/data/q", given("q", "no"), given("q", "no yes")) == ["", "", "no yes"]


def test_choices_may_come_from_a_repeat() -> None:
    made = form([*REPEAT, row("select_one ${who}", "head", choice_filter="${age} > 10")])
    state = last(
        made, given("m[1]/who", "Ann"), given("m[1]/age", "30"), ("add", "/data/m", ""), given("m[2]/who", "Bob"),
        given("m[2]/age", "5"),
    )  # fmt: skip

    assert state["/data/head"]["choices"] == ["Ann"]
    assert state["/data/head"]["choice_labels"] == ["Ann"]


def test_repeats_are_added_removed_and_renumbered() -> None:
    made = form([*REPEAT, row("calculate", "names", calculation="join(' ', ${who})")])
    state = last(
        made, given("m[1]/who", "A"), ("add", "/data/m", ""), given("m[2]/who", "B"), ("add", "/data/m", ""),
        given("m[3]/who", "C"), ("remove", "/data/m", "2"),
    )  # fmt: skip

    assert state["/data/m"] == {"relevant": True, "count": 2}
    assert state["/data/names"]["value"] == "A C"
    assert state["/data/m[2]/place"]["value"] == "2"


def test_a_counted_repeat_follows_its_count_and_forgets_what_it_drops() -> None:
    made = form(
        [row("integer", "n"), row("begin repeat", "r", repeat_count="${n}"), row("text", "x"), row("end repeat", "r")]
    )
    steps = states(made, given("n", "2"), given("r[2]/x", "B"), given("n", "1"), given("n", "2"), given("n", ""))

    assert [step["/data/r"]["count"] for step in steps] == [0, 2, 2, 1, 2, 2]
    assert steps[4]["/data/r[2]/x"]["value"] == ""


def test_a_count_beyond_reason_is_cut() -> None:
    made = form(
        [row("integer", "n"), row("begin repeat", "r", repeat_count="${n}"), row("text", "x"), row("end repeat", "r")]
    )

    assert last(made, given("n", "99999999"))["/data/r"]["count"] == 1000


def test_nested_repeats_are_told_apart() -> None:
    made = form(
        [
            row("begin repeat", "o"),
            row("begin repeat", "i"),
            row("text", "x"),
            row("end repeat", "i"),
            row("end repeat", "o"),
            row("calculate", "all", calculation="join(',', ${x})"),
            row("calculate", "one", calculation="indexed-repeat(${x}, ${o}, 2, ${i}, 1)"),
        ]
    )
    state = last(
        made, given("o[1]/i[1]/x", "a"), ("add", "/data/o", ""), ("add", "/data/o[2]/i", ""), given("o[2]/i[1]/x", "b"),
        ("add", "/data/o[1]/i", ""), given("o[1]/i[2]/x", "c"),
    )  # fmt: skip

    assert (state["/data/all"]["value"], state["/data/one"]["value"]) == ("a,c,b", "b")


def test_attached_files_are_looked_up() -> None:
    made = form(
        [row("text", "k"), row("calculate", "v", calculation="pulldata('towns', 'label', 'name', ${k})")],
        media={"towns.csv": b"name;label\nm;Maseru\nl;Leribe\n"},
    )

    assert values(made, "/data/v", given("k", "l"), given("k", "zz")) == ["", "Leribe", ""]


def test_texts_show_values_in_the_language_of_the_moment() -> None:
    made = form(
        [
            row("select_one yn", "a", **{"label::en": "A", "label::fr": "Aa"}),
            row("text", "b", **{"label::en": "You said ${c}", "label::fr": "Vous avez dit ${c}"}),
            row("calculate", "c", calculation="jr:choice-name(${a}, '${a}')", label=""),
        ],
        [{"list_name": "yn", "name": "yes", "label::en": "Yes", "label::fr": "Oui"}],
    )
    english, french = states(made, given("a", "yes"), ("language", "fr", ""))[1:]

    assert english["/data/b"]["label"].strip() == "You said Yes"
    assert french["/data/b"]["label"].strip() == "Vous avez dit Oui"
    assert french["/data/a"]["choice_labels"] == ["Oui"]


@pytest.mark.parametrize(
    ("kind", "written", "stored"),
    [
        ("integer", "3.7", "3"), ("integer", "abc", ""), ("integer", "9999999999", ""), ("decimal", "4999", "4999"),
        ("decimal", "x", ""), ("date", "2024-02-29", "2024-02-29"), ("date", "2023-02-29", ""), ("time", "25:00", ""),
        ("date", "2024-02-29T10:00:00", "2024-02-29"), ("time", "10:30:00.000+02:00", "10:30:00.000+02:00"),
        ("date", "1970-01-01", "1970-01-01"), ("dateTime", "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"),
        ("time", "1970-01-01T00:00:00Z", "00:00:00Z"),
        ("dateTime", "2024-02-29T10:00:00.000+02:00", "2024-02-29T10:00:00.000+02:00"), ("dateTime", "2024-02-29", ""),
        ("geopoint", "-29.3 27.5 0 0", "-29.3 27.5 0.0 0.0"), ("geopoint", "91 0", ""), ("geopoint", "here", ""),
        ("acknowledge", "OK", "OK"), ("acknowledge", "yes", ""), ("text", " as it is ", " as it is "),
        ("select_one yn", "nonsense", ""), ("geotrace", "1 1; 2 2", "1.0 1.0;2.0 2.0"), ("geotrace", "1 1", ""),
    ],
)  # fmt: skip
def test_values_are_stored_as_their_type(kind: str, written: str, stored: str) -> None:
    assert values(form([row(kind, "q")], chat=False), "/data/q", given("q", written))[-1] == stored


def test_a_range_takes_nothing_beyond_its_bounds() -> None:
    made = form([row("range", "q", parameters="start=1 end=5 step=1")])

    assert values(made, "/data/q", given("q", "5"), given("q", "6")) == ["", "5", ""]


def test_a_readonly_question_keeps_its_value() -> None:
    made = form([row("text", "a"), row("text", "b", default="set", read_only="${a} = 'x'")])

    assert values(made, "/data/b", given("b", "new"), given("a", "x"), given("b", "newer")) == [
        "set",
        "new",
        "new",
        "new",
    ]


def test_the_moment_and_the_identity_of_a_run_are_filled_in() -> None:
    made = form([row("start", "s"), row("today", "t"), row("end", "e"), row("text", "a")])
    state = last(made)

    assert state["/data/s"]["value"] == "2024-05-06T09:08:09.000+02:00"
    assert (state["/data/t"]["value"], state["/data/e"]["value"]) == ("2024-05-06", "")
    assert state["/data/meta/instanceID"]["value"].startswith("uuid:")


def test_a_moment_that_was_calculated_stays_until_what_it_reads_changes() -> None:
    made = form([row("text", "a"), row("calculate", "at", calculation="if(${a} != '', now(), '')")])

    assert values(made, "/data/at", given("a", "x")) == ["", "2024-05-06T09:08:09.000+02:00"]


def test_counted_repeats_within_counted_repeats_grow_no_further_than_a_run_may() -> None:
    made = form(
        [row("integer", "n"), row("begin repeat", "outer", repeat_count="${n}"), row("text", "a"),
         row("begin repeat", "inner", repeat_count="${n}"), row("text", "b"), row("end repeat", "inner"),
         row("end repeat", "outer")]
    )  # fmt: skip
    state = last(made, given("n", "1000"))

    assert state["/data/outer"]["count"] == 1000
    assert len(state) < 60_000
    assert values(made, "/data/outer[2]/inner[2]/b", given("n", "1000"), given("n", "2"), given("n", "3"))[-1] == ""


def test_a_counted_repeat_grows_as_one_change() -> None:
    made = form(
        [row("integer", "n"), row("begin repeat", "m", repeat_count="${n}"),
         row("integer", "first", default="count(../../m)"), row("end repeat", "m")]
    )  # fmt: skip

    assert last(made, given("n", "3"))["/data/m[1]/first"]["value"] == "3"


def test_an_edited_calculation_is_written_again_when_its_result_changes_though_it_is_no_value_here() -> None:
    made = form([row("text", "a"), row("integer", "b", calculation="concat(${a}, '!')")])

    assert values(made, "/data/b", given("a", "x"), given("b", "7"), given("a", "y")) == ["", "", "7", ""]


def test_what_a_node_holds_is_no_reason_for_it_to_be_relevant() -> None:
    made = form(
        [
            row("integer", "a"),
            row("integer", "b", default="5", relevant="once(${a}) > 2"),
            row("begin group", "g", relevant="once(${a}) > 2"),
            row("integer", "c", default="5"),
            row("end group", "g"),
        ]
    )
    begun, after = states(made, given("a", "3"))

    assert (begun["/data/b"]["relevant"], begun["/data/g/c"]["relevant"]) == (False, False)
    assert (after["/data/b"]["value"], after["/data/g/c"]["value"]) == ("5", "5")


def test_a_wildcard_that_takes_in_what_depends_on_it_comes_to_rest() -> None:
    made = form(
        [
            row("text", "a", default="x"),
            row("calculate", "some", calculation="count-non-empty(/data/*) > 1"),
            row("text", "b", default="y", relevant="string-length(${some}) = 5"),
            row("calculate", "c", calculation="concat(${b}, '!')"),
            row("calculate", "many", calculation="count-non-empty(/data/*) > 20"),
            row("text", "d", default="z", relevant="${many} = 'false'"),
            row("calculate", "e", calculation="concat(${d}, '!')"),
        ]
    )
    facts = states(made)[-1]

    assert facts["/data/some"]["value"] == "true"
    assert (facts["/data/b"]["relevant"], facts["/data/c"]["value"]) == (False, "!")
    assert (facts["/data/many"]["value"], facts["/data/d"]["value"], facts["/data/e"]["value"]) == ("false", "z", "z!")


def test_a_circle_that_never_rests_ends() -> None:
    made = form([row("calculate", "a", calculation="string-length(concat(., 'x'))"), row("text", "b")], chat=False)

    assert values(made, "/data/a", given("b", "y"))


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("time", "06:30:00", "06:30:00"), ("time", "06:30", ""), ("time", "25:00:00", ""),
        ("dateTime", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"), ("dateTime", "2024-05-06T07:08", ""),
        ("dateTime", "2024-05-06", ""), ("date", "2024-05-06T07:08:09.000+02:00", "2024-05-06"),
        ("decimal", "1e3", "1000"), ("decimal", "+1.50", "1.50"), ("decimal", "1,5", ""), ("decimal", "1e999", ""),
        ("integer", "3.9", "3"), ("integer", "2147483648", ""), ("integer", "x", ""),
    ],
)  # fmt: skip
def test_a_value_is_kept_when_it_is_one_of_its_type(kind: str, value: str, kept: str) -> None:
    assert values(form([row(kind, "a")]), "/data/a", given("a", value))[-1] == kept


def test_only_what_is_offered_can_be_chosen() -> None:
    made = form([row("select_one yn", "a"), row("select_multiple yn", "b"), row("rank yn", "c")])

    assert values(made, "/data/a", given("a", "yes"), given("a", "maybe"))[1:] == ["yes", ""]
    assert values(made, "/data/b", given("b", "no maybe yes"))[-1] == "yes no"
    assert values(made, "/data/c", given("c", "no yes"), given("c", "no"))[1:] == ["no yes", "no yes"]


def test_a_change_that_makes_instances_sets_nothing_in_them() -> None:
    made = form(
        [
            row("integer", "n"),
            row("begin repeat", "r", repeat_count="${n}"),
            row("calculate", "c", calculation="${n} * 2", trigger="${n}"),
            row("text", "t"),
            row("end repeat", "r"),
        ]
    )

    assert values(made, "/data/r[1]/c", given("n", "1"), given("n", "2"), given("n", "3"))[1:] == ["", "4", "6"]
    assert values(made, "/data/r[2]/c", given("n", "1"), given("n", "2"), given("n", "3"))[2:] == ["", "6"]
