"""XPath 1.0: libxml2 is asked the same, on generated documents and expressions."""

import math
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bot.surveys.xform.instances import to_element
from bot.surveys.xpath.compiler import compile_expression
from bot.surveys.xpath.grammar import ExpressionError
from bot.surveys.xpath.nodes import Element, order_key
from bot.surveys.xpath.values import Context, Value, number_text
from tests.surveys.sheets import NOW

NAMES = ["a", "b", "c"]
WORDS = ["", "0", "1", "2", "-3.5", "x", "1 2", " 7 "]


class Bare:
    """An environment of nothing but a document."""

    now, tz = NOW, UTC

    def __init__(self, root: Element) -> None:
        self.root = root

    def instance(self, name: str) -> Element | None:
        return None

    def itext(self, key: str, context: Element) -> str:
        return ""

    def choice_name(self, node: Element, value: str) -> str:
        return ""

    def draw(self, context: Element) -> float:
        return 0.5


def document(xml: str) -> tuple[Element, Bare]:
    root = Element("", None)
    top = to_element(etree.fromstring(xml), root)
    root.children = [top]
    return top, Bare(root)


def ours(xml: str, expression: str) -> Value:
    top, env = document(xml)
    return compile_expression(expression).run(Context(env, top))


def same(one: object, other: object) -> bool:
    return one == other or str(one) == str(other) == "nan"


def agree(xml: str, path: str) -> None:
    """Compare the elements a path gives; libxml2's Python binding leaves the document itself out."""
    tree = etree.fromstring(xml)
    top, env = document(xml)
    mine = compile_expression(path).run(Context(env, top))
    theirs = tree.xpath(path)
    assert isinstance(mine, list)
    elements = [top, *top.walk()]
    places = [i for node in mine for i, element in enumerate(elements) if element is node]
    assert places == [i for node in theirs for i, element in enumerate(tree.iter()) if element is node], path


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> str:
    name = draw(st.sampled_from(NAMES))
    inner = draw(st.lists(trees(depth - 1), max_size=3)) if depth else []
    text = "" if inner else draw(st.sampled_from(WORDS))
    key = draw(st.sampled_from(["", ' k="1"', ' k="x"']))
    return f"<{name}{key}>{text}{''.join(inner)}</{name}>"


AXES = [
    "child", "descendant", "descendant-or-self", "self", "parent", "ancestor", "ancestor-or-self", "following-sibling",
    "preceding-sibling", "following", "preceding",
]  # fmt: skip
tests = st.sampled_from([*NAMES, "*"])
predicates = st.sampled_from(
    [
        "", "", "[1]", "[last()]", "[2]", "[position() > 1]", "[a]", "[. = 1]", "[@k]", "[@k = 'x']", "[b = '2']",
        "[b = ../c]", "[c = '1'][1]", "[not(a)]", "['x' = c]", "[string-length(.) > 1]", "[a = 1][b]",
        "[count(a) = 1][c = 'x']", "[c = 'x'][2]", "[a = 1 and b]", "[b = '1' and count(a)]",
    ]
)  # fmt: skip
steps = st.builds(
    lambda axis, test, one, two: f"{axis}::{test}{one}{two}", st.sampled_from(AXES), tests, predicates, predicates
)
short = st.builds(lambda test, one: f"{test}{one}", tests, predicates) | st.just("..") | st.just(".")
separators = st.sampled_from(["/", "//"])


@st.composite
def paths(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(["", "/", "//", "./"])) + draw(steps | short)
    for _ in range(draw(st.integers(0, 2))):
        path += draw(separators) + draw(steps | short)
    return path


def call(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*arguments).map(lambda given: f"{name}({', '.join(given)})")


def between(
    left: st.SearchStrategy[str], operators: list[str], right: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    return st.builds(lambda a, op, b: f"({a} {op} {b})", left, st.sampled_from(operators), right)


ORDERS = ["=", "!=", "<", "<=", ">", ">="]
texts = st.deferred(
    lambda: (
        st.sampled_from(["''", "'x'", "'1'", "' 1  2'"])
        | call("string", paths())
        | call("concat", texts, texts)
        | call("normalize-space", texts)
        | call("substring-before", texts, texts)
        | call("translate", texts, texts, texts)
    )
)
numbers = st.deferred(
    lambda: (
        st.sampled_from(["0", "1", "2.5", "-3"])
        | call("count", paths())
        | call("sum", paths())
        | call("number", texts)
        | call("string-length", texts)
        | call("floor", numbers)
        | call("ceiling", numbers)
        | between(numbers, ["+", "-", "*", "div", "mod"], numbers)
        | numbers.map(lambda number: f"-{number}")
    )
)
truths = st.deferred(
    lambda: (
        st.sampled_from(["true()", "false()"])
        | between(anything, ["=", "!="], anything)
        | between(orderly | truths, ORDERS, orderly | truths)
        | between(orderly | nodes, ORDERS, orderly | nodes)
        | between(anything, ["and", "or"], anything)
        | call("not", anything)
        | call("contains", texts, texts)
        | call("starts-with", texts, texts)
    )
)
orderly = texts | numbers
nodes = paths().map(lambda path: f"({path})")
anything = orderly | truths | nodes


@settings(max_examples=150, deadline=None)
@given(trees(), paths())
def test_paths_select_what_libxml2_selects_in_document_order(xml: str, path: str) -> None:
    agree(f"<r>{xml}{xml}</r>", path)


@settings(max_examples=50, deadline=None)
@given(trees(), paths(), paths())
def test_a_union_is_in_document_order(xml: str, one: str, two: str) -> None:
    agree(f"<r>{xml}</r>", f"{one} | {two}")


@settings(max_examples=200, deadline=None)
@given(trees(), texts | numbers | truths)
def test_expressions_give_what_libxml2_gives(xml: str, expression: str) -> None:
    mine, theirs = ours(f"<r>{xml}</r>", expression), etree.fromstring(f"<r>{xml}</r>").xpath(expression)

    assert type(mine) is (str if isinstance(theirs, str) else type(theirs)), expression
    assert same(mine, theirs), expression


def test_attributes_and_texts_are_nodes() -> None:
    xml = '<r><a k="1">x</a><b>y</b></r>'

    assert number_text(float(ours(xml, "count(//@k)"))) == "1"  # type: ignore[arg-type]
    assert ours(xml, "string(a/@k)") == "1"
    assert ours(xml, "name(a/@*)") == "k"
    assert ours(xml, "string(b/text())") == "y"
    assert ours(xml, "count(//text())") == 2
    assert ours(xml, "count(a/text()/..)") == 1
    assert ours(xml, "count(a/text() | a/text())") == 1


def test_document_order_is_that_of_the_document() -> None:
    top, _ = document("<r><a><b/></a><c/></r>")
    nodes = list(top.walk())

    assert sorted(nodes, key=order_key) == nodes


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("5 mod -3", 2.0), ("-5 mod 3", -2.0), ("1.5 mod 0.5", 0.0), ("1 div 0", math.inf), ("-1 div 0", -math.inf),
        ("1 - 1 - 1", -1.0), ("2 > 1 = true()", True), ("'a' < 'b'", False), ("--2", 2.0), ("2 * -3", -6.0),
        ("substring('12345', 1.5, 2.6)", "234"), ("substring('12345', 0, 3)", "12"), ("substring('12345', 2)", "2345"),
        ("substring('12345', -42, 1 div 0)", "12345"), ("substring('12345', -1 div 0)", "12345"),
        ("normalize-space(' a\t\n b\u00a0\x0b ')", "a b\u00a0\x0b"), ("translate('-aaa-', 'a-', 'A')", "AAA"),
        ("substring-after('a--b', '--')", "b"), ("substring-before('a--b', '--')", "a"), ("round(-2.5)", -2.0),
        ("round(2.5)", 3.0), ("string(1 div 3)", "0.3333333333333333"), ("string(100000 * 100000)", "10000000000"),
        ("string(0.0000001)", "0.0000001"), ("string(-0)", "0"), ("div div div", math.nan), ("* * *", math.nan),
    ],
)  # fmt: skip
def test_the_examples_of_the_specification_hold(expression: str, value: Value) -> None:
    mine = ours("<r/>", expression)

    assert same(mine, value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("true() > *", True), ("* < true()", True), ("false() >= *", True), ("true() < *", False), ("* = true()", True),
        ("true() > none", False), ("none = false()", True), ("none < true()", False),
    ],
)  # fmt: skip
def test_nodes_are_ordered_as_numbers_even_against_true_and_false_as_every_odk_engine_does(
    expression: str, value: bool
) -> None:
    assert ours("<r><a>-1</a><b>0</b></r>", expression) is value


def test_a_name_that_is_an_operator_elsewhere_is_one_behind_a_slash() -> None:
    xml = "<div><mod>7</mod><div><and>x</and></div><or/></div>"

    assert ours(xml, "/div/mod = 7 and /div/div[and = 'x']/and = 'x'") is True
    assert ours(xml, "/div/mod div 7 + count(/div/or) mod 2") == 2
    assert ours(xml, "count(/) = 1 and count(//div) = 2") is True


@pytest.mark.parametrize(
    "bad", ["", "a b", "f(", "1 +", "'a", "a[", "$x", "foo()", "concat(1", "a::b", "count()", "//"]
)
def test_what_is_no_expression_is_refused(bad: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(bad)
