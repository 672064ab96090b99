"""Secondary instances: choice lists inside the form, and attached CSV, XML and GeoJSON files, as elements."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from bot.sentences import Sentence
from bot.surveys.form import Problem
from bot.surveys.xpath.nodes import Element

MAX_ITEMS = 50_000  # rows of one list
_PARSER = {"resolve_entities": False, "no_network": True, "huge_tree": False, "remove_comments": True}


def parse_xml(data: bytes) -> Any:
    """Parse XML with entities and network off; a document that defines its own entities is refused."""
    root = etree.fromstring(data, etree.XMLParser(**_PARSER, remove_pis=True))
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("it has a DOCTYPE; remove it")
    return root


def qualified(node: Any) -> str:
    """Return an element's name as paths write it: its prefix only when it is not of the XForms namespace."""
    local = etree.QName(node).localname
    return f"{node.prefix}:{local}" if node.prefix else local


def to_element(node: Any, parent: Element | None) -> Element:
    """Turn parsed XML into elements."""
    made = Element(qualified(node), parent, node.text or "")
    made.attributes = {etree.QName(name).localname: value for name, value in node.attrib.items()}
    made.children = [to_element(child, made) for child in node]
    if made.children and not made.text.strip():
        made.text = ""
    return made


def read_instance(node: Any, media: Mapping[str, bytes], problems: list[Problem], missing: list[Problem]) -> Element:
    """Read an <instance>: its own content, or the attached file it names."""
    source = node.get("src")
    instance = Element("instance", None)
    if source is None or len(node):
        instance.children = [to_element(child, instance) for child in node]
    elif source.startswith("jr://instance"):
        pass  # the last saved record: a run in chat has none
    elif (name := source.rsplit("/", 1)[-1]) in media:
        _read_file(instance, name, media[name], problems)
    else:
        missing.append(
            Problem(Sentence("the file %(name)s is missing; upload it together with the form", name=name), "survey")
        )
        instance.children = [Element("root", instance)]
    for root in instance.children:
        if len(root.children) > MAX_ITEMS:
            problems.append(
                Problem(
                    Sentence(
                        "the list %(name)s has more than %(most)s rows; cut it", name=node.get("id"), most=MAX_ITEMS
                    ),
                    "choices",
                )
            )
    return instance


def _read_file(instance: Element, name: str, data: bytes, problems: list[Problem]) -> None:
    try:
        if name.lower().endswith(".xml"):
            instance.children = [to_element(parse_xml(data), instance)]
        else:
            rows = _geojson(data) if name.lower().endswith(".geojson") else _csv(data)
            instance.children = [_items(instance, rows)]
    except (ValueError, KeyError, TypeError, csv.Error, etree.XMLSyntaxError):
        problems.append(Problem(Sentence("the file %(name)s cannot be read; check that it is a whole file", name=name)))


def _items(instance: Element, rows: Iterator[dict[str, str]]) -> Element:
    root = Element("root", instance)
    items = []
    for row in rows:
        item = Element("item", root)
        item.children = [Element(column, item, value) for column, value in row.items()]
        items.append(item)
    root.children = items
    return root


def _csv(data: bytes) -> Iterator[dict[str, str]]:
    text = data.decode("utf-8-sig")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield {column.strip(): value or "" for column, value in row.items() if column and column.strip()}


def _geojson(data: bytes) -> Iterator[dict[str, str]]:
    for feature in json.loads(data)["features"]:
        row = {key: "" if value is None else str(value) for key, value in (feature.get("properties") or {}).items()}
        if "id" in feature:
            row["id"] = str(feature["id"])
        row["geometry"] = _geometry(feature["geometry"])
        yield row


def _geometry(geometry: dict[str, Any]) -> str:
    """Write a GeoJSON geometry as ODK does: latitude first, points parted by semicolons."""
    shape = geometry["coordinates"]
    points = {"Point": [shape], "LineString": shape, "Polygon": shape[0]}[geometry["type"]]
    return "; ".join(f"{point[1]} {point[0]} 0 0" for point in points)
