"""Expressions compiled to closures: read once when a form is loaded, run at every answer."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import regex

from bot.surveys.xpath import functions_core, functions_math, functions_rosa  # noqa: F401 - they fill LIBRARY
from bot.surveys.xpath.grammar import Ast, Call, ExpressionError, Filter, Literal, Negation, Operation, Path, parse
from bot.surveys.xpath.library import LIBRARY
from bot.surveys.xpath.paths import compile_condition, compile_path, in_order
from bot.surveys.xpath.values import Context, EvaluationError, Run, Value, to_boolean, to_nodes, to_number, to_string

_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


@dataclass(frozen=True, eq=False)
class Expression:
    """An XPath expression as written, and the same compiled: `run(context)` gives a str, float, bool or node list."""

    source: str
    run: Run = field(repr=False)
    ast: Ast = field(repr=False)


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Expression:
    """Compile an expression, or raise ExpressionError saying what is wrong with it."""
    ast = parse(source)
    return Expression(source, _compile(ast), ast)


def evaluated(expression: Expression, context: Context) -> Value:
    """Return the value; whatever goes wrong is an EvaluationError that names the node and nobody's answer."""
    try:
        return expression.run(context)
    except EvaluationError as error:
        error.place = error.place or context.node.name
        raise
    except (ArithmeticError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise EvaluationError(f"it ends in a {type(error).__name__}", context.node.name) from None


def calls(ast: Ast) -> Iterator[Call]:
    """Yield every function call inside an expression."""
    for node in descend(ast):
        if isinstance(node, Call):
            yield node


def descend(ast: Ast) -> Iterator[Ast]:
    """Yield an expression and all that is in it."""
    yield ast
    inner: tuple[Ast, ...] = ()
    match ast:
        case Call(arguments=arguments):
            inner = arguments
        case Operation(left=left, right=right):
            inner = (left, right)
        case Negation(operand=operand):
            inner = (operand,)
        case Filter(base=base, predicates=predicates):
            inner = (base, *predicates)
        case Path(start=start, steps=steps):
            own = () if start is None or isinstance(start, str) else (start,)
            inner = (*own, *(predicate for step in steps for predicate in step.predicates))
    for part in inner:
        yield from descend(part)


def _compile(ast: Ast) -> Run:
    match ast:
        case Literal(value=value):
            return lambda _: value
        case Path():
            return compile_path(ast, _compile)
        case Call():
            return _compile_call(ast)
        case Operation():
            return _compile_operation(ast)
        case Negation(operand=operand):
            inner = _compile(operand)
            return lambda context: -to_number(inner(context), context.env.tz)
        case Filter(base=base, predicates=predicates):
            return _compile_filter(base, predicates)


def _compile_filter(base: Ast, predicates: tuple[Ast, ...]) -> Run:
    nodes = _compile(base)
    conditions = [compile_condition(predicate, _compile) for predicate in predicates]

    def run(context: Context) -> Value:
        found = to_nodes(nodes(context))
        for condition in conditions:
            found = list(condition(found, context))
        return found

    return run


def _compile_call(call: Call) -> Run:
    function = LIBRARY.get(call.name)
    if call.name == "jr:choice-name" and len(call.arguments) == 2:
        return _compile_choice_name(*call.arguments)
    if function is None:
        raise ExpressionError(f"there is no function {call.name}(); check its spelling")
    if not function.least <= len(call.arguments) <= function.most:
        raise ExpressionError(f"{call.name}() has {len(call.arguments)} arguments, which is not what it takes")
    if call.name in {"weighted-checklist", "indexed-repeat"} and len(call.arguments) % 2 != (call.name[0] == "i"):
        raise ExpressionError(f"{call.name}() takes its arguments in pairs")
    if call.name == "regex":
        _check_pattern(call.arguments[1])
    return function.make([_compile(argument) for argument in call.arguments])


def _check_pattern(pattern: Ast) -> None:
    if isinstance(pattern, Literal):
        try:
            regex.compile(str(pattern.value))
        except regex.error as error:
            raise ExpressionError(f"regex() has a pattern that cannot be read: {error.msg}") from None


def _compile_choice_name(value: Ast, path: Ast) -> Run:
    choice = _compile(value)
    if isinstance(path, Literal):
        target = compile_expression(str(path.value).strip()).run
    else:
        computed = _compile(path)

        def target(context: Context) -> Value:
            return compile_expression(to_string(computed(context))).run(context)

    def run(context: Context) -> Value:
        nodes = to_nodes(target(context))
        return context.env.choice_name(nodes[0], to_string(choice(context))) if nodes else ""

    return run


def _compile_operation(operation: Operation) -> Run:
    left, right = _compile(operation.left), _compile(operation.right)
    match operation.operator:
        case "and":
            return lambda context: to_boolean(left(context)) and to_boolean(right(context))
        case "or":
            return lambda context: to_boolean(left(context)) or to_boolean(right(context))
        case "|":
            return lambda context: in_order([*to_nodes(left(context)), *to_nodes(right(context))])
        case "=" | "!=" | "<" | "<=" | ">" | ">=" as operator:
            return lambda context: compare(operator, left(context), right(context), context)
        case operator:
            return _compile_arithmetic(_ARITHMETIC[operator], left, right)


def _compile_arithmetic(compute: Callable[[float, float], float], left: Run, right: Run) -> Run:
    def run(context: Context) -> Value:
        tz = context.env.tz
        return compute(to_number(left(context), tz), to_number(right(context), tz))

    return run


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


def _modulo(a: float, b: float) -> float:
    return math.nan if b == 0 or math.isinf(a) else math.fmod(a, b)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: float(a) + float(b),
    "-": lambda a, b: float(a) - float(b),
    "*": lambda a, b: float(a) * float(b),
    "div": lambda a, b: _divide(float(a), float(b)),
    "mod": lambda a, b: _modulo(float(a), float(b)),
}

_TESTS: dict[str, Callable[[str | float | bool, str | float | bool], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}


def compare(operator: str, left: Value, right: Value, context: Context) -> bool:
    """Compare as XPath 1.0 does: a node-set by any of its nodes, then by the stronger kind of the two.

    Only with = and != is a node-set as a whole true or false: every ODK engine orders its nodes, as numbers, even
    against true and false.
    """
    if type(left) is list:
        if type(right) is bool and operator in {"=", "!="}:
            return _compare_atoms(operator, bool(left), right, context)
        return any(compare(operator, node.string(), right, context) for node in left) if left else False
    if type(right) is list:
        return compare(_SWAPPED[operator], right, left, context)
    return _compare_atoms(operator, left, right, context)


def _compare_atoms(operator: str, left: Value, right: Value, context: Context) -> bool:
    test = _TESTS[operator]
    if operator in {"=", "!="}:
        if type(left) is str and type(right) is str:
            return test(left, right)
        if type(left) is bool or type(right) is bool:
            return test(to_boolean(left), to_boolean(right))
    tz = context.env.tz
    return test(float(to_number(left, tz)), float(to_number(right, tz)))
