"""Messages that may begin a conversation: reminders, invitations, announcements, in the form WhatsApp must approve."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.content.catalogue import fill
from bot.content.files import ContentError, read_yaml
from bot.content.languages import LANGUAGES, chain

# WhatsApp's template languages have no st, ny, mfe: the template asks for a reply, the reply opens the window.
WHATSAPP_LANGUAGES = ("en", "fr")
BODY_LIMIT = 1024
#: Kinds of files that may stand above a template's text; WhatsApp approves each for itself.
FILE_KINDS = ("image", "document")
BUTTON_LIMIT = 20
BUTTONS_LIMIT = 10

_VARIABLE = re.compile(r"\{[a-z_]+\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ContentType(StrEnum):
    """Twilio's content type of a template."""

    TEXT = "twilio/text"
    QUICK_REPLY = "twilio/quick-reply"
    MEDIA = "twilio/media"


class Category(StrEnum):
    """WhatsApp's category: utility answers or reminds what a person asked for, marketing offers."""

    UTILITY = "utility"
    MARKETING = "marketing"


@dataclass(frozen=True)
class Variable:
    """A gap in the text: what fills it when the value is empty, and an example for WhatsApp's reviewers."""

    name: str
    fallback: Mapping[str, str]
    sample: str


@dataclass(frozen=True)
class Button:
    """A quick reply: the id that comes back, and the title per language."""

    id: str
    titles: Mapping[str, str]


@dataclass(frozen=True)
class Template:
    """A message in several languages with numbered gaps."""

    name: str
    purpose: str
    content_type: ContentType
    category: Category
    texts: Mapping[str, str]
    variables: tuple[Variable, ...] = ()
    buttons: tuple[Button, ...] = ()
    takes_files: bool = False  #: there is one with a picture, and one with a document, above the same text

    def with_file(self, kind: str) -> "Template":
        """Return the template with a file of a kind above the text."""
        return replace(self, name=f"{self.name}_{kind}", content_type=ContentType.MEDIA, takes_files=False)

    @property
    def file_variable(self) -> str:
        """Return the number of the variable that takes the end of the file's address."""
        return str(len(self.variables) + 1)

    def language_for(self, language: str) -> str:
        """Return the nearest language that has a text (mfe: fr; st and ny: en)."""
        return next(code for code in chain(language) if code in self.texts)

    def values(self, language: str, values: Mapping[str, object]) -> dict[str, str]:
        """Return one line of text per variable; an empty or missing value becomes the fallback."""
        code = self.language_for(language)
        return {
            variable.name: _one_line(values.get(variable.name)) or variable.fallback[code]
            for variable in self.variables
        }

    def render(self, language: str, values: Mapping[str, object]) -> str:
        """Return the text a person reads."""
        return fill(self.texts[self.language_for(language)], self.values(language, values))

    def body_for_whatsapp(self, language: str) -> str:
        """Return the text with {{1}}, {{2}} ... in the order of `variables`."""
        numbers = {variable.name: f"{{{{{number}}}}}" for number, variable in enumerate(self.variables, start=1)}
        return fill(self.texts[self.language_for(language)], numbers)

    def variables_for_whatsapp(self, language: str, values: Mapping[str, object]) -> dict[str, str]:
        """Return the values by number, as Twilio's ContentVariables wants them."""
        return {str(number): text for number, text in enumerate(self.values(language, values).values(), start=1)}

    def samples_for_whatsapp(self) -> dict[str, str]:
        """Return the examples by number that WhatsApp's review needs."""
        return {str(number): variable.sample for number, variable in enumerate(self.variables, start=1)}

    def button_titles(self, language: str) -> dict[str, str]:
        """Return the title of each button by its id."""
        code = self.language_for(language)
        return {button.id: button.titles[code] for button in self.buttons}

    def violations(self) -> Iterator[str]:
        """Yield what WhatsApp would refuse, one sentence each."""
        names = [variable.name for variable in self.variables]
        for code in WHATSAPP_LANGUAGES:
            if code not in self.texts:
                yield f"{code}: text is missing"
        for code, text in self.texts.items():
            yield from (f"{code}: {problem}" for problem in _text_violations(text, names))
            yield from (f"{code}: {problem}" for problem in self._part_violations(code))
        if self.takes_files and self.content_type is not ContentType.TEXT:
            yield f"only {ContentType.TEXT} can come with a file"
        if bool(self.buttons) != (self.content_type is ContentType.QUICK_REPLY) or len(self.buttons) > BUTTONS_LIMIT:
            yield f"{ContentType.QUICK_REPLY} needs 1 to {BUTTONS_LIMIT} buttons, {ContentType.TEXT} has none"

    def _part_violations(self, code: str) -> Iterator[str]:
        for variable in self.variables:
            if not variable.fallback.get(code) or not variable.sample:
                yield f"variable {variable.name} needs a fallback and a sample: WhatsApp refuses empty values"
        for button in self.buttons:
            if not 0 < len(button.titles.get(code, "")) <= BUTTON_LIMIT:
                yield f"button {button.id} needs a title of 1 to {BUTTON_LIMIT} characters"


def load_templates(messages_dir: Path) -> dict[str, Template]:
    """Return the templates of templates/*.yaml by name (the name of the file)."""
    paths = sorted((messages_dir / "templates").glob("*.yaml"))
    return {path.stem: _template(path) for path in paths}


def _text_violations(text: str, names: list[str]) -> Iterator[str]:
    found = [match[1:-1] for match in _VARIABLE.findall(text)]
    if len(text) > BODY_LIMIT:
        yield f"the text has {len(text)} characters, WhatsApp takes {BODY_LIMIT}"
    if sorted(found) != sorted(names):
        yield f"the text must use each variable once: {', '.join(names) or 'none'}"
    fixed = _VARIABLE.split(text)
    if found and not (fixed[0].strip() and fixed[-1].strip()):
        yield "the text may not begin or end with a variable"
    if any(not re.search(r"\w", part) for part in fixed[1:-1]):
        yield "two variables stand side by side; put words between them"
    if len(re.findall(r"\w+", " ".join(fixed))) < 2 * len(found) + 1:
        yield f"{len(found)} variables need at least {2 * len(found) + 1} fixed words"


def _one_line(value: object) -> str:
    """WhatsApp refuses line breaks, tabs and runs of spaces inside a value."""
    return "" if value is None else " ".join(str(value).split())


def _template(path: Path) -> Template:
    data = read_yaml(path)
    try:
        return Template(
            name=path.stem,
            purpose=data["purpose"],
            content_type=ContentType(data["content_type"]),
            category=Category(data["category"]),
            texts={code: text.strip() for code, text in _by_language(data["text"]).items()},
            variables=tuple(
                Variable(name, _by_language(part["fallback"]), part["sample"])
                for name, part in data.get("variables", {}).items()
            ),
            takes_files=bool(data.get("files", False)),
            buttons=tuple(Button(name, _by_language(titles)) for name, titles in data.get("buttons", {}).items()),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ContentError(
            f"{path} is not a template: {type(error).__name__} {error}; compare it with another"
        ) from error


def _by_language(texts: Any) -> dict[str, str]:
    unknown = set(texts) - set(LANGUAGES)
    if unknown:
        raise ValueError(f"unknown language {', '.join(map(str, unknown))}")
    return dict(texts)
