"""JSON lines: one respondent, or one time through a repeat, a line; what is missing stands apart, with its reason."""

import json
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TextIO

from bot.exports.cases import Given
from bot.exports.cells import Cells
from bot.exports.columns import Block, Column
from bot.exports.formats.base import Target
from bot.exports.variables import NUMBER, Kind, Table, Variable


class JsonLines:
    """One file for each table; values are codes, several in a list."""

    def __init__(self, target: Target, tables: list[Table], cells: dict[Variable, Cells]) -> None:
        self._cells = cells
        self._files: dict[Table, TextIO] = {
            table: target.path("", ".jsonl", table).open("w", encoding="utf-8", newline="") for table in tables
        }
        self._rows = dict.fromkeys(tables, 0)

    def add(self, block: Block) -> None:
        """Write some lines."""
        table = block.table
        names = [(as_text(name), kind) for name, kind in zip(table.head, table.head_kinds, strict=True)]
        heads = [
            [f"{name}:{as_value(cell, kind)}" for (name, kind), cell in zip(names, head, strict=True)]
            for head in block.heads
        ]
        values, reasons = [], []
        for column in block.columns:
            shown, why = self._shown(column)
            values.append(column.spread(shown))
            reasons.append(column.spread(why))
        file = self._files[table]
        missing = zip(*reasons, strict=True) if reasons else ([] for _ in heads)
        given = zip(*values, strict=True) if values else ([] for _ in heads)
        for head, mine, why_not in zip(heads, given, missing, strict=True):
            file.write("{" + ",".join(filter(None, chain(head, mine))))
            file.write(',"missing":{' + ",".join(filter(None, why_not)) + "}}\n")
        self._rows[table] += len(heads)

    def _shown(self, column: Column) -> tuple[list[str], list[str]]:
        """Return the members of the line for each distinct reply, and those of its missing codes."""
        variable, cells = column.variable, self._cells[column.variable]
        name, kind = as_text(variable.name), variable.kinds(labels=False)[0]

        def member(given: Given) -> str:
            value = cells.value(given)
            if not value:
                return ""
            several = json.dumps(value.split(), ensure_ascii=False) if variable.takes_many else ""
            return f"{name}:{several or as_value(value, kind)}"

        why = [f"{name}:{as_text(given.missing)}" if given.missing else "" for given in column.distinct]
        return [member(given) for given in column.distinct], why

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the files."""
        self.abandon()
        return {Path(file.name): self._rows[table] for table, file in self._files.items()}

    def abandon(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


def as_text(text: str) -> str:
    """Return a text as JSON has it."""
    return json.dumps(text, ensure_ascii=False)


def as_value(cell: str, kind: Kind) -> str:
    """Return a number as it was written, anything else as a text, and null for nothing."""
    if kind is Kind.NUMBER and NUMBER.fullmatch(cell):
        return cell  # as it was written: JSON knows 4999.10
    return as_text(cell) if cell else "null"
