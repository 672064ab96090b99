"""Conditions of a form as sentences: "asked when age is 18 or more and skills includes Health"."""

from collections.abc import Mapping

from bot.exports.cells import label_in
from bot.exports.wording import wording
from bot.surveys.form import Form, Question
from bot.surveys.xpath.compiler import Expression
from bot.surveys.xpath.grammar import Ast, Call, ExpressionError, Literal, Operation, Path, parse

#: The languages in which a condition can be said.
LANGUAGES = tuple(wording()["conditions"])
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


class _Unsaid(Exception):
    """There are no words for a part of the condition."""


def asked_when(form: Form, question: Question, language: str) -> str:
    """Return when a question is put, its groups' conditions included; "" where there are no words for it."""
    steps = question.path.split("/")
    around = [form.nodes.get("/".join(steps[:length])) for length in range(2, len(steps) + 1)]
    conditions = [node.bind.relevant for node in around if node and node.bind.relevant]
    words = _Words(form, question, language)
    try:
        said = [words.condition(each, alone=len(conditions) == 1) for each in conditions]
    except (_Unsaid, ExpressionError):
        return ""
    spoken: Mapping[str, str] = wording()["conditions"][language]
    if not said:
        return spoken["always"]
    whole = said[0]
    for more in said[1:]:
        whole = spoken["and"].format(left=whole, right=more)
    return spoken["when"].format(left=whole)


class _Words:
    def __init__(self, form: Form, asked: Question, language: str) -> None:
        self._form, self._asked = form, asked
        self._said: Mapping[str, str] = wording()["conditions"][language]
        named = [name for name in form.languages if name.endswith(f"({language})")]
        self._languages = tuple(dict.fromkeys([*named, form.default_language, *form.languages]))

    def condition(self, expression: Expression, alone: bool) -> str:
        """Return the words of a condition, in brackets where it stands beside another and has an "or"."""
        read = parse(expression.source)
        words = self._truth(read)
        return words if alone or not (isinstance(read, Operation) and read.operator == "or") else f"({words})"

    def _truth(self, read: Ast) -> str:
        match read:
            case Operation(operator="and" | "or" as operator):
                parts = [self._part(each, operator) for each in (read.left, read.right)]
                return self._said[operator].format(left=parts[0], right=parts[1])
            case Operation(operator=operator) if operator in _FLIPPED:
                return self._compared(operator, read.left, read.right)
            case Call(name="selected", arguments=(Path() as path, Literal() as code)):
                return self._said["selected"].format(left=self._value(path), right=self._label(path, code))
            case Call(name="not", arguments=(Call(name="selected", arguments=(Path() as path, Literal() as code)),)):
                return self._said["not_selected"].format(left=self._value(path), right=self._label(path, code))
            case Call(name="not", arguments=(inner,)):
                return self._said["not"].format(left=self._truth(inner))
        raise _Unsaid

    def _part(self, read: Ast, around: str) -> str:
        words = self._truth(read)
        mixed = isinstance(read, Operation) and read.operator in ("and", "or") and read.operator != around
        return f"({words})" if mixed else words

    def _compared(self, operator: str, left: Ast, right: Ast) -> str:
        if isinstance(left, Literal) and not isinstance(right, Literal):
            operator, left, right = _FLIPPED[operator], right, left
        match left, right:
            case Call(name="string-length", arguments=(Path() as path,)), Literal(value=0.0) if operator in (">", "!="):
                return self._said["answered"].format(left=self._value(path))
            case Path(), Literal(value=""):
                return self._said["empty" if operator == "=" else "answered"].format(left=self._value(left))
            case Path(), Literal():
                return self._said[operator].format(left=self._value(left), right=self._label(left, right))
        return self._said[operator].format(left=self._value(left), right=self._value(right))

    def _value(self, read: Ast) -> str:
        match read:
            case Path(steps=(*_, step)) if step.axis == "child" and not step.predicates:
                return step.test
            case Path(start=None, steps=(step,)) if step.axis == "self":
                return self._asked.name
            case Literal(value=float() as number):
                return f"{number:g}"
            case Literal(value=str() as text):
                return text
            case Call(name="count-selected", arguments=(Path() as path,)):
                return self._said["count-selected"].format(left=self._value(path))
        raise _Unsaid

    def _label(self, path: Ast, code: Literal) -> str:
        name, value = self._value(path), self._value(code)
        choices = [each for question in self._form.questions() if question.name == name for each in question.choices]
        return next((label_in(one.label, self._languages) for one in choices if one.value == value), "") or value
