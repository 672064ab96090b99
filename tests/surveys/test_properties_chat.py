"""Whatever a person does, the run equals its final answers given in order, and there is always a way on."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import clock
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.db import Base, Database, import_models
from bot.surveys import awake
from bot.surveys.engine import Session, State, start
from bot.surveys.form import Form
from bot.surveys.models import LIVE, Survey
from bot.surveys.publishing import form_of
from bot.surveys.turn import REVIEW
from tests.surveys.chat import Chat

KINDS = ["select_one abc", "select_one abc", "select_multiple abc", "text", "integer", "begin_repeat"]
WORDS = ["1", "3", "1 2", "a", "yes", "no", "done", "skip", "back", "change", "more", "why", "hello", ""]
ANSWER = st.tuples(st.just("answer"), st.integers(0, 3))
CHANGE = st.integers(1, 6).map(lambda number: ("say", f"change {number}"))
ANYTHING = st.one_of(
    st.sampled_from(WORDS).map(lambda word: ("say", word)),
    st.tuples(st.just("tap"), st.integers(0, 40)),
    st.sampled_from([("repeat", 0), ("language", "fr"), ("language", "st"), ("pause", 0), ("restart", 0)]),
)
# People mostly answer; what they do besides comes in between.
OPS = st.lists(st.one_of(ANSWER, ANSWER, st.tuples(CHANGE, ANSWER), ANYTHING), min_size=8, max_size=25)


@st.composite
def forms(draw: st.DrawFn) -> str:
    """Draw a form: each question may depend on an earlier one, be required, or be in a repeat."""
    rows: list[str] = []
    chosen: list[str] = []
    for number in range(draw(st.integers(3, 6))):
        kind = draw(st.sampled_from(KINDS)) if number else "select_one abc"
        relevant = f"${{{draw(st.sampled_from(chosen))}}} = 'a'" if chosen and draw(st.booleans()) else ""
        required = "yes" if draw(st.booleans()) else ""
        limit = {"integer": ". > 1", "select_multiple abc": "count-selected(.) < 3"}.get(kind, "")
        if kind == "begin_repeat":
            rows += [f"| | begin_repeat | r{number} | Some | | | |", f"| | text | q{number} | Q{number}? | | | |"]
            rows.append("| | end_repeat | | | | | |")
        else:
            rows.append(f"| | {kind} | q{number} | Q{number}? | {required} | {relevant} | {limit} |")
        chosen += [f"q{number}"] if kind == "select_one abc" else []
    choices = "\n".join(f"| | abc | {code} | {code.upper()} |" for code in "abc")
    body = "\n".join(rows)
    return (
        f"| survey |\n| | type | name | label | required | relevant | constraint |\n{body}\n"
        f"| choices |\n| | list_name | name | label |\n{choices}\n"
        "| settings |\n| | form_title | form_id | version |\n| | P | {id} | 1 |\n"
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    import_models()
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('chat')}/chat.db")
    Base.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


def replay(form: Form, state: State) -> Session:
    """Give the final answers to a fresh run, each as soon as it is asked."""
    now, zone = clock.now(), ZoneInfo(HOME_ZONE)
    begun = start(form, now=now, tz=zone, language=state.language, seed=state.seed)
    session, left = Session(form, begun, now=now, tz=zone), dict(state.done)
    given = [""]
    while given:
        for path, count in state.counts.items():
            for _ in range(session.state.counts.get(path, count), count):
                session.add(path)
        given = [path for path, done in left.items() if _give(session, path, state.values.get(path, ""), done)]
        left = {path: done for path, done in left.items() if path not in given}
    return session


def _give(session: Session, path: str, value: str, done: str) -> bool:
    try:
        session.prompt(path)
    except KeyError:  # not asked (yet)
        return False
    return (session.set(path, value) if done == "answered" else session.skip(path)).ok


counter = iter(range(10**6))


@given(source=forms(), ops=OPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_equals_its_final_answers_and_always_has_a_way_on(
    database: Database, content: Content, source: str, ops: list[Any]
) -> None:
    chat = Chat(database, content)
    survey_id = chat.publish(source.replace("{id}", f"p{next(counter)}").encode(), "p.md")
    chat.begin(survey_id)
    buttons: list[str] = []
    for op, value in itertools.chain.from_iterable(op if isinstance(op[0], tuple) else (op,) for op in ops):
        buttons += [button.id for message in chat.heard for button in message.buttons]
        if chat.run().disposition not in LIVE:
            break
        act(chat, op, value, buttons)
        check(chat, survey_id)


def act(chat: Chat, op: str, value: Any, buttons: list[str]) -> None:
    """Do one thing; `buttons` are all that were ever shown."""
    shown = chat.heard[-1].buttons
    if op == "say":
        chat.say(value)
    elif op == "answer":
        chat.press(shown[value % len(shown)].id) if value and shown else chat.say("12" if value else "1")
    elif op == "tap" and buttons:
        chat.press(buttons[value % len(buttons)])
    elif op == "repeat" and hasattr(chat, "last"):
        before = chat.run().state
        assert chat.repeat() == ""
        assert chat.run().state == before
    elif op == "language":
        chat.change_language(value)
    elif op == "restart":
        awake._awake.clear()
    elif op == "pause":
        chat.say("pause")
        chat.offer()


def check(chat: Chat, survey_id: int) -> None:
    run = chat.run()
    with chat.database.begin() as db:
        form = form_of(db.get_one(Survey, survey_id))
    state = State.from_json(run.state)
    session = replay(form, state)
    live = Session(form, state, now=clock.now(), tz=ZoneInfo(HOME_ZONE))
    assert session.values() == live.values()
    if run.disposition in LIVE:
        assert run.path
        assert live.next_question() is not None or run.path == REVIEW or run.path in live.answered()
    kept = {row.path: row.value or row.private or "" for row in chat.answers() if row.relevant}
    stored = {path: state.values.get(path, "") for path in live.answered()}
    assert kept == stored
