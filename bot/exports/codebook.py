"""The codebook: every question as it was asked, its codes, who was asked and how many answered."""

import re
from collections.abc import Iterator

from bot.exports.cases import MEANINGS
from bot.exports.privacy import Withheld
from bot.exports.tally import Tally
from bot.exports.variables import Table, Variable
from bot.surveys.form import Form, Question, Text, Type

_PATH = re.compile(r"\s*(?:\.\./|/)(?:[\w.-]+/|\.\./)*([\w.-]+)\s*")
_COMPARED = re.compile(r"(!=|<=|>=|=|<|>)")
_COUNTS = tuple(meaning.split(":")[0].replace(" ", "_") for meaning in MEANINGS.values())


def header(form: Form) -> list[str]:
    """Return the names of the columns; texts stand once for each language of the form."""
    texts = [f"text::{language}" if language else "text" for language in form.languages]
    return [
        *("variable", "code", "table", "type", "version"),
        *texts,
        *("asked_when", "calculated_as", "withheld", "asked", "answered"),
        *_COUNTS,
    ]


def rows(form: Form, tables: list[Table], hidden: dict[str, Withheld], tally: Tally) -> Iterator[list[str]]:
    """Yield a row for each question in the order of the form, followed by one for each of its codes."""
    named = {variable.path: (table, variable) for table in tables for variable in table.variables}
    for question in form.questions():
        if question.type is Type.NOTE:
            continue
        table, variable = named.get(question.path, (None, Variable(question, question.name)))
        counts = tally.replies[question.path]
        yield [
            *(variable.name, "", table.name if table else "", question.type, form.version),
            *_texts(form, question.label),
            asked_when(form, question),
            readable(question.bind.calculate.source) if question.bind.calculate else "",
            hidden.get(question.path, ""),
            *(map(str, (tally.asked(question), counts.get(None, 0))) if table else ("", "")),
            *(str(counts.get(missing, 0)) if table else "" for missing in MEANINGS),
        ]
        if table:
            yield from _codes(form, variable, table, tally)


def _codes(form: Form, variable: Variable, table: Table, tally: Tally) -> Iterator[list[str]]:
    counts = tally.codes[variable.path]
    for code, choice in variable.choices.items():
        yield [
            *(variable.name, code, table.name, "code", form.version),
            *_texts(form, choice.label),
            *("", "", "", "", str(counts[code])),
            *("" for _ in _COUNTS),
        ]


def _texts(form: Form, text: Text) -> list[str]:
    return [str(text.get(language, "")) for language in form.languages]


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
