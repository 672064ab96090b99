"""The grammar of XPath 1.0, and what an expression is once read."""

from dataclasses import dataclass
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

MAX_LENGTH = 20_000  # characters of one expression
MAX_DEPTH = 120  # nested brackets, parentheses and calls


class ExpressionError(ValueError):
    """Say why an expression cannot be read."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A string or a number."""

    value: str | float


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: "tuple[Ast, ...]"


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and one of: or and = != < <= > >= + - * div mod |."""

    operator: str
    left: "Ast"
    right: "Ast"


@dataclass(frozen=True, slots=True)
class Negation:
    """A number with its sign changed."""

    operand: "Ast"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: axis, what to take (a name, prefix:*, *, node(), text()), conditions."""

    axis: str
    test: str
    predicates: "tuple[Ast, ...]" = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from `start`: None is the context node, "/" the root, else an expression."""

    start: "Ast | str | None"
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """An expression with conditions on the nodes it gives."""

    base: "Ast"
    predicates: "tuple[Ast, ...]"


Ast = Literal | Call | Operation | Negation | Path | Filter

_GRAMMAR = r"""
?start: or_expr
?or_expr: and_expr | or_expr OR and_expr -> operation
?and_expr: equality | and_expr AND equality -> operation
?equality: relational | equality EQUAL relational -> operation
?relational: additive | relational ORDER additive -> operation
?additive: multiplicative | additive (PLUS | MINUS) multiplicative -> operation
?multiplicative: unary | multiplicative (STAR | DIV | MOD) unary -> operation
?unary: union | MINUS unary -> negation
?union: path | union PIPE path -> operation
?path: location | filter | filter SLASH relative -> from_filter | filter DSLASH relative -> below_filter
?filter: primary | primary predicate+ -> filtered
?primary: "(" or_expr ")" | LITERAL -> literal | NUMBER -> number | call
call: FUNCTION "(" [or_expr ("," or_expr)*] ")"
location: relative -> here | ROOT -> root | SLASH relative -> absolute | DSLASH relative -> anywhere
relative: step | relative SLASH step | relative DSLASH step -> relative_below
step: [axis] test predicate* | DOT -> self_step | DOTDOT -> parent_step
axis: AXIS "::" | AT
test: NAME | STAR | KIND "(" [LITERAL] ")"
predicate: "[" or_expr "]"

OR: "or"
AND: "and"
DIV: "div"
MOD: "mod"
EQUAL: "!=" | "="
ORDER: /[<>]=?/
PLUS: "+"
MINUS: "-"
STAR: "*"
PIPE: "|"
DSLASH.3: "//"
SLASH.2: /\/(?=\s*[^\W\d]|\s*[@.*])/
ROOT: "/"
DOTDOT.2: ".."
DOT: "."
AT: "@"
LITERAL: /"[^"]*"|'[^']*'/
NUMBER.3: /\d+(\.\d*)?|\.\d+/
KIND.5: /(node|text|comment|processing-instruction)(?=\s*\()/
FUNCTION.4: /[^\W\d][\w.\-]*(:[^\W\d][\w.\-]*)?(?=\s*\()/
AXIS.6: /(ancestor|ancestor-or-self|attribute|child|descendant|descendant-or-self|following|following-sibling|namespace|parent|preceding|preceding-sibling|self)(?=\s*::)/
NAME: /[^\W\d][\w.\-]*(:(?!:)([^\W\d][\w.\-]*|\*))?/
%ignore /\s+/
"""  # noqa: E501 - the axes are one terminal

BELOW = Step("descendant-or-self", "node()")


class _Reader(Transformer[Token, Any]):
    """Turn lark's tree into the values above."""

    @v_args(inline=True)
    def operation(self, left: Ast, operator: Token, right: Ast) -> Ast:
        return Operation(str(operator), left, right)

    @v_args(inline=True)
    def negation(self, _: Token, operand: Ast) -> Ast:
        return Negation(operand)

    @v_args(inline=True)
    def literal(self, token: Token) -> Ast:
        return Literal(token[1:-1])

    @v_args(inline=True)
    def number(self, token: Token) -> Ast:
        return Literal(float(token))

    def call(self, parts: list[Any]) -> Ast:
        return Call(str(parts[0]), tuple(part for part in parts[1:] if part is not None))

    def filtered(self, parts: list[Any]) -> Ast:
        return Filter(parts[0], tuple(parts[1:]))

    @v_args(inline=True)
    def from_filter(self, base: Ast, _: Token, steps: tuple[Step, ...]) -> Ast:
        return Path(base, steps)

    @v_args(inline=True)
    def below_filter(self, base: Ast, _: Token, steps: tuple[Step, ...]) -> Ast:
        return Path(base, (BELOW, *steps))

    @v_args(inline=True)
    def here(self, steps: tuple[Step, ...]) -> Ast:
        return Path(None, steps)

    def root(self, _: list[Any]) -> Ast:
        return Path("/", ())

    @v_args(inline=True)
    def absolute(self, _: Token, steps: tuple[Step, ...]) -> Ast:
        return Path("/", steps)

    @v_args(inline=True)
    def anywhere(self, _: Token, steps: tuple[Step, ...]) -> Ast:
        return Path("/", (BELOW, *steps))

    def relative(self, parts: list[Any]) -> tuple[Step, ...]:
        return (parts[0],) if len(parts) == 1 else (*parts[0], parts[2])

    def relative_below(self, parts: list[Any]) -> tuple[Step, ...]:
        return (*parts[0], BELOW, parts[2])

    def step(self, parts: list[Any]) -> Step:
        return Step(parts[0] or "child", parts[1], tuple(parts[2:]))

    def self_step(self, _: list[Any]) -> Step:
        return Step("self", "node()")

    def parent_step(self, _: list[Any]) -> Step:
        return Step("parent", "node()")

    @v_args(inline=True)
    def axis(self, axis: Token) -> str:
        return "attribute" if axis == "@" else str(axis)

    def test(self, parts: list[Any]) -> str:
        return f"{parts[0]}()" if parts[0].type == "KIND" else str(parts[0])

    @v_args(inline=True)
    def predicate(self, condition: Ast) -> Ast:
        return condition


_parser = Lark(_GRAMMAR, parser="lalr", transformer=_Reader(), maybe_placeholders=True)


def parse(source: str) -> Ast:
    """Read an expression, or say at which character it stops making sense."""
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH} characters; split it over calculate rows")
    _check_depth(source)
    try:
        read: Ast = _parser.parse(source)  # type: ignore[assignment]
    except UnexpectedInput as error:
        where = f"at character {error.column}" if error.column and error.column > 0 else "at its end"
        raise ExpressionError(f"it cannot be read {where}") from None
    return read


def _check_depth(source: str) -> None:
    depth = 0
    for character in source:
        depth += (character in "([") - (character in ")]")
        if depth > MAX_DEPTH:
            raise ExpressionError(f"it is nested more than {MAX_DEPTH} deep; split it over calculate rows")
