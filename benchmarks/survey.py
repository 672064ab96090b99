"""What one answer costs in the survey engine, for short and long forms, and what runs weigh in memory.

No other program runs XLSForms in Python (elementpath, whose XPath is not the forms', is not installed), so ours is
measured beside the two plain ways to do it: recomputing everything, and rebuilding the run for each message. Opening a
form is measured beside pyxform, which only converts it. All figures are CPU of one process, medians over passes.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pyxform.xls2xform import convert

from bot.surveys import awake
from bot.surveys.engine import Prompt, Session, State, start
from bot.surveys.engine_run import Run
from bot.surveys.engine_tree import Live, Span
from bot.surveys.form import Form, Type
from bot.surveys.xform import load

NOW, ZONE = datetime(2026, 3, 4, 10, tzinfo=UTC), ZoneInfo("Africa/Maseru")
SIZES = (40, 300)
VALUES = {Type.INTEGER: "5", Type.SELECT_ONE: "a", Type.TEXT: "x", Type.SELECT_MULTIPLE: "a b", Type.DATE: "2020-01-01"}

#: Six rows that refer to each other and to the six before them, as forms do: type, constraint, calculation, relevant.
ROWS = (
    ("integer", ". < 200", "", ""),
    ("select_one abc", "", "", ""),
    ("text", "", "", "${q%(before)d} != 'c'"),
    ("select_multiple abc", "count-selected(.) < 3", "", ""),
    ("calculate", "", "${q%(first)d} * 2", ""),
    ("date", ". <= today()", "", "${q%(before)d} < 1000"),
)


def sheet(questions: int) -> str:
    """Write a form of so many rows."""
    lines = ["| survey |", "| | type | name | label | constraint | calculation | relevant |"]
    for number in range(questions):
        places = {"before": number - 1, "first": number - 4}
        kind, *rest = ROWS[number % len(ROWS)]
        cells = [kind, f"q{number}", f"Question {number}?", *(cell % places for cell in rest)]
        lines.append(f"| | {' | '.join(cells)} |")
    lines += ["| choices |", "| | list_name | name | label |", *(f"| | abc | {code} | {code} |" for code in "abc")]
    return "\n".join(lines)


def cpu(work: Callable[[], int]) -> float:
    """Return the microseconds of each piece of work; `work` says how many it did."""
    began = time.process_time()
    done = work()
    return (time.process_time() - began) / done * 1e6


def answer(session: Session, prompt: Prompt) -> None:
    assert prompt.question
    assert session.set(prompt.path, VALUES[prompt.question.type]).ok


def kept_alive(form: Form) -> int:
    """Answer every question as messages do: wake the run, ask, take the answer, ask the next, store."""
    stored = start(form, now=NOW, tz=ZONE).to_json()
    awake.rest(1, stored, Session(form, State.from_json(stored), now=NOW, tz=ZONE))
    return _through(stored, lambda state: awake.wake(1, form, state, NOW, ZONE), partial(awake.rest, 1))


def rebuilt(form: Form) -> int:
    """Answer every question with a run that is built anew for each message."""
    bring = partial(Session, form, now=NOW, tz=ZONE)
    return _through(start(form, now=NOW, tz=ZONE).to_json(), lambda state: bring(State.from_json(state)), None)


def recomputed(form: Form) -> int:
    """Answer every question with a run that is kept alive and recomputes everything after each answer."""
    with recomputing():
        return kept_alive(form)


@contextmanager
def recomputing() -> Iterator[None]:
    """Let every change make everything stale."""
    touch = Run.touch

    def everything(run: Run, _: Live | Span) -> None:
        run.epoch += 1

    Run.touch = everything  # type: ignore[method-assign]
    try:
        yield
    finally:
        Run.touch = touch  # type: ignore[method-assign]


def _through(stored: Any, wake: Callable[[Any], Session], rest: Callable[[Any, Session], None] | None) -> int:
    answers = 0
    while True:
        session = wake(stored)
        prompt = session.next_question()
        if prompt is None:
            return answers
        answer(session, prompt)
        session.next_question()
        stored = session.state.to_json()
        if rest:
            rest(stored, session)
        answers += 1


def steps(form: Form, passes: int) -> dict[str, float]:
    """Return the cost of one answer in each way; the ways take turns, so that only their ratios count."""
    ways = {"step_us": kept_alive, "rebuilt_us": rebuilt, "recomputed_us": recomputed}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(passes):
        for name, way in ways.items():
            found[name].append(cpu(partial(way, form)))
    return {name: round(statistics.median(values), 1) for name, values in found.items()}


def opening(passes: int) -> dict[str, float]:
    """Return the milliseconds to open a form of 300 questions, and what of it is pyxform's."""
    text = sheet(SIZES[-1])
    whole = [cpu(lambda: len(load(text.encode(), "form.md").nodes) and 1) for _ in range(passes)]
    pyxform = [cpu(lambda: len(convert(text, file_type=".md", validate=False).xform) and 1) for _ in range(passes)]
    figures = {"open_ms": statistics.median(whole) / 1000, "open_pyxform_ms": statistics.median(pyxform) / 1000}
    return {name: round(value, 1) for name, value in figures.items()}


def resident() -> float:
    """Return the megabytes that this process takes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def memory(form: Form, runs: int) -> dict[str, float]:
    """Return the megabytes of many runs, half answered: as stored, and (for as many as are kept) alive."""
    half = start(form, now=NOW, tz=ZONE)
    session = Session(form, half, now=NOW, tz=ZONE)
    while (prompt := session.next_question()) and len(session.answered()) < len(form.nodes) / 2:
        answer(session, prompt)
    stored = json.dumps(session.state.to_json())
    empty = resident()
    states = [State.from_json(json.loads(stored)) for _ in range(runs)]
    grown = resident()
    alive = [Session(form, state, now=NOW, tz=ZONE) for state in states[: awake.KEPT]]
    return {"runs_mb": round(grown - empty, 1), f"alive_{len(alive)}_mb": round(resident() - grown, 1)}


def main() -> None:
    """Print the figures, the last line as JSON; fail when an answer costs more than it may, or grows with the form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--runs", type=int, default=10_000)
    asked = parser.parse_args()
    forms = {size: load(sheet(size).encode(), "form.md") for size in SIZES}
    figures: dict[str, Any] = {"bench": "survey", "engine": "pure", "runs": asked.runs, **memory(forms[40], asked.runs)}
    for size, form in forms.items():
        figures |= {f"{name}_{size}": value for name, value in steps(form, asked.passes).items()}
    figures |= opening(asked.passes)
    short, long = (figures[f"step_us_{size}"] for size in SIZES)
    figures["growth"] = round(long / short, 2)  # of a form 7.5 times as long
    figures["ok"] = short <= 1000 and long <= 3000 and figures["growth"] <= 1.5
    for name, value in figures.items():
        print(f"{name:20} {value}")
    print(json.dumps(figures))
    raise SystemExit(0 if figures["ok"] else 1)


if __name__ == "__main__":
    main()
