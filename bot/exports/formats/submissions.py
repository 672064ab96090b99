"""XML submissions as ODK's tools take them: an instance of the form for each interview, in a zip.

An instance has no word for why an answer is missing: that stands in missing.csv beside them. What is withheld is an
empty element, and a moment has the time 00:00, since nothing finer than a day leaves.
"""

import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from xml.sax.saxutils import quoteattr

from bot.exports.cases import Given
from bot.exports.cells import Cells
from bot.exports.columns import Block
from bot.exports.formats.base import Target
from bot.exports.formats.csv_files import joined
from bot.exports.formats.workbook import xml_text
from bot.exports.variables import Table, Variable
from bot.surveys.form import Form, Group, Node, Question, Repeat

_OPENROSA = "http://openrosa.org/xforms"
_MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same data gives the same bytes
_MISSING = ("instanceID", "path", "missing")
_Numbers = tuple[int, ...]
#: What was answered in one interview, by path and the numbers of the repeats around it.
_Said = dict[tuple[str, _Numbers], str]


class Submissions:
    """One zip; an interview is written when those that were read with it are here with all their tables."""

    def __init__(
        self, target: Target, tables: list[Table], cells: dict[Variable, Cells], forms: Sequence[Form]
    ) -> None:
        self._path = target.path("-submissions", ".zip")
        self._zip = zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._cells = cells
        self._forms = {form.version: (number, form) for number, form in enumerate(forms)}
        self._places = {table: [table.paths(number) for number in range(len(forms))] for table in tables}
        self._waiting: list[Block] = []
        self._missing = [joined(_MISSING)]
        self._rows = 0

    def add(self, block: Block) -> None:
        """Keep some lines; a main table's say that the interviews before are whole."""
        if not block.table.numbers:
            self._write()
        self._waiting.append(block)

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the zip."""
        self._write()
        self._put("missing.csv", "\ufeff" + "\r\n".join([*self._missing, ""]))
        self._zip.close()
        return {self._path: self._rows}

    def abandon(self) -> None:
        """Close the zip."""
        self._zip.close()

    def _write(self) -> None:
        said: dict[str, _Said] = {}
        for block in self._waiting:
            self._read(block, said)
        for person in self._waiting[0].people if self._waiting else ():
            _, form = self._forms[person.version]
            self._put(
                f"instances/{person.respondent}/submission.xml",
                _instance(form, person.respondent, said.get(person.respondent, {})),
            )
            self._rows += 1
        self._waiting = []

    def _read(self, block: Block, said: dict[str, _Said]) -> None:
        """Sort a block's answers by interview."""
        forms = [self._forms[person.version] for person in block.people]
        for place, column in enumerate(block.columns):
            cells = self._cells[column.variable]
            written = [_written(cells, column.variable, given) for given in column.distinct]
            paths = [mine[place] for mine in self._places[block.table]]
            versions = zip(self._forms.values(), paths, strict=True)
            around = [_around(form, path) if path else [] for (_, form), path in versions]
            for line, index in enumerate(column.indexes):
                (version, _), person, numbers = forms[line], block.people[line].respondent, block.numbers[line]
                if path := paths[version]:
                    said.setdefault(person, {})[path, numbers] = written[index]
                    if missing := column.distinct[index].missing:
                        self._missing.append(joined((person, _numbered(path, around[version], numbers), missing)))

    def _put(self, name: str, text: str) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, _MOMENT), text, zipfile.ZIP_DEFLATED)


def _written(cells: Cells, variable: Variable, given: Given) -> str:
    value = cells.value(given)
    return f"{value}T00:00:00.000Z" if value and variable.is_moment else value


def _numbered(path: str, around: Sequence[str], numbers: _Numbers) -> str:
    """Return a path with the numbers of the repeats around it, as the database writes it."""
    for repeat, number in reversed(list(zip(around, numbers, strict=True))):
        path = f"{repeat}[{number}]{path[len(repeat) :]}"
    return path


def _around(form: Form, path: str) -> list[str]:
    steps = path.split("/")
    paths = ("/".join(steps[:length]) for length in range(2, len(steps)))
    return [each for each in paths if isinstance(form.nodes.get(each), Repeat)]


def _instance(form: Form, respondent: str, said: _Said) -> str:
    """Return an interview as an instance of the form: its elements in its order, and its identity."""
    inside = "".join(_element(child, (), said) for child in form.root.children if child.name != "meta")
    name, about = form.root.name, f"id={quoteattr(form.id)} version={quoteattr(form.version)}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns:orx="{_OPENROSA}" {about}>{inside}'
        f"<orx:meta><orx:instanceID>{respondent}</orx:instanceID></orx:meta></{name}>\n"
    )


def _element(node: Node, numbers: _Numbers, said: _Said) -> str:
    if isinstance(node, Question):
        value = said.get((node.path, numbers), "")
        return f"<{node.name}>{xml_text(value)}</{node.name}>" if value else f"<{node.name}/>"
    if isinstance(node, Repeat):
        turns = range(1, _last(node, numbers, said) + 1)
        return "".join(_group(node, (*numbers, turn), said) for turn in turns)
    return _group(node, numbers, said) if isinstance(node, Group) else f"<{node.name}/>"


def _group(node: Group | Repeat, numbers: _Numbers, said: _Said) -> str:
    inside = "".join(_element(child, numbers, said) for child in node.children)
    return f"<{node.name}>{inside}</{node.name}>"


def _last(node: Repeat, numbers: _Numbers, said: _Said) -> int:
    """Return the highest number of a repeat that anything was answered in; an empty turn before it keeps its place."""
    depth, inside = len(numbers), f"{node.path}/"
    turns = (mine[depth] for path, mine in said if path.startswith(inside) and mine[:depth] == numbers)
    return max(turns, default=0)
