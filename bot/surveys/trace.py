"""What `outreach survey trace` prints: the state of every node after each step of a script."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from bot.surveys.engine_run import Run
from bot.surveys.engine_state import State
from bot.surveys.engine_tree import Field, Live, Span
from bot.surveys.form import CHOOSING, Form, Text, Type
from bot.surveys.xpath.values import EvaluationError

Node = dict[str, Any]
_FIELDS = {"set": ("path", "value"), "add": ("path",), "remove": ("path", "index"), "language": ("language",)}
_FIELD_TYPES = {"path": str, "value": str | int | float | None, "index": int | str, "language": str}


class ScriptError(ValueError):
    """Say which op of a script is none."""


def trace(form: Form, ops: Sequence[Any], now: datetime, tz: tzinfo) -> list[dict[str, Node]]:
    """Return the state at the start and after each op.

    An op is {"op": "set", "path", "value"}, {"op": "add", "path"}, {"op": "remove", "path", "index"} or
    {"op": "language", "language"}, else ScriptError; a state maps each path to its facts. An op that cannot be done
    changes nothing, nor does one after which an expression has no value.
    """
    for number, op in enumerate(ops, 1):
        _check(number, op)
    run = Run(form, State(form.default_language, 0, now.isoformat()), now, tz, fresh=True)
    states = [_state(run)]
    for op in ops:
        before = run.state
        try:
            _apply(run, op)
            states.append(_state(run))
        except EvaluationError:
            run = Run(form, before, now, tz, fresh=False)
            states.append(_state(run))
    return states


def _check(number: int, op: Any) -> None:
    wanted = _FIELDS.get(str(op.get("op"))) if isinstance(op, Mapping) else None
    if wanted is None:
        raise ScriptError(f'op {number} is none: it needs "op" with set, add, remove or language')
    for name in wanted:
        if name not in op or not isinstance(op[name], _FIELD_TYPES[name]):
            raise ScriptError(f'op {number} needs "{name}"')


def _apply(run: Run, op: Mapping[str, Any]) -> None:
    if op["op"] == "language":
        if op["language"] in run.form.languages:
            run.language = op["language"]
            run.changed()
        return
    found = run.find(op["path"])
    if op["op"] == "set" and isinstance(found, Field):
        _set(run, found, "" if op["value"] is None else str(op["value"]))
    elif op["op"] == "add" and isinstance(found, Span):
        run.grow(found)
        run.changed()
    elif op["op"] == "remove" and isinstance(found, Span):
        index = str(op["index"])
        if index.isdecimal() and 1 <= int(index) <= len(found.instances):
            run.drop(found, found.instances[int(index) - 1])
            run.changed()


def _set(run: Run, live: Field, value: str) -> None:
    if live.question.type in {Type.CALCULATE, Type.HIDDEN} or live.readonly():
        return
    if live.question.type is Type.SELECT_ONE and value not in {choice.value for choice in live.options()}:
        value = ""
    if live.question.type is Type.SELECT_MULTIPLE:
        chosen = set(value.split())
        value = " ".join(choice.value for choice in live.options() if choice.value in chosen)
    if live.question.type is Type.RANK and value and set(value.split()) != {choice.value for choice in live.options()}:
        return
    run.put(live, value)


def _state(run: Run) -> dict[str, Node]:
    return {here.path: _span(here) if isinstance(here, Span) else _live(run, here) for here in run.nodes()}


def _span(span: Span) -> Node:
    return {"relevant": span.relevant(), "count": len(span.instances)}


def _live(run: Run, live: Live) -> Node:
    if not live.relevant():
        return {"relevant": False}
    facts: Node = {"relevant": True, "required": live.required(), "readonly": live.readonly()}
    if isinstance(live, Field):
        facts |= {
            "value": live.value(),
            "constraint_ok": live.constraint_ok(),
            "required_ok": live.required_ok(),
            "constraint_msg": _words(run, live, live.node.bind.constraint_message),
            "required_msg": _words(run, live, live.node.bind.required_message),
        }
        if live.question.type in CHOOSING:
            options = live.options()
            facts["choices"] = [choice.value for choice in options]
            facts["choice_labels"] = [_words(run, live, choice.label) or "" for choice in options]
    facts |= {"label": _words(run, live, live.node.label), "hint": _words(run, live, live.node.hint)}
    return facts


def _words(run: Run, live: Live, text: Text) -> str | None:
    if not text:
        return None
    wording = run.form.wording(text, run.language)
    return run.say(wording.parts, live) if wording else "-"  # as pyxform writes what has no translation
