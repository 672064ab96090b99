"""The codebook: every question as it was asked, its codes, who was asked and how many answered."""

import re
from collections.abc import Iterator, Sequence

from bot.exports import words
from bot.exports.cases import MEANINGS
from bot.exports.names import numbered, short_names
from bot.exports.options import Options
from bot.exports.privacy import withheld
from bot.exports.tally import Tally
from bot.exports.variables import Table, Variable
from bot.surveys.form import Form, Question, Text, Type

_PATH = re.compile(r"\s*(?:\.\./|/)(?:[\w.-]+/|\.\./)*([\w.-]+)\s*")
_COMPARED = re.compile(r"(!=|<=|>=|=|<|>)")
_COUNTS = tuple(meaning.split(":")[0].replace(" ", "_") for meaning in MEANINGS.values())
_VERSION = 4  # the column that tells the version
_COUNTED = -len(_COUNTS) - 2  # the columns of counts


def header(forms: Sequence[Form]) -> list[str]:
    """Return the names of the columns; texts stand once for each language of the form."""
    texts = [f"text::{language}" if language else "text" for language in languages(forms)]
    return [
        *("variable", "code", "table", "type", "version"),
        *texts,
        "asked_when",
        *(f"asked_when::{language}" for language in words.LANGUAGES),
        *("calculated_as", "withheld", "short_name", "number", "asked", "answered"),
        *_COUNTS,
    ]


def languages(forms: Sequence[Form]) -> list[str]:
    """Return the languages of all versions, the newest's first."""
    return list(dict.fromkeys(language for form in forms for language in form.languages))


def rows(forms: Sequence[Form], tables: list[Table], options: Options, tally: Tally) -> Iterator[list[str]]:
    """Yield a row for each question in the order of the form, followed by one for each of its codes.

    An older version's follow, of what it worded otherwise or alone has; counts are over all versions, and stand once.
    """
    seen: set[tuple[str, ...]] = set()
    counted: set[tuple[str, str]] = set()
    for number, form in enumerate(forms):
        for row in _Book(form, number, languages(forms), tables, options, tally).rows():
            told = tuple(cell for column, cell in enumerate(row[:_COUNTED]) if column != _VERSION)
            if told in seen:
                continue
            seen.add(told)
            key = (row[0], row[1])
            yield row[:_COUNTED] + ["" for _ in row[_COUNTED:]] if key in counted else row
            counted.add(key)


class _Book:
    """The rows of one version."""

    def __init__(
        self, form: Form, number: int, languages: list[str], tables: list[Table], options: Options, tally: Tally
    ) -> None:
        self._form, self._languages, self._tally = form, languages, tally
        self._hidden = withheld(form, options)
        self._named = {
            question.path: (table, variable)
            for table in tables
            for variable in table.variables
            if (question := variable.versions.get(number))
        }
        self._short = {table: short_names(table.headers) for table in tables}

    def rows(self) -> Iterator[list[str]]:
        """Yield questions and codes."""
        for question in self._form.questions():
            if question.type is Type.NOTE:
                continue
            table, variable = self._named.get(question.path, (None, None))
            calculated = question.bind.calculate
            counts = self._tally.replies[variable] if variable else {}
            yield [
                *(variable.name if variable else question.name, "", table.name if table else ""),
                *(question.type, self._form.version, *self._texts(question.label)),
                asked_when(self._form, question),
                *(words.asked_when(self._form, question, language) for language in words.LANGUAGES),
                readable(calculated.source) if calculated else "",
                self._hidden.get(question.path, ""),
                self._short[table][variable.name] if table and variable else "",
                "",
                *(map(str, (self._tally.asked(variable), counts.get(None, 0))) if variable else ("", "")),
                *(str(counts.get(missing, 0)) if variable else "" for missing in MEANINGS),
            ]
            if table and variable:
                yield from self._codes(question, variable, table)

    def _codes(self, question: Question, variable: Variable, table: Table) -> Iterator[list[str]]:
        counts = self._tally.codes[variable]
        one = variable.question.type is Type.SELECT_ONE
        numbers = {code: str(number) for code, number in numbered(variable).items()} if one else {}
        options = dict(zip(variable.options, variable.headers[1:], strict=True))
        labels = {choice.value: choice.label for choice in reversed(question.choices)}
        for code in dict.fromkeys(choice.value for choice in question.choices):
            yield [
                *(variable.name, code, table.name, "code", self._form.version, *self._texts(labels[code])),
                *("" for _ in words.LANGUAGES),
                *("", "", "", self._short[table][options[code]] if code in options else ""),
                *(numbers.get(code, ""), "", str(counts[code])),
                *("" for _ in _COUNTS),
            ]

    def _texts(self, text: Text) -> list[str]:
        return [str(text.get(language, "")) for language in self._languages]


def asked_when(form: Form, question: Question) -> str:
    """Return the condition under which the question was put, its groups' included; questions by name."""
    steps = question.path.split("/")
    around = ["/".join(steps[:length]) for length in range(2, len(steps) + 1)]
    nodes = [form.nodes[path] for path in around if path in form.nodes]
    conditions = [readable(node.bind.relevant.source) for node in nodes if node.bind.relevant]
    return " and ".join(f"({each})" if len(conditions) > 1 else each for each in conditions) or "always"


def readable(expression: str) -> str:
    """Return an expression with names in place of paths."""
    spaced = _COMPARED.sub(r" \1 ", _PATH.sub(r" \1 ", expression))
    spaced = re.sub(r"\s+", " ", spaced).strip()
    return re.sub(r"\( | (?=[),])", lambda found: found[0].strip(), spaced)
