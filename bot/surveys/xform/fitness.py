"""What a chat cannot do with a form: refused, or said to be lost."""

from bot.surveys.form import Form, Problem, Question, Type
from bot.surveys.xpath.compiler import Expression

# What a chat has no way to take: refused when the form requires it, else never asked.
UNASKABLE = {
    Type.BARCODE: "a barcode scan",
    Type.GEOTRACE: "a line on a map",
    Type.GEOSHAPE: "an area on a map",
}
DRAWN = {"signature": "a signature", "draw": "a drawing", "annotate": "a drawing on a picture"}
# What is asked in another way.
OTHERWISE = {
    "minimal": None,
    "field-list": "its questions are asked one by one",
    "table-list": "its questions are asked one by one",
    "map": "the choices are listed, not shown on a map",
    "image-map": "the choices are listed, not shown on a picture",
}


def unaskable(kind: Type, appearance: frozenset[str]) -> str | None:
    """Name what a question needs that a chat has not."""
    drawn = next((DRAWN[word] for word in sorted(appearance) if word in DRAWN), None)
    return drawn if drawn and kind is Type.IMAGE else UNASKABLE.get(kind)


def unfit(form: Form) -> tuple[list[Problem], list[Problem]]:
    """Return why a form is refused in chat, and what of it is lost or asked otherwise."""
    refused, degraded = [], []
    for node in form.nodes.values():
        if isinstance(node, Question) and (need := unaskable(node.type, node.appearance)):
            if _may_be_required(node.bind.required):
                refused.append(Problem(f"{node.name} needs {need}, which a chat has not; make it optional", "survey"))
            else:
                degraded.append(Problem(f"{node.name} needs {need} and is never asked in chat", "survey"))
        for word in sorted(node.appearance):
            if OTHERWISE.get(word):
                degraded.append(Problem(f"{node.name}: {OTHERWISE[word]}", "survey", column="appearance"))
    return refused, degraded


def _may_be_required(required: Expression | None) -> bool:
    return required is not None and required.source.strip() not in {"false()", ""}
