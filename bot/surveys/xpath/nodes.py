"""Light nodes that expressions walk: elements, their texts and attributes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final


class Element:
    """An element of a document that never changes; the engine's live nodes override what moves."""

    __slots__ = ("_indexes", "_named", "attributes", "children", "name", "parent", "text")

    static = True

    def __init__(self, name: str, parent: "Element | None", text: str = "") -> None:
        self.name: Final = name
        self.parent = parent
        self.text = text
        self.attributes: Mapping[str, str] = {}
        self.children: Sequence[Element] = []
        self._named: dict[str, list[Element]] | None = None
        self._indexes: dict[tuple[str, str], dict[str, list[Element]]] = {}

    def string(self) -> str:
        """Return the string value: the text of all that is inside."""
        if not self.children:
            return self.text
        return self.text + "".join(child.string() for child in self.children)

    def named(self, name: str) -> "Sequence[Element]":
        """Return the children called `name`."""
        if self._named is None:
            self._named = {}
            for child in self.children:
                self._named.setdefault(child.name, []).append(child)
        return self._named.get(name, ())

    def forget_names(self) -> None:
        """Let `named` look again, after children came or went."""
        self._named = None

    def lookup(self, name: str, column: str) -> "dict[str, list[Element]]":
        """Return the children called `name`, by the string value of their children called `column`."""
        index = self._indexes.get((name, column))
        if index is None:
            index = self._indexes[name, column] = {}
            for child in self.named(name):
                for value in {cell.string() for cell in child.named(column)}:
                    index.setdefault(value, []).append(child)
        return index

    def walk(self) -> "Iterator[Element]":
        """Yield every element below, in document order."""
        for child in self.children:
            yield child
            yield from child.walk()


class Leaf(Element):
    """A text or an attribute, as a node of its own; two of the same parent and name are the same node."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf) and (other.parent, other.name) == (self.parent, self.name)

    def __hash__(self) -> int:
        return hash((id(self.parent), self.name))


def text_of(element: Element) -> list[Element]:
    """Return the text node of `element`, if it has text of its own."""
    if element.children or isinstance(element, Leaf):
        return [Leaf("", element, element.text)] if element.text.strip() and not isinstance(element, Leaf) else []
    value = element.string()
    return [Leaf("", element, value)] if value else []


def attributes_of(element: Element) -> list[Element]:
    """Return the attributes of `element` as nodes."""
    return [Leaf(f"@{name}", element, value) for name, value in element.attributes.items()]


def order_key(node: Element) -> tuple[int, ...]:
    """Return where `node` stands in its document; compares as document order."""
    key: list[int] = []
    while node.parent is not None:
        parent = node.parent
        if isinstance(node, Leaf):
            key.append(-1)
        else:
            key.append(next(i for i, child in enumerate(parent.children) if child is node))
        node = parent
    return tuple(reversed(key))
