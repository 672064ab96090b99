"""What is wrong with a broadcast before anybody reads it. Codes; the console has the sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.broadcasts import rendering
from bot.broadcasts.policy import Policy
from bot.broadcasts.rendering import Wording
from bot.contacts.models import Purpose
from bot.content import Content, links
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging.outbox import Message

#: Longest message by channel, in UTF-16 units; a WhatsApp message with buttons is shorter.
LIMITS = {"telegram": 4096, "whatsapp": 1600}
LIMITS_WITH_BUTTONS = {"telegram": 4096, "whatsapp": 1024}
#: Longest text that stands under a file in the same message, by channel and kind; a longer one follows the file.
CAPTIONS: Mapping[str, Mapping[str, int]] = {
    "telegram": {"image": 1024, "document": 1024},
    "whatsapp": {"image": 1024, "document": 0},
}
BUTTONS_LIMIT = 3
LABEL_LIMIT = 20  #: characters
BUTTON_ID_LIMIT = 64  #: bytes
#: What people may be written to about; sharing is a consent, not a subject.
PURPOSES = tuple(purpose for purpose in Purpose if purpose != Purpose.SHARING)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stands in the way of an approval."""

    code: str
    language: str | None = None
    detail: str = ""


def problems(content: Content, wording: Wording, policy: Policy) -> list[Problem]:
    """Return everything that must be put right before a second person may approve."""
    return [
        *_purpose(wording),
        *_paid(wording, policy),
        *_turns(wording),
        *_texts(wording),
        *_buttons(wording),
        *_template(content, wording),
        *foreign_links(wording, policy),
        *_promises(content, wording),
        *_lengths(content, wording, policy),
    ]


def _paid(wording: Wording, policy: Policy) -> Iterator[Problem]:
    if getattr(wording, "paid", False) and not policy.paid_rates:
        yield Problem("paid_rate_off")


def _turns(wording: Wording) -> Iterator[Problem]:
    """What announces a card must not outlive it."""
    if getattr(wording, "repeat", None) and getattr(wording, "link_kind", None):
        yield Problem("repeats_a_card")


def _purpose(wording: Wording) -> Iterator[Problem]:
    if wording.purpose not in PURPOSES:
        yield Problem("purpose_unknown", detail=wording.purpose)


def _texts(wording: Wording) -> Iterator[Problem]:
    if SOURCE not in wording.texts:  # it stands in for every language without a text
        yield Problem("text_missing", SOURCE)
    for language, text in wording.texts.items():
        if language not in LANGUAGES:
            yield Problem("language_unknown", language)
        elif not text.strip():
            yield Problem("text_empty", language)


def _buttons(wording: Wording) -> Iterator[Problem]:
    if len(wording.buttons) > BUTTONS_LIMIT:
        yield Problem("buttons_too_many", detail=str(BUTTONS_LIMIT))
    for button in wording.buttons:
        if not 0 < len(button["id"].encode()) <= BUTTON_ID_LIMIT:
            yield Problem("button_id", detail=button["id"])
        if not button["labels"].get(SOURCE):
            yield Problem("button_label_missing", SOURCE, button["id"])
        for language, label in button["labels"].items():
            if len(label) > LABEL_LIMIT:
                yield Problem("button_label_too_long", language, button["id"])


def _template(content: Content, wording: Wording) -> Iterator[Problem]:
    if wording.template is None:
        return
    template = content.templates.get(wording.template)
    if template is None:
        yield Problem("template_unknown", detail=wording.template)
        return
    if template.purpose != wording.purpose:  # its wording lacks what the purpose calls for, such as the risks
        yield Problem("template_purpose", detail=template.purpose)
    known = {variable.name for variable in template.variables}
    for language, values in wording.variables.items():
        for name in sorted(set(values) - known):
            yield Problem("variable_unknown", language, name)


def foreign_links(wording: Wording, policy: Policy) -> list[Problem]:
    """Return the links that lead to none of our domains."""
    return [
        Problem("link_not_allowed", language, host)
        for language, text in _said(wording)
        for host in links.foreign(text, policy.domains)
    ]


def _promises(content: Content, wording: Wording) -> Iterator[Problem]:
    """No word about money may promise what nobody can."""
    if wording.purpose == Purpose.INVESTMENT:
        for language, text in _said(wording):
            for word in content.promises.find(text):
                yield Problem("promise", language, word)


def _said(wording: Wording) -> Iterator[tuple[str, str]]:
    """Yield what the author wrote in each language, in one piece: nothing hides between two parts."""
    for language, text in wording.texts.items():
        labels = [button["labels"].get(language, "") for button in wording.buttons]
        yield language, "\n".join([text, *labels, *map(str, wording.variables.get(language, {}).values())])


def _lengths(content: Content, wording: Wording, policy: Policy) -> Iterator[Problem]:
    limits = LIMITS_WITH_BUTTONS if wording.buttons else LIMITS
    for language, text in wording.texts.items():
        if language not in LANGUAGES or not text.strip():
            continue
        length = measure(rendering.message(content, wording, language).text)
        for channel in policy.channels:
            if length > limits.get(channel, length):
                yield Problem("text_too_long", language, f"{channel} {length}/{limits[channel]}")


def is_caption(message: Message, channel: str) -> bool:
    """Tell whether the text goes in one message with the file, or in another after it."""
    kind = message.media.kind if message.media else ""
    return measure(message.text) <= CAPTIONS.get(channel, {}).get(kind, 0)


def measure(text: str) -> int:
    """Return the length as providers count it: an emoji is two."""
    return len(text.encode("utf-16-le")) // 2
