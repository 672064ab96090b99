"""How the nodes of a run come to be: planted from what the form begins with, or sprouted empty."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.surveys.engine_tree import Field, Live, Span
from bot.surveys.engine_values import stored
from bot.surveys.form import Group, Node, Question, Repeat, Seed
from bot.surveys.xpath.nodes import Element

if TYPE_CHECKING:
    from bot.surveys.engine_run import Run


def plant(seed: Seed, parent: Element, run: "Run") -> Live:
    """Make the live node of a seed, and all below it; counted repeats start without instances."""
    node = run.form.nodes[seed.path]
    if isinstance(node, Question):
        live: Live = Field(node, parent, run, stored(node, seed.text))
        live.attributes = seed.attributes
        return live
    live = Live(node, parent, run)
    live.attributes = seed.attributes
    seeds: dict[str, list[Seed]] = {}
    for inner in seed.children:
        seeds.setdefault(inner.path, []).append(inner)
    _fill(live, lambda child: [plant(inner, live, run) for inner in seeds.get(child.path, [])])
    return live


def sprout(node: Node, parent: Element, run: "Run") -> Live:
    """Make an empty live node, and all below it; repeats have no instances."""
    if isinstance(node, Question):
        return Field(node, parent, run)
    live = Live(node, parent, run)
    _fill(live, lambda child: [] if isinstance(child, Repeat) else [sprout(child, live, run)])
    return live


def _fill(live: Live, make: Callable[[Node], list[Live]]) -> None:
    """Give a live node its children, in the order of the form."""
    children: list[Element] = []
    for child in live.node.children if isinstance(live.node, Group | Repeat) else ():
        made = make(child)
        if isinstance(child, Repeat):
            span = Span(child, live)
            span.instances = [] if child.count else made
            live.spans.append(span)
            children += span.instances
        else:
            children += made or [sprout(child, live, live.run)]
    live.children = children
