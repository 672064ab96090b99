"""Recomputing only what an answer touches gives what recomputing everything gives."""

import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.surveys import trace
from bot.surveys.engine import Session
from bot.surveys.engine_run import Run
from bot.surveys.engine_state import State
from bot.surveys.engine_tree import Field, Live, Span
from bot.surveys.form import CHOOSING, Form
from tests.surveys.sheets import NOW, TZ, begin, form, row
from tests.surveys.test_engine_properties import VALUES, Rows, surveys

#: What random forms have besides: kept calculations, triggers, filters, counted repeats, sums over repeats.
MORE = [
    row("integer", "size"),
    row("integer", "kept", calculation="${size} * 2"),
    row("text", "moment", calculation="concat(now(), ${size}, random())"),
    row("calculate", "set", calculation="${size} + 1", trigger="${kept}"),
    row("select_one yn", "filtered", choice_filter="name = 'yes' or ${size} > 3"),
    row("begin repeat", "counted", repeat_count="${size} mod 4"),
    row("integer", "part", relevant="${size} != 3"),
    row("calculate", "position", calculation="concat(position(..), ${part}, sum(${total}))"),
    row("end repeat", "countede"),
    row("calculate", "total", calculation="sum(${part}) + count(${counted}) + ${kept}"),
    row("note", "shown", relevant="${total} > 3 or ${filtered} = 'yes'"),
]


class Recalculated(Run):
    """A run that recomputes everything after every change."""

    def touch(self, node: Live | Span) -> None:
        self.epoch += 1


def run(kind: type[Run], made: Form) -> Run:
    return kind(made, State(made.default_language, 3, NOW.isoformat()), NOW, TZ, fresh=True)


@settings(max_examples=30, deadline=None)
@given(surveys(), st.booleans(), st.data())
def test_only_what_an_answer_touches_need_be_recomputed(rows: Rows, more: bool, data: st.DataObject) -> None:
    made = form([*rows, *(MORE if more else [])], chat=False)
    ours, whole = run(Run, made), run(Recalculated, made)
    for _ in range(data.draw(st.integers(1, 12))):
        places = [here for here in ours.nodes() if isinstance(here, Field | Span) and here.relevant()]
        op = draw_op(data, data.draw(st.sampled_from(places)))
        for one in (ours, whole):
            trace._apply(one, op)
        assert trace._state(ours) == trace._state(whole)
        assert ours.state == whole.state


def draw_op(data: st.DataObject, here: Field | Span) -> dict[str, object]:
    if isinstance(here, Span):
        op = data.draw(st.sampled_from(["add", "remove"]))
        return {"op": op, "path": here.path, "index": data.draw(st.integers(1, 3))}
    codes = ["yes", "no", "yes no"] if here.question.type in CHOOSING else VALUES.get(here.question.type, ["1"])
    return {"op": "set", "path": here.path, "value": data.draw(st.sampled_from([*codes, ""]))}


def test_an_answer_computes_what_reads_it_and_nothing_else() -> None:
    made = form([row("integer", f"q{i}") for i in range(50)] + [row("calculate", "c", calculation="${q7} + 1")])
    session = begin(made)
    computed: list[str] = []
    evaluate = Field._compute
    Field._compute = lambda field: (computed.append(field.name), evaluate(field))[1]  # type: ignore[method-assign]
    try:
        session.set("/data/q7", "5")
        session.set("/data/q8", "6")
    finally:
        Field._compute = evaluate  # type: ignore[method-assign]
    assert computed == ["q7", "c", "q8"]


def test_a_chain_of_calculations_that_refer_forward_is_as_deep_as_it_likes() -> None:
    chain = [row("calculate", f"c{i}", calculation=f"${{c{i + 1}}} + 1") for i in range(2_000)]
    session = begin(form([*chain, row("integer", "c2000")]))

    began = time.process_time()
    assert session.set("/data/c2000", "7").ok
    assert session.facts("/data/c0").value == "2007"
    assert time.process_time() - began < 2


@pytest.mark.parametrize("zone", [TZ, ZoneInfo("Australia/Sydney")])
@pytest.mark.parametrize("days", [0, 200])
def test_a_run_kept_alive_goes_on_as_one_brought_to_life_later(zone: ZoneInfo, days: int) -> None:
    made = form(
        [
            row("date", "born"),
            row("calculate", "today", calculation="format-date(today(), '%Y-%m-%d')"),
            row("begin group", "later", relevant="today() > date('2024-06-01')"),
            row("calculate", "days", calculation="int(today() - ${born})"),
            row("end group", "latere"),
            row("calculate", "set", calculation="concat(${days}, '!')", trigger="${born}"),
            row("note", "shown", relevant="${days} > 100"),
            row("text", "free", readonly="format-date-time(now(), '%H') < '12'"),
        ]
    )
    session = begin(made)
    session.set("/data/born", "2024-05-01")
    later = NOW + timedelta(days=days, hours=3)
    fresh = Session(made, session.state.copy(), now=later, tz=zone)

    session.wake(later, zone)

    assert session.values() == fresh.values()
    assert session.values().get("/data/later/days") == ("205" if days else None)
    assert session.next_question() == fresh.next_question()
    assert session.state == fresh.state
    assert session.closing_notes() == fresh.closing_notes()
