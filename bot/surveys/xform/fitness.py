"""What a chat cannot do with a form: refused, or said to be lost."""

from typing import Any

from bot.sentences import Sentence
from bot.surveys.form import Form, Problem, Question, Type
from bot.surveys.xpath.compiler import Expression

_PRELOAD = "{http://openrosa.org/javarosa}preload"

# What a chat has no way to take: refused when the form requires it, else never asked.
UNASKABLE = {
    Type.BARCODE: Sentence("a barcode scan"),
    Type.GEOTRACE: Sentence("a line on a map"),
    Type.GEOSHAPE: Sentence("an area on a map"),
}
DRAWN = {
    "signature": Sentence("a signature"),
    "draw": Sentence("a drawing"),
    "annotate": Sentence("a drawing on a picture"),
}
# What is asked in another way.
OTHERWISE = {
    "minimal": None,
    "field-list": Sentence("its questions are asked one by one"),
    "table-list": Sentence("its questions are asked one by one"),
    "map": Sentence("the choices are listed, not shown on a map"),
    "image-map": Sentence("the choices are listed, not shown on a picture"),
}
ELSEWHERE = Sentence("it is typed, since a chat opens no other app")  # the appearance "ex:" and the app's name

# What a device fills in by itself.
DEVICE_ACTIONS = {
    "setgeopoint": Sentence("the place of the device, which a chat is not told"),
    "recordaudio": Sentence("a recording in the background, which a chat has not"),
}
DEVICE_PRELOADS = {"property": Sentence("a property of the device or its user, which a chat has not")}


def unfilled(model: Any, body: Any) -> list[Problem]:
    """Say what of a form only a device could fill in: it stays empty."""
    actions = [
        (element.get("ref") or "", need)
        for tag, need in DEVICE_ACTIONS.items()
        for part in (model, body)
        for element in part.iter(f"{{*}}{tag}")
    ]
    binds = [
        (bind.get("nodeset") or "", DEVICE_PRELOADS[bind.get(_PRELOAD)])
        for bind in model.findall("{*}bind")
        if bind.get(_PRELOAD) in DEVICE_PRELOADS
    ]
    names = [(path.strip().rpartition("/")[2], need) for path, need in actions + binds]
    problems = [
        Problem(Sentence("%(name)s stays empty: it is %(need)s", name=name, need=need), "survey")
        for name, need in dict(names).items()
    ]
    if any((one.get("src") or "").startswith("jr://instance/last-saved") for one in model.findall("{*}instance")):
        problems.append(Problem(Sentence("${last-saved#...} is always empty: a chat asks each person once"), "survey"))
    return problems


#: Files of a choice that a chat does not send.
SOUNDS = frozenset({"audio", "video"})


def silent(form: Form) -> list[Problem]:
    """Name the pictures and sounds that are not attached, and sounds of choices, which have no place in a chat."""
    choices = [choice.label for question in form.questions() for choice in question.choices]
    texts = [*(text for node in form.nodes.values() for text in (node.label, node.hint)), *choices]
    files = [file for text in texts for wording in text.values() for file in wording.media.values()]
    missing = [file for file in dict.fromkeys(files) if file not in form.media]
    problems = [
        Problem(Sentence("%(file)s is not attached: what it goes with is asked without it", file=file))
        for file in missing
    ]
    for question in form.questions():
        if any(SOUNDS & wording.media.keys() for choice in question.choices for wording in choice.label.values()):
            problems.append(
                Problem(
                    Sentence("%(name)s: sounds and films of its choices are not sent", name=question.name), "survey"
                )
            )
    return problems


def unaskable(kind: Type, appearance: frozenset[str]) -> str | None:
    """Name what a question needs that a chat has not."""
    drawn = next((DRAWN[word] for word in sorted(appearance) if word in DRAWN), None)
    return drawn if drawn and kind is Type.IMAGE else UNASKABLE.get(kind)


def unfit(form: Form) -> tuple[list[Problem], list[Problem]]:
    """Return why a form is refused in chat, and what of it is lost or asked otherwise."""
    refused, degraded = [], []
    if not any(question.asked for question in form.questions()):
        refused.append(Problem(Sentence("the form asks nothing; add a question"), "survey"))
    for node in form.nodes.values():
        if isinstance(node, Question) and (need := unaskable(node.type, node.appearance)):
            if _may_be_required(node.bind.required):
                refused.append(
                    Problem(
                        Sentence(
                            "%(name)s needs %(need)s, which a chat has not; make it optional", name=node.name, need=need
                        ),
                        "survey",
                    )
                )
            else:
                degraded.append(
                    Problem(
                        Sentence("%(name)s needs %(need)s and is never asked in chat", name=node.name, need=need),
                        "survey",
                    )
                )
        for word in sorted(node.appearance):
            otherwise = ELSEWHERE if word.startswith("ex:") else OTHERWISE.get(word)
            if otherwise:
                degraded.append(
                    Problem(
                        Sentence("%(name)s: %(loss)s", name=node.name, loss=otherwise), "survey", column="appearance"
                    )
                )
    return refused, degraded


def _may_be_required(required: Expression | None) -> bool:
    return required is not None and required.source.strip() not in {"false()", ""}
