"""The trace: the state of every node after each op, as `outreach survey trace` prints it."""

import json
from datetime import UTC

import pytest

from bot.surveys.trace import ScriptError, trace
from tests.surveys.sheets import NOW, form, row

SURVEY = [
    row("select_one yn", "a", hint="h", required="yes", constraint=". = 'yes'", constraint_message="bad"),
    row("begin repeat", "r", label="R"), row("text", "x", relevant="${a} = 'yes'"), row("end repeat", "r"),
]  # fmt: skip


def test_a_state_has_the_facts_of_every_node() -> None:
    (state,) = trace(form(SURVEY), [], NOW, UTC)

    assert state["/data/a"] == {
        "relevant": True, "required": True, "readonly": False, "value": "", "constraint_ok": True, "required_ok": False,
        "constraint_msg": "bad", "required_msg": None, "choices": ["yes", "no"], "choice_labels": ["Yes", "No"],
        "label": "a", "hint": "h",
    }  # fmt: skip
    assert state["/data/r"] == {"relevant": True, "count": 1}
    assert state["/data/r[1]"]["label"] == "R"
    assert state["/data/r[1]/x"] == {"relevant": False}
    assert set(state) >= {"/data", "/data/meta", "/data/meta/instanceID"}


def test_every_op_is_followed_by_a_state_and_all_of_it_is_json() -> None:
    ops = [
        {"op": "set", "path": "/data/a", "value": "yes"},
        {"op": "add", "path": "/data/r"},
        {"op": "set", "path": "/data/r[2]/x", "value": "hello"},
        {"op": "remove", "path": "/data/r", "index": 1},
        {"op": "language", "language": "unknown"},
    ]
    states = trace(form(SURVEY), ops, NOW, UTC)

    assert [state["/data/r"]["count"] for state in states] == [1, 1, 2, 2, 1, 1]
    assert states[-1]["/data/r[1]/x"]["value"] == "hello"
    assert json.loads(json.dumps(states)) == states


def test_an_op_that_cannot_be_done_changes_nothing() -> None:
    ops = [
        {"op": "set", "path": "/data/zz", "value": "1"},
        {"op": "set", "path": "/data/meta/instanceID", "value": "1"},
        {"op": "remove", "path": "/data/r", "index": 5},
        {"op": "remove", "path": "/data/r", "index": "first"},
        {"op": "set", "path": "/data/r[x]/x", "value": "1"},
        {"op": "set", "path": "", "value": None},
        {"op": "add", "path": "/data/a"},
    ]
    first, *others = trace(form(SURVEY), ops, NOW, UTC)

    assert others == [first] * len(ops)


@pytest.mark.parametrize(
    ("op", "said"),
    [
        ("x", "op 2 is none"), ({"op": "clear", "path": "/data/a"}, "op 2 is none"), ({}, "op 2 is none"),
        ({"op": "set", "path": "/data/a"}, 'op 2 needs "value"'), ({"op": "set", "path": 7}, 'op 2 needs "path"'),
        ({"op": "remove", "path": "/data/r"}, 'op 2 needs "index"'), ({"op": "language"}, 'op 2 needs "language"'),
    ],
)  # fmt: skip
def test_an_op_that_is_none_is_named(op: object, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        trace(form(SURVEY), [{"op": "add", "path": "/data/r"}, op], NOW, UTC)


def test_an_op_after_which_an_expression_fails_changes_nothing() -> None:
    made = form([row("text", "p"), row("calculate", "c", calculation="regex('x', ${p})"), row("text", "q")])
    answers = [("q", "1"), ("p", "["), ("p", "x")]
    ops = [{"op": "set", "path": f"/data/{name}", "value": value} for name, value in answers]
    *_, before, failed, after = trace(made, ops, NOW, UTC)

    assert failed == before
    assert (after["/data/c"]["value"], after["/data/q"]["value"]) == ("true", "1")


def test_a_value_that_breaks_its_constraint_is_stored_and_told() -> None:
    state = trace(form(SURVEY), [{"op": "set", "path": "/data/a", "value": "no"}], NOW, UTC)[-1]["/data/a"]

    assert (state["value"], state["constraint_ok"], state["required_ok"]) == ("no", False, True)


def test_a_form_that_a_chat_refuses_can_still_be_traced() -> None:
    made = form([row("barcode", "b", required="yes"), row("select_one_from_file none.csv", "q")], chat=False)
    state = trace(made, [{"op": "set", "path": "/data/b", "value": "123"}], NOW, UTC)[-1]

    assert (state["/data/b"]["value"], state["/data/q"]["choices"]) == ("123", [])
