"""Whatever a member does, in whatever order: a run equals the replay of its final answers, and never gets stuck."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.surveys.engine import Prompt, Session
from bot.surveys.form import Form, Type
from tests.surveys.sheets import again, begin, form, row

Rows = list[dict[str, str]]
VALUES = {
    Type.INTEGER: ["0", "3", "12", "70"],
    Type.TEXT: ["x", "yes", "long words"],
    Type.DATE: ["2024-05-06", "1990-01-01"],
}
CONDITIONS = {
    "integer": ["${%s} > 5", "${%s} = ''", "${%s} mod 2 = 1", "not(${%s} = 3)"],
    "text": ["${%s} = 'x'", "${%s} != ''", "string-length(${%s}) > 3"],
    "select_one yn": ["${%s} = 'yes'", "${%s} != 'no'", "selected(${%s}, 'no')"],
    "select_multiple yn": ["count-selected(${%s}) > 1", "selected(${%s}, 'yes')"],
    "date": ["${%s} < today()", "${%s} = ''"],
}


@st.composite
def surveys(draw: st.DrawFn) -> Rows:
    rows: Rows = []
    known: list[tuple[str, str]] = []

    def condition() -> str:
        if not known or draw(st.booleans()):
            return ""
        name, kind = draw(st.sampled_from(known))
        return draw(st.sampled_from(CONDITIONS[kind])) % name

    def block(depth: int, size: int) -> None:
        for _ in range(size):
            name = f"q{len(rows)}"
            kind = draw(st.sampled_from([*CONDITIONS, "group", "repeat", "calculate", "note"]))
            relevant = condition()
            if kind in {"group", "repeat"} and depth < 2:
                rows.append(row(f"begin {kind}", name, relevant=relevant))
                outside = list(known)
                block(depth + 1, draw(st.integers(1, 3)))
                rows.append(row(f"end {kind}", f"{name}e"))
                known[:] = outside if kind == "repeat" else known
            elif kind == "calculate" and known:
                calculation = f"concat(${{{known[-1][0]}}}, '-', position(..))"
                rows.append(row("calculate", name, calculation=calculation, relevant=relevant))
            elif kind in CONDITIONS:
                constraint = draw(st.sampled_from(["", "", ". < 50"])) if kind == "integer" else ""
                required = draw(st.sampled_from(["", "yes", condition()]))
                rows.append(row(kind, name, relevant=relevant, constraint=constraint, required=required))
                known.append((name, kind))
            else:
                rows.append(row("note", name, relevant=relevant))

    block(0, draw(st.integers(2, 6)))
    return rows


def answer(session: Session, prompt: Prompt, data: st.DataObject) -> None:
    """Answer a prompt somehow; what is refused is tried with the next value until something is taken."""
    if prompt.repeat:
        if prompt.number > 2 or data.draw(st.booleans()):
            session.close(prompt.path)
        else:
            session.add(prompt.path)
        return
    assert prompt.question is not None
    codes = [offer.value for offer in prompt.choices]
    values = codes or VALUES[prompt.question.type]
    first = data.draw(st.integers(0, len(values)))
    taken = (first == len(values) and session.skip(prompt.path).ok) or any(
        session.set(prompt.path, value).ok for value in values[first:] + values
    )
    assert taken


def act(session: Session, data: st.DataObject) -> None:
    """Do one of the things that a member does out of turn."""
    done = session.answered()
    what = data.draw(st.sampled_from(["back", "change", "wrong", "repeat", "language"]))
    if what == "back" and (previous := session.previous()):
        session.reopen(previous)
    elif what == "change" and done:
        answer(session, session.prompt(data.draw(st.sampled_from(done))), data)
    elif what == "wrong" and (prompt := session.next_question()) and prompt.question:
        before = session.state.to_json()
        if not session.set(prompt.path, "2024-13-45").ok:
            assert session.state.to_json() == before
    elif what == "repeat":
        instances = [path.rpartition("/")[0] for path in done if path.rpartition("/")[0].endswith("]")]
        if instances:
            session.remove(data.draw(st.sampled_from(instances)))
    else:
        session.language = session.form.default_language


def finish(session: Session, data: st.DataObject) -> None:
    for _ in range(200):
        prompt = session.next_question()
        broken = session.violations()
        if prompt is None and not broken:
            return
        answer(session, prompt or session.prompt(broken[0][0]), data)
    raise AssertionError("the run does not end")


def replay(made: Form, final: Session) -> Session:
    """Answer a new run with the final answers of another, in the order they are asked."""
    session, counts = begin(made), final.state.counts
    for path, count in session.state.counts.items():
        if counts.get(path) == 0 and count:  # a run begins with one instance of a repeat, which may be removed
            session.remove(f"{path}[1]")
    while prompt := session.next_question():
        if prompt.repeat:
            session.add(prompt.path) if prompt.number <= counts[prompt.path] else session.close(prompt.path)
        else:
            assert session.set(prompt.path, final.facts(prompt.path).value).ok
    return session


@settings(max_examples=60, deadline=None)
@given(surveys(), st.data())
def test_a_run_equals_the_replay_of_its_final_answers(rows: Rows, data: st.DataObject) -> None:
    made = form(rows)
    session = begin(made)
    for _ in range(data.draw(st.integers(0, 12))):
        prompt = session.next_question()
        if prompt is None or data.draw(st.booleans()):
            act(session, data)
        else:
            answer(session, prompt, data)
        session = again(made, session.state)  # as between two messages, or after a crash
    finish(session, data)
    replayed = replay(made, session)

    assert session.violations() == []
    assert session.next_question() is None
    assert _without_identity(replayed) == _without_identity(session)
    assert again(made, session.state).values() == session.values()


def _without_identity(session: Session) -> dict[str, str]:
    return {path: value for path, value in session.values().items() if not path.startswith("/data/meta")}
