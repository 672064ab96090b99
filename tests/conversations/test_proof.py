"""The proof of consent: on any date, what had been agreed to, and in which words."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.content import Content
from bot.conversations import proof
from bot.conversations.proof import Document
from bot.conversations.router import Router
from tests.conversations.conftest import Line


def at(line: Line, days: int, start: object) -> Document:
    with line.database.begin() as db:
        return proof.document(db, line.contact(), start + timedelta(days=days))  # type: ignore[operator]


def test_the_proof_follows_every_word_through_time(line: Line, frozen: object) -> None:
    line.play("START", "Français", "1 2", "oui", "SKIP", "SKIP", "FINI")
    clock.advance(timedelta(days=10))
    line.play("PROFILE", "6", "2 3")
    clock.advance(timedelta(days=10))
    line.write("ARRÊT")
    assert at(line, -1, frozen).words == ()
    assert at(line, 1, frozen).granted == ("investment", "news")
    assert at(line, 11, frozen).granted == ("investment", "surveys")
    last = at(line, 21, frozen)
    assert last.granted == ()
    assert [(word.purpose, word.decision, word.said) for word in last.words] == [
        ("news", "granted", "1 2"),
        ("investment", "granted", "1 2"),
        ("news", "withdrawn", "2 3"),
        ("surveys", "granted", "2 3"),
        ("investment", "withdrawn", "ARRÊT"),
        ("surveys", "withdrawn", "ARRÊT"),
    ]
    assert all(word.shown and word.language == "fr" and word.channel == "telegram" for word in last.words)
    assert json.loads(json.dumps(last.to_json()))["words"][0]["shown"].startswith("Si vous êtes d’accord")


@pytest.mark.parametrize("language", ["English", "Kreol Morisien"])
def test_a_text_that_changes_later_leaves_the_proof_as_it_was(
    line: Line, frozen: object, language: str, messages_dir: Path, tmp_path: Path
) -> None:
    line.play("START", language, "yes", "yes")
    before = at(line, 1, frozen)
    changed = tmp_path / "messages"
    shutil.copytree(messages_dir, changed)
    for path in changed.glob("locale/*/LC_MESSAGES/bot.po"):
        path.write_text(path.read_text().replace("IOM-UNDP", "UNDP-IOM").replace("OIM-PNUD", "PNUD-OIM"))
    line.router = Router(Content.load(changed), "", "")
    line.play("SKIP", "SKIP", "SKIP", "PROFILE", "6", "1", "PROFILE", "6", "yes")
    after = at(line, 1, frozen)
    assert after.words[:4] == before.words
    assert len({word.shown for word in after.words}) == 2
    assert len({word.wording_hash for word in after.words}) == 2
