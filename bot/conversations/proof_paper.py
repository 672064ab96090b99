"""The proof of consent as a PDF, in the language of whoever asks for it; what was shown and said stays as it was."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import clock
from bot.contacts.models import Decision, Purpose
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.conversations.proof import Document, Word
from bot.sentences import Sentence, said

_PURPOSES = {
    Purpose.NEWS: Sentence("News"),
    Purpose.INVESTMENT: Sentence("Investment information"),
    Purpose.SURVEYS: Sentence("Surveys"),
    Purpose.SESSIONS: Sentence("Training sessions"),
    Purpose.SHARING: Sentence("Sharing with partners"),
}
_DECISIONS = {
    Decision.GRANTED: Sentence("agreed"),
    Decision.REFUSED: Sentence("refused"),
    Decision.WITHDRAWN: Sentence("withdrew"),
}

Translate = Callable[[str], str]


def make(content: Content, template: Path, proof: Document, language: str, translate: Translate) -> bytes:
    """Return the PDF. What people wrote goes in as data, never as the template's language."""
    import typst

    values = {"data": json.dumps(pages(content, proof, language, translate), ensure_ascii=False)}
    return bytes(typst.compile(str(template), sys_inputs=values, ignore_system_fonts=True))


def pages(content: Content, proof: Document, language: str, translate: Translate) -> dict[str, Any]:
    """Return what stands in the PDF."""
    return _Paper(content, proof, language, translate).pages()


class _Paper:
    """What stands on the paper."""

    def __init__(self, content: Content, proof: Document, language: str, translate: Translate) -> None:
        self._content, self._proof, self._language, self._translate = content, proof, language, translate

    def pages(self) -> dict[str, Any]:
        """Return the texts of the template."""
        proof = self._proof
        standing = ", ".join(map(self._named, proof.granted)) or self._say(Sentence("nothing"))
        return {
            "language": self._language,
            "title": self._say(Sentence("Proof of consent")),
            "facts": [
                self._say(Sentence("Member %(number)s", number=proof.contact_id)),
                self._say(Sentence("Chats now: %(addresses)s", addresses=", ".join(proof.addresses) or "–")),
                self._say(Sentence("As it stood on %(at)s", at=self._when(proof.at))),
                self._say(Sentence("Agreed to at that time: %(purposes)s", purposes=standing)),
                self._say(
                    Sentence(
                        "Made on %(at)s from the ledger, to which is only added",
                        at=self._when(clock.now()),
                    )
                ),
            ],
            "empty": self._say(Sentence("No word on any purpose had been said by then.")),
            "words": list(map(self._word, proof.words)),
        }

    def _say(self, sentence: Sentence) -> str:
        return said(sentence, self._translate)

    def _when(self, at: datetime) -> str:
        return self._content.formats.format_datetime(at, HOME_ZONE, self._language)

    def _named(self, granted: str) -> str:
        purpose, _, partner = granted.partition(": ")
        return " – ".join(filter(None, (self._say(_PURPOSES[Purpose(purpose)]), partner)))

    def _word(self, word: Word) -> dict[str, Any]:
        purpose = self._named(": ".join(filter(None, (word.purpose, word.partner))))
        return {
            "head": f"{purpose} – {self._say(_DECISIONS[Decision(word.decision)])}",
            "facts": list(self._facts(word)),
            "shown": word.shown or self._say(Sentence("The text shown was not kept.")),
        }

    def _facts(self, word: Word) -> Iterator[str]:
        channel, language = word.channel.capitalize(), LANGUAGES[word.language].name
        yield f"{self._when(word.at)}, {channel}, {language}"
        yield self._say(Sentence("Reply: %(said)s", said=word.said))
        values = {"staff": word.recorded_by, "message": word.inbound_id or "–"}
        if word.recorded_by == "contact":
            yield self._say(Sentence("Recorded from the person's own message %(message)s", **values))
        else:
            yield self._say(Sentence("Recorded by staff %(staff)s from message %(message)s", **values))
        yield self._say(Sentence("Wording %(key)s, SHA-256 %(hash)s:", key=word.wording, hash=word.wording_hash))
