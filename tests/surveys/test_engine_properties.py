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
    "select_one yn or_other": ["${%s} = 'other'", "${%s} = 'yes'"],
    "select_multiple yn": ["count-selected(${%s}) > 1", "selected(${%s}, 'yes')"],
    "rank yn": ["selected-at(${%s}, 0) = 'no'", "${%s} != ''"],
    "date": ["${%s} < today()", "${%s} = ''"],
}
CALCULATIONS = {
    "integer": ["concat(${%s}, '-', position(..))", "${%s} * 2", "once(string-length(${%s}) >= 0)"],
    "select_one yn": ["jr:choice-name(${%s}, '${%s}')"],
}
LANGUAGES = ("English (en)", "Français (fr)")
CHOICES = [
    {"list_name": "yn", "name": name, **{f"label::{language}": f"{name} {language[:2]}" for language in LANGUAGES}}
    for name in ("yes", "no")
]


def labelled(kind: str, name: str, **columns: str) -> dict[str, str]:
    return row(kind, name, **{f"label::{language}": name for language in LANGUAGES}, **columns)


@st.composite
def surveys(draw: st.DrawFn) -> Rows:
    rows: Rows = []
    known: list[tuple[str, str]] = []

    def condition() -> str:
        if not known or draw(st.booleans()):
            return ""
        name, kind = draw(st.sampled_from(known))
        return draw(st.sampled_from(CONDITIONS[kind])) % name

    def count() -> str:
        integers = [name for name, kind in known if kind == "integer"]
        return f"${{{draw(st.sampled_from(integers))}}} mod 4" if integers and draw(st.booleans()) else ""

    def calculation() -> str:
        name, kind = known[-1]
        text = draw(st.sampled_from(CALCULATIONS.get(kind, ["concat(${%s}, '-', position(..))"])))
        return text.replace("%s", name)

    def filtered(kind: str) -> str:
        condition = draw(st.sampled_from(["", "name = 'yes'", "CONDITION or name = 'no'"]))
        name, other = draw(st.sampled_from(known)) if known else ("", "")
        if "or_other" in kind or not name:
            return ""
        return condition.replace("CONDITION", draw(st.sampled_from(CONDITIONS[other])) % name)

    def question(name: str, kind: str, relevant: str) -> None:
        columns = {"relevant": relevant, "required": draw(st.sampled_from(["", "yes", condition()]))}
        if kind == "integer":
            columns["constraint"] = draw(st.sampled_from(["", "", ". < 50"]))
            columns["calculation"] = calculation() if known and draw(st.integers(0, 4)) == 0 else ""
        elif kind.endswith("yn"):
            columns["choice_filter"] = filtered(kind)
        rows.append(labelled(kind, name, **columns))
        known.append((name, kind))

    def block(depth: int, size: int) -> None:
        for _ in range(size):
            name = f"q{len(rows)}"
            kind = draw(st.sampled_from([*CONDITIONS, "group", "repeat", "calculate", "note"]))
            relevant = condition()
            if kind in {"group", "repeat"} and depth < 2:
                counted = {"repeat_count": count()} if kind == "repeat" else {}
                rows.append(labelled(f"begin {kind}", name, relevant=relevant, **counted))
                outside = list(known)
                block(depth + 1, draw(st.integers(1, 3)))
                rows.append(labelled(f"end {kind}", f"{name}e"))
                known[:] = outside if kind == "repeat" else known
            elif kind == "calculate" and known:
                rows.append(labelled("calculate", name, calculation=calculation(), relevant=relevant))
            elif kind in CONDITIONS:
                question(name, kind, relevant)
            else:
                rows.append(labelled("note", name, relevant=relevant))

    block(0, draw(st.integers(2, 6)))
    return rows


def candidates(prompt: Prompt) -> list[str]:
    """Return what may be answered, some of it not to the form's liking."""
    assert prompt.question is not None
    codes = [offer.value for offer in prompt.choices]
    if prompt.question.type is Type.RANK:
        return [" ".join(codes), " ".join(reversed(codes))]
    if prompt.question.type is Type.SELECT_MULTIPLE:
        return [*codes, " ".join(codes)]
    return codes or VALUES[prompt.question.type]


def answer(session: Session, prompt: Prompt, data: st.DataObject) -> None:
    """Answer a prompt somehow, now and then twice; what is refused is tried with the next until something is taken."""
    if prompt.repeat:
        if prompt.number > 2 or data.draw(st.booleans()):
            session.close(prompt.path)
        else:
            session.add(prompt.path)
        return
    values = candidates(prompt)
    first = data.draw(st.integers(0, len(values)))
    taken = (first == len(values) and session.skip(prompt.path).ok) or any(
        session.set(prompt.path, value).ok for value in values[first:] + values
    )
    assert taken


def act(session: Session, data: st.DataObject) -> None:
    """Do one of the things that a member does out of turn."""
    done = session.answered()
    what = data.draw(st.sampled_from(["back", "change", "wrong", "twice", "repeat", "language"]))
    if what == "back" and (previous := session.previous()):
        session.reopen(previous)
    elif what == "change" and done:
        answer(session, session.prompt(data.draw(st.sampled_from(done))), data)
    elif what == "wrong" and (prompt := session.next_question()) and prompt.question:
        before = session.state.to_json()
        if not session.set(prompt.path, "2024-13-45").ok:
            assert session.state.to_json() == before
    elif what == "twice" and done and (value := session.facts(done[-1]).value):
        before = session.values()
        assert session.set(done[-1], value).ok
        assert session.values() == before
    elif what == "repeat":
        instances = [path.rpartition("/")[0] for path in done if path.rpartition("/")[0].endswith("]")]
        if instances:
            session.remove(data.draw(st.sampled_from(instances)))
    elif what == "language":
        session.language = data.draw(st.sampled_from(session.form.languages))


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
    session, counts = begin(made, final.language), final.state.counts
    while True:
        for path, count in session.state.counts.items():
            if count > counts.get(path, count):  # begun with, and removed by the member
                session.remove(f"{path}[{count}]")
        prompt = session.next_question()
        if prompt is None:
            return session
        if prompt.repeat:
            session.add(prompt.path) if prompt.number <= counts[prompt.path] else session.close(prompt.path)
        else:
            assert session.set(prompt.path, final.facts(prompt.path).value).ok


def agree(alive: Session, restarted: Session) -> None:
    """Compare a run that lives on with the same one brought to life from what is stored."""
    one, other = alive.next_question(), restarted.next_question()
    assert (one and one.path, one and one.notes) == (other and other.path, other and other.notes)
    assert alive.answered() == restarted.answered()
    assert alive.previous() == restarted.previous()
    assert alive.values() == restarted.values()
    assert alive.state == restarted.state


@settings(max_examples=30, deadline=None)
@given(surveys(), st.data())
def test_a_run_equals_the_replay_of_its_final_answers(rows: Rows, data: st.DataObject) -> None:
    made = form(rows, CHOICES)
    session = begin(made)
    for _ in range(data.draw(st.integers(0, 12))):
        prompt = session.next_question()
        if prompt is None or data.draw(st.booleans()):
            act(session, data)
        else:
            answer(session, prompt, data)
        restarted = again(made, session.state)
        agree(session, restarted)
        session = restarted if data.draw(st.booleans()) else session  # as after a crash
    finish(session, data)
    replayed = replay(made, session)

    assert session.violations() == []
    assert session.next_question() is None
    assert _without_identity(replayed) == _without_identity(session)
    agree(session, again(made, session.state))


def _without_identity(session: Session) -> dict[str, str]:
    return {path: value for path, value in session.values().items() if not path.startswith("/data/meta")}
