"""The mapping survey from its first question to its last word, on each channel and in each language."""

import re
from pathlib import Path

import pytest

from bot.content import Content
from bot.content.languages import LANGUAGES, chain
from bot.messaging.outbox import Message
from bot.surveys.publishing import Prepared, prepare
from bot.surveys.rehearsing import Rehearsal, copy

CHANNELS = ("telegram", "whatsapp")
OTHER = {"telegram": "whatsapp", "whatsapp": "telegram"}


@pytest.fixture(scope="module")
def content(messages_dir: Path) -> Content:
    return Content.load(messages_dir)


@pytest.fixture(scope="module")
def mapping(messages_dir: Path) -> Prepared:
    file = messages_dir / "surveys" / "diaspora_mapping.xlsx"
    return prepare(file.read_bytes(), file.name)


class Talk:
    """One rehearsal, in which what the bot says is compared with its wordings."""

    def __init__(self, chat: Rehearsal, content: Content, language: str) -> None:
        self.chat, self.content, self.language = chat, content, language
        self.text = ""

    def say(self, line: str, *keys: str) -> str:
        """Say something, and hear these wordings."""
        self.text = "\n".join(message.text for message in self.chat.hear(line))
        for key in keys:
            assert self.is_heard(key), f"no {key} after {line!r}: {self.text}"
        return self.text

    def is_heard(self, key: str) -> bool:
        catalogue = self.content.catalogue
        entries = (catalogue.entry(key, language) for language in chain(self.language))
        wording = next(entry.forms[0] for entry in entries if entry and not entry.draft)
        pattern = re.sub(r"\\\{[a-z_]+\\\}", ".*", re.escape(" ".join(wording.split())))
        return re.search(pattern, " ".join(self.text.split())) is not None  # a long list comes in parts

    def question(self) -> str:
        """Return what was asked last, without the count before it."""
        found = re.search(r"^\d+ \D+ \d+\n\n(.+)$", self.text, re.MULTILINE)
        return found[1] if found else ""


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mapping_reads_well_to_the_end(content: Content, mapping: Prepared, channel: str, language: str) -> None:
    with Rehearsal(content, CHANNELS, channel) as chat:
        talk = Talk(chat, content, language)
        first = chat.begin(copy(mapping.survey()), language)
        _through_the_words(talk, first, channel)
        _to_the_review(talk)
        talk.say("CHANGE 3", "survey.current_answer")
        talk.say("2")
        assert "Malawi" in _to_the_review(talk)
        talk.say("yes", "survey.submitted", "survey.correctable")
        ended = chat.ended()
        assert (ended.disposition, ended.answers["/data/g_profile/origin"]) == ("completed", "MW")
        assert "" in ended.answers.values(), "what was skipped is known to have been asked"


def _through_the_words(talk: Talk, first: list[Message], channel: str) -> None:
    """Use every word that works at each question, three wrong answers, an old button, and the other channel."""
    consent = first[-1].buttons[0].id
    talk.say(f"[{consent}]")
    adult = talk.question()
    assert talk.say(f"[{consent}]") == "", "pressed twice, an old button changes and says nothing"
    talk.say(f"[{first[-1].buttons[1].id}]", "survey.stale_answer")
    assert talk.question() == adult
    talk.say("SKIP")
    assert talk.question() == adult, "what is required is not skipped"
    talk.say("1")
    origin = talk.question()
    talk.say("WHY")
    assert talk.question() == origin
    talk.say("1")
    link = talk.question()
    talk.say("BACK", "survey.current_answer")
    assert talk.question() == origin
    talk.say("DONE")
    assert talk.question() == link
    for _ in range(2):
        talk.say("qqqq", "survey.invalid_choice")
        assert not talk.is_heard("survey.help_after_three")
    talk.say("qqqq", "survey.invalid_choice", "survey.help_after_three")
    talk.say("PAUSE", "survey.paused")
    talk.say(f"@channel {OTHER[channel]}", "survey.resumed")
    assert talk.question() == link
    talk.say(f"@channel {channel}", "survey.resumed")


def _to_the_review(talk: Talk) -> str:
    """Skip what may be skipped, and answer the rest with the first choice."""
    for _ in range(60):
        if talk.is_heard("survey.review"):
            return talk.text
        before = talk.question()
        talk.say("SKIP")
        if talk.question() == before and not talk.is_heard("survey.review"):
            talk.say("1")
    raise AssertionError(f"no end: {talk.text}")
