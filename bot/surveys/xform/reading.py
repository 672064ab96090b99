"""An XForm's model and body, read once into a Form."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from bot.sentences import Sentence
from bot.surveys.form import (
    Action,
    Bind,
    Choice,
    Form,
    FormError,
    Group,
    Itemset,
    Keep,
    Node,
    Problem,
    Question,
    Range,
    Repeat,
    Seed,
    Type,
)
from bot.surveys.xform.choices import Choices
from bot.surveys.xform.controls import Control, bind_type, body_controls, reference, type_of
from bot.surveys.xform.fitness import unaskable, unfilled
from bot.surveys.xform.instances import parse_xml, qualified, read_instance
from bot.surveys.xform.order import daily, ranks, timed
from bot.surveys.xform.texts import Texts
from bot.surveys.xpath.compiler import Expression, calls, compile_expression
from bot.surveys.xpath.grammar import ExpressionError

_JR = "{http://openrosa.org/javarosa}"
_SAVE_TO = "{http://www.opendatakit.org/xforms/entities}saveto"
_MOMENTARY = {"now", "today", "random", "uuid"}
MAX_NODES = 5_000


class Reader:
    """Read one XForm; `problems` and `missing` files fill up, so that an author sees all of them at once."""

    def __init__(self, xform: str, media: Mapping[str, bytes]) -> None:
        self.problems: list[Problem] = []
        self.missing: list[Problem] = []
        self._media, self._xform = media, xform
        self._html, self._model, self._body, self._root = _parts(xform)
        self._instances = {
            node.get("id", ""): read_instance(node, media, self.problems, self.missing)
            for node in self._model.findall("{*}instance")[1:]
        }
        self._texts = Texts(self._model, lambda source, column: self._compile(source, column, "a text"))
        binds = self._model.findall("{*}bind")
        self._bind_ids = {bind.get("id", ""): (bind.get("nodeset") or "").strip() for bind in binds}
        self._binds = {(bind.get("nodeset") or "").strip(): bind for bind in binds}
        self._controls = body_controls(self._body, self._bind_ids)
        self._choices = Choices(self._instances, self._texts, self._compile)
        self._templates: dict[str, Seed] = {}
        self._count = 0

    def form(self) -> Form:
        """Return the form read."""
        root = self._node(f"/{qualified(self._root)}", [self._root])
        if not isinstance(root, Group):
            raise FormError([Problem(Sentence("the form has no questions; add rows to it"), "survey")])
        nodes = {node.path: node for node in _walk(root)}
        digest = hashlib.sha256(self._xform.encode())
        for name in sorted(self._media):
            digest.update(name.encode() + b"\0" + self._media[name])
        return Form(
            id=self._root.get("id", ""),
            version=self._root.get("version", ""),
            title=self._html.findtext("{*}head/{*}title") or "",
            default_language=self._texts.default,
            languages=self._texts.languages,
            root=root,
            nodes=nodes,
            ranks=ranks(nodes),
            timed=timed(nodes),
            daily=daily(nodes),
            actions=tuple(self._actions()),
            seed=self._seed(root.path, self._root),
            templates=self._templates,
            instances=self._instances,
            itext=self._texts.itext,
            warnings=(),
            sha256=digest.hexdigest(),
            xform=self._xform,
            media=self._media,
        )

    def unfilled(self) -> list[Problem]:
        """Say what of the form only a device could fill in."""
        return unfilled(self._model, self._body)

    def _compile(self, source: str | None, column: str, name: str) -> Expression | None:
        if source is None or not source.strip():
            return None
        try:
            return compile_expression(source)
        except ExpressionError as error:
            self.problems.append(
                Problem(
                    Sentence("%(name)s has an expression we cannot use: %(error)s", name=name, error=str(error)),
                    "survey",
                    column=column,
                )
            )
            return None

    def _node(self, path: str, elements: list[Any]) -> Node:
        self._count += 1
        if self._count > MAX_NODES:
            raise FormError(
                [Problem(Sentence("the form has more than %(most)s rows; split it", most=MAX_NODES), "survey")]
            )
        control = self._controls.get(path)
        name = path.rpartition("/")[2]
        bind = self._bind(path, name, control)
        label = self._texts.element(control.label if control else None)
        hint = self._texts.element(control.hint if control else None)
        appearance = control.appearance if control else frozenset[str]()
        common: dict[str, Any] = {
            "path": path, "name": name, "bind": bind, "label": label, "hint": hint, "appearance": appearance,
        }  # fmt: skip
        below = _by_name(elements)
        if control and control.tag == "repeat":
            children = self._children(path, below)
            count = self._compile(control.element.get(f"{_JR}count"), "repeat_count", name)
            fixed = (control.element.get(f"{_JR}noAddRemove") or "").strip() == "true()"
            return Repeat(**common, children=children, count=count, fixed=fixed)
        if below:
            return Group(**common, children=self._children(path, below))
        return self._question(common, control)

    def _children(self, path: str, below: dict[str, list[Any]]) -> tuple[Node, ...]:
        return tuple(self._node(f"{path}/{name}", group) for name, group in below.items())

    def _question(self, common: dict[str, Any], control: Control | None) -> Question:
        path, name, bind = common["path"], common["name"], common["bind"]
        kind = type_of(control, bind)
        itemset: Itemset | None = None
        choices: tuple[Choice, ...] = ()
        if control is not None and control.tag in {"select", "select1", "rank"}:
            itemset, choices = self._choices.read(control.element, name)
        other = f"{path}_other"
        has_other = other in self._controls and any(choice.value == "other" for choice in choices)
        return Question(
            **common,
            type=kind,
            asked=kind not in {Type.NOTE, Type.CALCULATE, Type.HIDDEN} and not unaskable(kind, common["appearance"]),
            choices=choices,
            itemset=itemset,
            range=self._range(control, name) if kind is Type.RANGE and control else None,
            other=other if has_other else None,
            keep=_keep(bind, kind),
        )

    def _range(self, control: Control, name: str) -> Range | None:
        try:
            start, end, step = (float(control.element.get(key, "")) for key in ("start", "end", "step"))
        except ValueError:
            self.problems.append(
                Problem(
                    Sentence("%(name)s needs start, end and step as numbers", name=name), "survey", column="parameters"
                )
            )
            return None
        return Range(start, end, step)

    def _bind(self, path: str, name: str, control: Control | None) -> Bind:
        found = self._binds.get(path)
        if found is None:
            return Bind(type=bind_type(None, control))
        preload = found.get(f"{_JR}preload")
        return Bind(
            bind_type(found.get("type"), control),
            self._compile(found.get("relevant"), "relevant", name),
            self._compile(found.get("required"), "required", name),
            self._compile(found.get("readonly"), "read_only", name),
            self._compile(found.get("constraint"), "constraint", name),
            self._compile(found.get("calculate"), "calculation", name),
            self._texts.message(found.get(f"{_JR}constraintMsg")),
            self._texts.message(found.get(f"{_JR}requiredMsg")),
            (preload, found.get(f"{_JR}preloadParams") or "") if preload else None,
            found.get(_SAVE_TO),
        )

    def _actions(self) -> Iterator[Action]:
        for element in self._model.findall("{*}setvalue"):
            yield from self._action(element, "")
        for path, control in self._controls.items():
            for element in control.actions:
                yield from self._action(element, path)

    def _action(self, element: Any, source: str) -> Iterator[Action]:
        target = reference(element, source.rpartition("/")[0], self._bind_ids)
        text = element.get("value")
        if text is None and element.text:
            quote = '"' if "'" in element.text else "'"
            text = f"{quote}{element.text}{quote}"
        value = self._compile(text or "''", "default", target.rpartition("/")[2])
        if value and target:
            yield Action(frozenset((element.get("event") or "").split()), target, value, source or None)

    def _seed(self, path: str, element: Any) -> Seed:
        children = []
        for name, group in _by_name([element]).items():
            inner = f"{path}/{name}"
            control = self._controls.get(inner)
            is_repeat = control is not None and control.tag == "repeat"
            children += [
                self._seed(inner, child) for child in (self._repeat_seeds(inner, group) if is_repeat else group)
            ]
        text = "" if children else element.text or ""
        attributes = {etree.QName(name).localname: value for name, value in element.attrib.items()}
        return Seed(path, text, tuple(children), attributes)

    def _repeat_seeds(self, path: str, group: list[Any]) -> list[Any]:
        """Keep the template of a repeat apart from its first instances; without one, an empty instance is it."""
        template = next((one for one in group if one.get(f"{_JR}template") is not None), None)
        if path not in self._templates:
            seed = self._seed(path, group[0] if template is None else template)
            self._templates[path] = _emptied(seed) if template is None else seed
        return [one for one in group if one is not template]


def _parts(xform: str) -> tuple[Any, Any, Any, Any]:
    try:
        html = parse_xml(xform.encode())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FormError([Problem(Sentence("the XML cannot be read: %(error)s", error=str(error)))]) from None
    model, body = html.find("{*}head/{*}model"), html.find("{*}body")
    primary = None if model is None else model.find("{*}instance")
    if body is None or primary is None or not len(primary):
        raise FormError([Problem(Sentence("this is not an XForm: it has no model, instance or body"))])
    return html, model, body, primary[0]


def _by_name(elements: list[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for element in elements:
        for child in element:
            groups.setdefault(qualified(child), []).append(child)
    return groups


def _emptied(seed: Seed) -> Seed:
    return Seed(seed.path, "", tuple(map(_emptied, seed.children)), seed.attributes)


def _keep(bind: Bind, kind: Type) -> Keep | None:
    if bind.calculate is None:
        return None
    if any(call.name in _MOMENTARY for call in calls(bind.calculate.ast)):
        return Keep.READS
    return None if kind in {Type.CALCULATE, Type.HIDDEN, Type.NOTE} else Keep.RESULT


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Group | Repeat):
        for child in node.children:
            yield from _walk(child)
