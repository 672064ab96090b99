"""What there is to read: the service document, and `$metadata` as XML (CSDL)."""

from collections.abc import Iterable
from typing import Any

from lxml import etree

from bot.feeds.shapes import Edm, EntitySet

NAMESPACE = "Outreach"
_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"
_DESCRIPTION = "Org.OData.Core.V1.Description"


def service(root: str, sets: Iterable[EntitySet]) -> dict[str, Any]:
    """Return the list of entity sets."""
    listed = [{"name": each.name, "kind": "EntitySet", "url": each.name} for each in sets]
    return {"@odata.context": f"{root}$metadata", "value": listed}


def document(sets: Iterable[EntitySet]) -> bytes:
    """Return the types of all entity sets."""
    whole = etree.Element(f"{{{_EDMX}}}Edmx", {"Version": "4.0"}, nsmap={"edmx": _EDMX})
    data = etree.SubElement(whole, f"{{{_EDMX}}}DataServices")
    schema = etree.SubElement(data, f"{{{_EDM}}}Schema", {"Namespace": NAMESPACE}, nsmap={None: _EDM})
    listed = list(sets)
    for each in listed:
        _describe(schema, each)
    container = etree.SubElement(schema, f"{{{_EDM}}}EntityContainer", {"Name": "Feeds"})
    for each in listed:
        facts = {"Name": each.name, "EntityType": f"{NAMESPACE}.{each.name}_row"}
        etree.SubElement(container, f"{{{_EDM}}}EntitySet", facts)
    return bytes(etree.tostring(whole, xml_declaration=True, encoding="utf-8"))


def _describe(schema: Any, each: EntitySet) -> None:
    kind = etree.SubElement(schema, f"{{{_EDM}}}EntityType", {"Name": f"{each.name}_row"})
    key = etree.SubElement(kind, f"{{{_EDM}}}Key")
    for column in each.keys:
        etree.SubElement(key, f"{{{_EDM}}}PropertyRef", {"Name": column.name})
    for column in each.columns:
        facts = {"Name": column.name, "Type": column.type, "Nullable": "false" if column.key else "true"}
        if column.type is Edm.DECIMAL:
            facts["Scale"] = "variable"
        said = etree.SubElement(kind, f"{{{_EDM}}}Property", facts)
        if column.label:
            words = {"Term": _DESCRIPTION, "String": _printable(column.label)}
            etree.SubElement(said, f"{{{_EDM}}}Annotation", words)


def _printable(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\t\n")
