"""The body of an XForm: which control stands at which node, and what a question there takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from bot.surveys.form import Bind, Type

_TAGS = {"input", "secret", "select", "select1", "rank", "upload", "trigger", "range", "group", "repeat"}
_INPUTS = {
    "int": Type.INTEGER,
    "decimal": Type.DECIMAL,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
    "time": Type.TIME,
    "dateTime": Type.DATETIME,
    "geopoint": Type.GEOPOINT,
    "geotrace": Type.GEOTRACE,
    "geoshape": Type.GEOSHAPE,
    "barcode": Type.BARCODE,
    "binary": Type.FILE,
}
_CONTROLS = {
    "select": Type.SELECT_MULTIPLE,
    "select1": Type.SELECT_ONE,
    "rank": Type.RANK,
    "trigger": Type.ACKNOWLEDGE,
    "range": Type.RANGE,
}
_BIND_TYPES = {*_INPUTS, "string", "intent"}
_BIND_ALIASES = {"integer": "int"}


@dataclass(slots=True)
class Control:
    """A control (or group, or repeat) of the body; a repeat's label is that of the group around it."""

    tag: str
    element: Any
    label: Any | None
    hint: Any | None
    appearance: frozenset[str]
    actions: list[Any] = field(default_factory=list)


def body_controls(body: Any, bind_ids: Mapping[str, str]) -> dict[str, Control]:
    """Return the controls of a body by the path of their node."""
    controls: dict[str, Control] = {}
    _collect(body, "", controls, bind_ids)
    return controls


def _collect(parent: Any, around: str, controls: dict[str, Control], bind_ids: Mapping[str, str]) -> None:
    for element in parent:
        tag = etree.QName(element).localname
        path = reference(element, around, bind_ids)
        if tag in _TAGS and path:
            previous = controls.get(path)
            label = element.find("{*}label")
            if label is None and previous is not None:
                label = previous.label
            appearance = frozenset((element.get("appearance") or "").split())
            appearance |= previous.appearance if previous else frozenset()
            controls[path] = Control(tag, element, label, element.find("{*}hint"), appearance)
            controls[path].actions = element.findall("{*}setvalue")
        if tag in {"group", "repeat"}:
            _collect(element, path or around, controls, bind_ids)


def reference(element: Any, around: str, bind_ids: Mapping[str, str]) -> str:
    """Return the path an element of the body refers to."""
    path = (element.get("ref") or element.get("nodeset") or bind_ids.get(element.get("bind") or "", "")).strip()
    return path if not path or path.startswith("/") else f"{around}/{path.removeprefix('./')}"


def bind_type(source: str | None, control: Control | None) -> str:
    """Return the data type of a bind, as the specification names it."""
    if source is None:
        return "binary" if control and control.tag == "upload" else "string"
    local = source.rpartition(":")[2]
    local = _BIND_ALIASES.get(local, local)
    return local if local in _BIND_TYPES else "string"


def type_of(control: Control | None, bind: Bind) -> Type:
    """Tell what a question takes."""
    if control is None or control.tag in {"group", "repeat"}:
        return Type.CALCULATE if bind.calculate else Type.HIDDEN
    if control.tag == "upload":
        kind = (control.element.get("mediatype") or "").partition("/")[0]
        return {"image": Type.IMAGE, "audio": Type.AUDIO, "video": Type.VIDEO}.get(kind, Type.FILE)
    if control.tag == "input" and bind.readonly and bind.readonly.source.strip() == "true()":
        return Type.NOTE
    return _CONTROLS.get(control.tag) or _INPUTS.get(bind.type, Type.TEXT)
