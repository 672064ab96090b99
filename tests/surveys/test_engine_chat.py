"""A Session: what is asked next, what is taken, what may be changed."""

import pytest

from bot.surveys.engine import Problem, Session, State, start
from bot.surveys.form import Type
from tests.surveys.sheets import NOW, TZ, again, begin, form, row

HOUSEHOLD = [
    row("note", "hello", label="Welcome"), row("text", "name", required="yes", required_message="Please say"),
    row("begin group", "g", label="Section", relevant="${name} != 'nobody'"),
    row("integer", "age", constraint=". < 120", constraint_message="Too old", hint="years"),
    row("select_one yn", "more", label="More about ${name}?"), row("end group", "g"),
    row("begin repeat", "m", label="Member", relevant="${more} = 'yes'"), row("text", "who"), row("end repeat", "m"),
    row("note", "bye", label="Thank you ${name}"),
]  # fmt: skip


def asked(session: Session) -> str | None:
    prompt = session.next_question()
    return prompt.path if prompt else None


def test_questions_are_asked_in_order_with_their_notes_and_sections() -> None:
    session = begin(form(HOUSEHOLD))
    first = session.next_question()
    assert first is not None
    session.set("/data/name", "Ann")
    second = session.next_question()
    assert second is not None

    assert (first.path, first.required, [note.text for note in first.notes]) == ("/data/name", True, ["Welcome"])
    assert (second.path, second.sections, second.hint.text, second.notes) == ("/data/g/age", ("Section",), "years", ())
    assert second.question is not None
    assert second.question.type is Type.INTEGER


def test_an_answer_that_is_not_taken_changes_nothing_and_says_why() -> None:
    session = begin(form(HOUSEHOLD))
    session.set("/data/name", "Ann")
    before = session.state.to_json()

    assert session.set("/data/g/age", "old").problem is Problem.TYPE
    assert (session.set("/data/g/age", "130").problem, session.set("/data/g/age", "130").message) == (
        Problem.CONSTRAINT, "Too old",
    )  # fmt: skip
    assert session.set("/data/g/more", "perhaps").problem is Problem.CHOICE
    assert session.set("/data/hello", "x").problem is Problem.READONLY
    assert (session.skip("/data/name").problem, session.set("/data/name", "").message) == (
        Problem.REQUIRED,
        "Please say",
    )
    assert session.state.to_json() == before


def test_what_other_answers_undo_is_told_when_nothing_else_is_to_ask() -> None:
    session = begin(
        form([row("integer", "a"), row("integer", "b", constraint=". > ${a}"), row("text", "c", required="${a} > 5")])
    )
    session.set("/data/a", "1")
    session.set("/data/b", "5")
    assert session.skip("/data/c").ok
    assert (asked(session), session.violations()) == (None, [])

    session.set("/data/a", "9")

    assert asked(session) is None
    assert [(path, outcome.problem) for path, outcome in session.violations()] == [
        ("/data/b", Problem.CONSTRAINT),
        ("/data/c", Problem.REQUIRED),
    ]
    session.reopen("/data/c")
    assert asked(session) == "/data/c"


def test_a_repeat_asks_for_another_until_it_is_closed() -> None:
    session = begin(form(HOUSEHOLD))
    for path, value in (("name", "Ann"), ("g/age", "30"), ("g/more", "yes"), ("m[1]/who", "Bob")):
        assert asked(session) == f"/data/{path}"
        assert session.set(f"/data/{path}", value).ok
    prompt = session.next_question()
    assert prompt is not None
    assert (prompt.path, prompt.number, prompt.label.text) == ("/data/m", 2, "Member")
    assert prompt.repeat is not None

    assert session.add("/data/m") == "/data/m[2]"
    assert asked(session) == "/data/m[2]/who"
    session.set("/data/m[2]/who", "Cy")
    session.close("/data/m")

    assert asked(session) is None
    assert [note.text.strip() for note in session.closing_notes()] == ["Thank you Ann"]
    assert session.values()["/data/m[2]/who"] == "Cy"
    session.remove("/data/m[1]")
    assert session.values()["/data/m[1]/who"] == "Cy"


def test_a_change_hides_what_no_longer_counts_and_brings_it_back() -> None:
    session = begin(form(HOUSEHOLD))
    session.set("/data/name", "Ann")
    session.set("/data/g/age", "30")

    session.set("/data/name", "nobody")
    assert session.orphans() == {"/data/g/age": "30"}
    assert "/data/g/age" not in session.values()
    assert asked(session) is None

    session.set("/data/name", "Ann")
    assert session.values()["/data/g/age"] == "30"
    assert asked(session) == "/data/g/more"


def test_going_back_finds_the_question_before() -> None:
    session = begin(form(HOUSEHOLD))
    assert session.previous() is None
    session.set("/data/name", "Ann")
    session.skip("/data/g/age")

    assert session.previous() == "/data/g/age"
    assert session.previous("/data/g/age") == "/data/name"
    assert session.prompt("/data/name").value == "Ann"
    session.reopen("/data/name")
    assert asked(session) == "/data/name"


def test_what_is_answered_counts_as_long_as_it_is_relevant() -> None:
    session = begin(form(HOUSEHOLD))
    session.set("/data/name", "nobody")

    assert session.next_question() is None
    assert session.answered() == ["/data/name"]


def test_a_choice_that_is_lost_is_asked_again() -> None:
    choices = [{"list_name": "t", "name": n, "label": n, "k": k} for n, k in (("a", "x"), ("b", "y"))]
    session = begin(form([row("text", "k"), row("select_one t", "q", choice_filter="k = ${k}")], choices))
    session.set("/data/k", "x")
    session.set("/data/q", "a")

    session.set("/data/k", "y")

    assert asked(session) == "/data/q"
    assert [offer.value for offer in session.choices("/data/q")] == ["b"]


def test_a_default_is_offered_but_still_asked() -> None:
    prompt = begin(form([row("text", "a", default="hello")])).next_question()

    assert prompt is not None
    assert prompt.value == "hello"


def test_the_language_can_change_half_way() -> None:
    made = form(
        [row("select_one yn", "a", **{"label::en": "Question", "label::fr": "Question fr"})],
        [{"list_name": "yn", "name": "yes", "label::en": "Yes", "label::fr": "Oui"}],
    )
    session = begin(made, "fr")
    prompt = session.next_question()
    assert prompt is not None
    assert (prompt.label.text, prompt.choices[0].label.text) == ("Question fr", "Oui")

    session.language = "en"

    assert session.label("/data/a").text == "Question"
    assert session.label("/data/a", "fr").text == "Question fr"
    assert again(made, session.state).language == "en"


def test_a_language_the_form_has_not_is_not_taken() -> None:
    session = begin(form([row("text", "a")]), "xx")
    session.language = "yy"

    assert session.language == ""


def test_a_run_continues_from_its_stored_state() -> None:
    made = form([*HOUSEHOLD, row("calculate", "id", calculation="uuid()")])
    session = begin(made)
    for path, value in (("name", "Ann"), ("g/age", "30"), ("g/more", "yes"), ("m[1]/who", "Bob")):
        session = again(made, session.state)
        session.set(f"/data/{path}", value)
    session.add("/data/m")
    session = again(made, session.state)

    assert asked(session) == "/data/m[2]/who"
    assert session.values() == again(made, session.state).values()
    assert session.state.to_json() == again(made, session.state).state.to_json()


def test_chance_is_the_same_in_the_same_run_and_differs_between_runs() -> None:
    made = form([row("calculate", "u", calculation="uuid()"), row("select_one yn", "q", parameters="randomize=true")])
    one, same, other = (
        Session(made, start(made, now=NOW, tz=TZ, seed=seed), now=NOW, tz=TZ).values()["/data/u"] for seed in (1, 1, 2)
    )

    assert one == same != other


def test_finishing_stamps_the_end_and_tells_what_is_missing() -> None:
    session = begin(form([row("end", "e"), row("text", "a", required="yes", required_message="need")]))

    assert session.finish()[0][1].message == "need"
    assert session.values()["/data/e"] == "2024-05-06T09:08:09.000+02:00"


def test_a_question_a_run_has_not_is_a_key_error() -> None:
    session = begin(form([row("text", "a")]))

    for wrong in ("/data/zz", "/other/a", "/data/a[2]", "/data/a/b"):
        with pytest.raises(KeyError):
            session.set(wrong, "x")
    with pytest.raises(KeyError):
        session.add("/data/a")


def test_a_state_is_plain_json() -> None:
    state = begin(form(HOUSEHOLD)).state

    assert State.from_json(state.to_json()) == state
    assert all(isinstance(value, str | int | list | dict) for value in state.to_json().values())
