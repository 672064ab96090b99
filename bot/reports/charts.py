"""What messages/reports/charts.typ draws, as plain values: labels, lengths from 0 to 1, and places on the map."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.disclosure.suppression import LEAST_BASE
from bot.reports.counting import ALL
from bot.reports.plan import Figure
from bot.reports.wording import Wording

__all__ = ["LEAST_BASE", "Column", "Row", "World"]
#: The goal for the cost of sending money, and the most that any corridor should cost, in percent.
GOALS = (3.0, 5.0)
#: A part of a bar is labelled inside from this length on.
ROOM = 0.075


@dataclass(frozen=True)
class Column:
    """A country of origin, or all: its heading, and what percentages are of."""

    origin: str
    name: str
    base: str


@dataclass(frozen=True)
class Row:
    """A choice, with a value for each column; None: hidden."""

    code: str
    label: str
    numbers: tuple[int | None, ...]
    shares: tuple[float | None, ...]
    medians: tuple[float | None, ...]
    weighted: float | None = None  #: the share of all countries under weights


def bars(rows: Sequence[Row], columns: Sequence[Column], wording: Wording) -> dict[str, Any] | None:
    """Return horizontal bars in a column for each country; all have one scale."""
    most = max((share for row in rows for share in row.shares if share), default=0.0)
    if not most:
        return None
    shown = [index for index in range(len(columns)) if any(row.shares[index] for row in rows)]
    return {
        "kind": "bars",
        "columns": [{"name": columns[index].name, "base": wording.say("n", n=columns[index].base)} for index in shown],
        "rows": [
            {
                "label": row.label,
                "cells": [_bar(row.shares[index], most, wording.share(row.shares[index])) for index in shown],
            }
            for row in rows
            if any(row.shares[index] != 0 for index in shown)
        ],
    }


def standing(rows: Sequence[Row], wording: Wording) -> dict[str, Any] | None:
    """Return bars of how many people stand where."""
    known = [(row, row.numbers[0]) for row in rows if row.numbers[0]]
    most = max((number for _, number in known if number), default=0)
    if not most:
        return None
    return {
        "kind": "bars",
        "columns": [{"name": wording.say("people"), "base": ""}],
        "rows": [
            {"label": row.label, "cells": [_bar((number or 0) / most, 1, wording.count(number))]}
            for row, number in known
        ],
    }


def _bar(share: float | None, most: float, text: str) -> dict[str, Any]:
    return {"length": _length(share, most), "text": text, "hidden": share is None}


def _length(value: float | None, most: float) -> float:
    return round((value or 0) / most, 4)


def scale(rows: Sequence[Row], columns: Sequence[Column], wording: Wording) -> dict[str, Any] | None:
    """Return a bar for each country, whose parts are the choices in the form's order; hidden parts stay open."""
    bars = []
    for index, column in enumerate(columns):
        parts = [row.shares[index] for row in rows]
        if not any(parts):
            continue
        rest = 1 - sum(part or 0 for part in parts)
        bars.append(
            {
                "name": column.name,
                "base": wording.say("n", n=column.base),
                "parts": [
                    {"length": round(part or 0, 4), "text": wording.share(part) if (part or 0) >= ROOM else ""}
                    for part in parts
                ],
                "rest": round(max(rest, 0), 4),
            }
        )
    if not bars:
        return None
    return {"kind": "scale", "legend": [row.label for row in rows], "open": wording.say("part_open"), "bars": bars}


def pyramid(figure: Figure, rows: Sequence[Row], columns: Sequence[Column], wording: Wording) -> dict[str, Any] | None:
    """Return a pyramid for each country, the oldest on top; lengths are shares of the country's respondents."""
    by_code = {row.code: row for row in rows}
    steps = list(dict.fromkeys(row.code.partition("|")[2] for row in rows))
    most = max((share for row in rows for share in row.shares if share), default=0.0)
    if not most:
        return None
    names = {code: by_code[f"{figure.sides[0]}|{code}"].label.partition(", ")[2] for code in steps}
    panels = []
    for index, column in enumerate(columns):
        if not any(row.shares[index] for row in rows):
            continue
        panels.append(
            {
                "name": column.name,
                "base": wording.say("n", n=column.base),
                "rows": [
                    {
                        "label": names[code],
                        "sides": [
                            _bar(share, most, wording.share(share))
                            for side in figure.sides
                            for share in (by_code[f"{side}|{code}"].shares[index],)
                        ],
                    }
                    for code in reversed(steps)
                ],
            }
        )
    sides = [by_code[f"{side}|{steps[0]}"].label.partition(", ")[0] for side in figure.sides]
    return {"kind": "pyramid", "sides": sides, "panels": panels}


def corridors(
    rows: Sequence[Row], columns: Sequence[Column], wording: Wording, named: Callable[[str, str], str]
) -> dict[str, Any] | None:
    """Return a point on one scale for each corridor of which enough people told the fee, the dearest first."""
    found = sorted(
        (
            (median, named(row.label, column.origin), number)
            for row in rows
            for column, number, median in zip(columns, row.numbers, row.medians, strict=True)
            if column.origin != ALL and median is not None
        ),
        reverse=True,
    )
    if not found:
        return None
    most = math.ceil(max(*GOALS, found[0][0]) * 1.1)
    return {
        "kind": "corridors",
        "goals": [
            {"at": _length(goal, most), "text": wording.say("goal", percent=wording.share(goal / 100))}
            for goal in GOALS
        ],
        "rows": [
            {
                "label": label,
                "base": wording.say("n", n=wording.count(number)),
                "at": _length(median, most),
                "text": wording.percent(median),
            }
            for median, label, number in found
        ],
    }


@dataclass(frozen=True)
class Circle:
    """A circle on a map, in its units; `home`: a country of origin, drawn as a ring."""

    x: float
    y: float
    radius: float
    label: str
    home: bool = False


#: Of one letter of a label, in the map's units: wider than nearly all letters are.
_LETTER, _LINE = 0.62, 1.25


@dataclass(frozen=True)
class World:
    """Outlines and centres of countries, from messages/reports/world.json."""

    path: Path

    @cached_property
    def _data(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text("utf-8")))

    def chart(self, rows: Sequence[Row], columns: Sequence[Column], wording: Wording) -> dict[str, Any] | None:
        """Return circles on the world and, larger, around southern Africa and its islands; and bars beside them."""
        beside = bars(rows, columns, wording)
        if beside is None:
            return None
        origins = [column.origin for column in columns if column.origin != ALL]
        homes = [(origin, *self._data["centres"][origin]) for origin in origins if origin in self._data["centres"]]
        named = {code: wording.country(code) for code, _, _ in homes}
        return beside | {
            "kind": "map",
            "homes": [code for code, _, _ in homes],
            "window_name": wording.say("map_window"),
            **{
                width: self._labelled(rows, homes, named, wording, *sizes)
                for width, sizes in {"wide": (18.0, 6.2), "narrow": (27.0, 4.8)}.items()
            },
        }

    def _labelled(
        self,
        rows: Sequence[Row],
        homes: Sequence[tuple[str, float, float]],
        named: Mapping[str, str],
        wording: Wording,
        far_size: float,
        near_size: float,
    ) -> dict[str, Any]:
        """Return the circles of both maps, with labels of these sizes in the map's units."""
        window = self._data["window"]
        known = [(row, row.shares[0]) for row in rows if row.shares[0] and row.code in self._data["centres"]]
        most = max((share for _, share in known if share), default=1.0)
        far: list[Circle] = []
        near = [Circle(x, y, near_size * 0.3, named[code], True) for code, x, y in homes]
        for row, share in known:
            x, y = self._data["centres"][row.code]
            size = math.sqrt((share or 0) / most)
            inside = window[0] < x < window[0] + window[2] and window[1] < y < window[1] + window[3]
            label = f"{row.label} {wording.share(share)}"
            far.append(Circle(x, y, max(4.0, 30 * size), "" if inside else label))
            if inside:
                near.append(Circle(x, y, max(1.4, 9 * size), label))
        return {
            "world": {"size": far_size, "spots": _spots(far, far_size, tuple(self._data["frame"]))},
            "near": {"size": near_size, "spots": _spots(near, near_size, tuple(window))},
        }


def _spots(circles: Sequence[Circle], size: float, frame: tuple[float, ...]) -> list[dict[str, Any]]:
    """Place the label of each circle where no other label or circle is; one that finds no room goes without."""
    taken = [(one.x - one.radius, one.y - one.radius, one.x + one.radius, one.y + one.radius) for one in circles]
    found = []
    for one, own in zip(circles, list(taken), strict=True):
        width, height = len(one.label) * size * _LETTER, size * _LINE
        others = [box for box in taken if box is not own]
        free = (
            box
            for box in _around(one, width, height)
            if _within(box, frame) and not any(_meet(box, other) for other in others)
        )
        box = next(free, None) if one.label else None
        if box:
            taken.append(box)
        left, top = box[:2] if box else (one.x, one.y)
        placed = {
            "label": one.label if box else "",
            "left": round(left, 2),
            "top": round(top, 2),
            "width": round(width, 2),
        }
        found.append({**asdict(one), **placed})
    return found


Box = tuple[float, float, float, float]


def _around(circle: Circle, width: float, height: float) -> Iterator[Box]:
    """Yield the places for a label: right, left, below, above."""
    x, y, radius, gap = circle.x, circle.y, circle.radius, height / 5
    for left, top in (
        (x + radius + gap, y - height / 2),
        (x - radius - gap - width, y - height / 2),
        (x - width / 2, y + radius + gap / 2),
        (x - width / 2, y - radius - gap / 2 - height),
        (x + radius * 0.7 + gap, y + radius * 0.7),
        (x + radius * 0.7 + gap, y - radius * 0.7 - height),
        (x - radius * 0.7 - gap - width, y + radius * 0.7),
        (x - radius * 0.7 - gap - width, y - radius * 0.7 - height),
    ):
        yield left, top, left + width, top + height


def _within(box: Box, frame: tuple[float, ...]) -> bool:
    left, top, width, height = frame
    return left <= box[0] and top <= box[1] and box[2] <= left + width and box[3] <= top + height


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
