"""Rows as FLOIP's Flow Results has them: time, row, contact, session, question, response, metadata; with a descriptor.

The time is the day, at 00:00: nothing finer leaves. An answer that is missing has the day on which the interview began,
null for its response, and the reason among the metadata.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.exports.cells import Cells, label_in
from bot.exports.columns import Block
from bot.exports.formats.base import Target
from bot.exports.formats.json_lines import as_text, as_value
from bot.exports.variables import Kind, Table, Variable
from bot.surveys.form import Form, Type

_FIELDS = {
    "timestamp": "datetime",
    "row_id": "string",
    "contact_id": "string",
    "session_id": "string",
    "question_id": "string",
    "response": "any",
    "response_metadata": "object",
}
_NAMESPACE = uuid.UUID("6f3b6f1e-0b8e-5a58-9c43-4d1f7c1a5d0e")  # of the ids of our packages
_MIDNIGHT = " 00:00:00+00:00"


class FlowResults:
    """A file of rows, and the descriptor of the package."""

    def __init__(
        self,
        target: Target,
        tables: list[Table],
        cells: dict[Variable, Cells],
        form: Form,
        languages: tuple[str, ...],
    ) -> None:
        self._cells, self._form, self._tables, self._languages = cells, form, tables, languages
        self._path = target.path("-flow-results", ".json")
        self._described = target.path("-flow-results-package", ".json")
        self._file = self._path.open("w", encoding="utf-8", newline="")
        self._rows = 0

    def add(self, block: Block) -> None:
        """Write a row for each answer of some lines."""
        for column in block.columns:
            question, variable = as_text(_id(block.table, column.variable)), column.variable
            shown = [(day, self._response(variable, given.value), given.missing) for given, day in column.replies]
            rows = []
            for person, numbers, index in zip(block.people, block.numbers, column.indexes, strict=True):
                day, response, missing = shown[index]
                row = as_text(".".join([person.respondent, *map(str, numbers), variable.name]))
                about = _metadata(missing, numbers)
                rows.append(
                    f'["{day or person.day_started}{_MIDNIGHT}",{row},"{person.respondent}","{person.respondent}",'
                    f"{question},{response},{about}]"
                )
            self._file.write(("[\n" if not self._rows else ",\n") + ",\n".join(rows))
            self._rows += len(rows)

    def close(self, newest: date) -> dict[Path, int]:
        """Finish both files."""
        self._file.write("\n]\n" if self._rows else "[]\n")
        self._file.close()
        package = self._package(newest)
        self._described.write_text(json.dumps(package, ensure_ascii=False, indent=2) + "\n", "utf-8")
        questions = package["resources"][0]["schema"]["questions"]
        return {self._path: self._rows, self._described: len(questions)}

    def abandon(self) -> None:
        """Close the file of rows."""
        self._file.close()

    def _response(self, variable: Variable, given: str) -> str:
        said = given[:10] if variable.is_moment else given
        if not said:
            return "null"
        if variable.takes_many:
            return json.dumps(said.split(), ensure_ascii=False)
        return as_value(said, variable.kinds(labels=False)[0])

    def _package(self, newest: date) -> dict[str, Any]:
        form, day = self._form, f"{newest.isoformat()}{_MIDNIGHT}"
        questions = {
            _id(table, variable): self._question(variable) for table in self._tables for variable in table.variables
        }
        schema = {
            "language": form.default_language,
            "fields": [{"name": name, "title": name, "type": kind} for name, kind in _FIELDS.items()],
            "questions": questions,
        }
        return {
            "profile": "flow-results-package",
            "flow_results_specification": "1.0.0-rc1",
            "name": self._path.stem,
            "id": str(uuid.uuid5(_NAMESPACE, f"{form.id} {form.version} {form.sha256}")),
            "title": form.title,
            "created": day,
            "modified": day,
            "resources": [
                {
                    "name": self._path.stem,
                    "path": self._path.name,
                    "access_method": "file",
                    "mediatype": "application/json",
                    "encoding": "utf-8",
                    "schema": schema,
                }
            ],
        }

    def _question(self, variable: Variable) -> Mapping[str, Any]:
        label = label_in(variable.question.label, self._languages) or variable.name
        question = {"type": _type(variable), "label": label}
        choices: Sequence[str] = list(variable.choices)
        if not choices:
            return question | {"type_options": {}}
        return question | {"type_options": {"choices": choices, "labels": self._cells[variable].labels}}


def _id(table: Table, variable: Variable) -> str:
    return f"{table.name}/{variable.name}" if table.name else variable.name


def _metadata(missing: str | None, numbers: tuple[int, ...]) -> str:
    return json.dumps({**({"missing": missing} if missing else {}), **({"repeat": numbers} if numbers else {})})


def _type(variable: Variable) -> str:
    """Return what Flow Results calls the type of a question."""
    if variable.choices:
        return "select_one" if variable.question.type is Type.SELECT_ONE else "select_many"
    return {Kind.NUMBER: "numeric", Kind.DATE: "date", Kind.TEXT: "open"}[variable.kinds(labels=False)[0]]
