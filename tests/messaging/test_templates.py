from dataclasses import replace
from typing import Any

import pytest

from bot import clock
from bot.channels.base import Media
from bot.content import Content
from bot.db import Database
from bot.messaging import templates
from bot.messaging.outbox import Message

NAME = "session_reminder"
MESSAGE = Message("Reminder", template=NAME, variables={"title": "Saving"})


class Provider:
    """WhatsApp's reviewers."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}  #: content id -> name
        self.samples: dict[str, str] = {}  #: template/language -> the example of a file
        self.words: dict[str, str] = {}
        self.verdict = "approved"
        self.failing: str | None = None

    async def create(self, name: str, language: str, types: dict[str, Any], samples: dict[str, str]) -> str:
        if self.failing and name.startswith(self.failing):
            raise ConnectionError
        id = f"HX{len(self.made)}"
        self.made[id] = name
        if "twilio/media" in types:
            self.samples[f"{name[:-9].rpartition('_')[0]}/{language}"] = list(samples.values())[-1]
        return id

    async def submit(self, content_id: str, name: str, category: str) -> None:
        if name in [self.made[id] for id in self.words]:
            raise ValueError("a template of this name exists")
        self.words[content_id] = self.verdict

    async def approval(self, content_id: str) -> str:
        return self.words.get(content_id, "unsubmitted")


@pytest.fixture
def content(messages_dir) -> Content:
    return Content.load(messages_dir)


def found(database: Database, content: Content, message: Message = MESSAGE) -> str | None:
    with database.begin() as db:
        template = templates.approved(db, content, message, "en")
    return template.content_id if template else None


async def test_each_template_is_made_once_in_each_of_whatsapps_languages(database: Database, content: Content) -> None:
    provider = Provider()
    first = await templates.sync(database, content, provider)
    assert set(first.values()) == {"approved"}
    assert len(provider.made) == len(first) == 2 * len(content.templates)
    assert await templates.sync(database, content, provider) == first
    assert len(provider.made) == len(first)


@pytest.mark.parametrize("verdict", ["pending", "rejected", "received", "paused", "disabled"])
async def test_only_what_is_approved_may_be_sent(database: Database, content: Content, verdict: str) -> None:
    provider = Provider()
    provider.verdict = verdict
    assert set((await templates.sync(database, content, provider)).values()) == {verdict}
    assert found(database, content) is None


async def test_approval_may_come_later_and_be_taken_away_again(database: Database, content: Content) -> None:
    provider = Provider()
    provider.verdict = "pending"
    await templates.sync(database, content, provider)
    provider.words = dict.fromkeys(provider.words, "approved")
    await templates.sync(database, content, provider)
    assert found(database, content)
    provider.words = dict.fromkeys(provider.words, "paused")
    await templates.sync(database, content, provider)
    assert found(database, content) is None


async def test_a_changed_wording_waits_for_its_own_approval(database: Database, content: Content) -> None:
    provider = Provider()
    await templates.sync(database, content, provider)
    old = content.templates[NAME]
    changed = replace(content, templates={**content.templates, NAME: replace(
        old, texts={code: f"{text} Thank you." for code, text in old.texts.items()}
    )})  # fmt: skip
    assert found(database, changed) is None
    provider.verdict = "pending"
    assert (await templates.sync(database, changed, provider))[f"{NAME}/en"] == "pending"
    assert found(database, changed) is None
    assert found(database, content)


async def test_one_template_that_fails_does_not_hold_up_the_others(database: Database, content: Content) -> None:
    provider = Provider()
    provider.failing = f"{NAME}_fr"
    states = await templates.sync(database, content, provider)
    assert states.pop(f"{NAME}/fr") == "error"
    assert set(states.values()) == {"approved"}


async def test_a_sync_that_was_interrupted_goes_on_where_it_was(database: Database, content: Content) -> None:
    provider = Provider()

    async def interrupted(content_id: str, name: str, category: str) -> None:
        raise ConnectionError

    submit, provider.submit = provider.submit, interrupted  # type: ignore[method-assign]
    assert set((await templates.sync(database, content, provider)).values()) == {"error"}
    provider.submit = submit  # type: ignore[method-assign]
    assert set((await templates.sync(database, content, provider)).values()) == {"approved"}
    assert len(provider.made) == 2 * len(content.templates)


async def test_no_variable_is_ever_empty(database: Database, content: Content) -> None:
    await templates.sync(database, content, Provider())
    with database.begin() as db:
        for name in content.templates:
            template = templates.approved(db, content, Message("x", template=name, variables={"title": "  "}), "fr")
            assert template is not None
            assert all(value.strip() for value in template.variables.values())
    assert clock.now()


PICTURE = Message(
    "A new bond.", template="announcement", variables={"title": "Bond"}, media=Media("image", "p.png", "image/png")
)
SERVING = templates.Serving("https://bot.example.org/media/", lambda kind: f"1/signed/made/example/{kind}")


def above(database: Database, content: Content, base: str = SERVING.base) -> str:
    """Return the variable that the file would take."""
    with database.begin() as db:
        found = templates.approved(db, content, PICTURE, "en", base)
    assert found
    return found.file_variable


async def test_what_takes_files_is_approved_with_each_kind_of_file_too(database: Database, content: Content) -> None:
    provider = Provider()
    states = await templates.sync(database, content, provider, SERVING)
    taking = [name for name, shipped in content.templates.items() if shipped.takes_files]
    assert {f"{name}_{kind}/fr" for name in taking for kind in ("image", "document")} <= set(states)
    assert len(states) == 2 * len(content.templates) + 4 * len(taking)
    assert provider.samples["announcement_image/en"] == "1/signed/made/example/image"
    assert above(database, content) == "3"


async def test_a_file_waits_until_its_own_template_is_approved_at_the_address_that_serves_it(
    database: Database, content: Content
) -> None:
    provider = Provider()
    assert set(await templates.sync(database, content, provider)) <= set(
        await templates.sync(database, content, provider, SERVING)
    )
    assert above(database, content, "https://elsewhere.example.org/media/") == ""
    assert above(database, content, "") == ""
    provider.words = {id: "paused" if "_image_" in provider.made[id] else word for id, word in provider.words.items()}
    await templates.sync(database, content, provider, SERVING)
    assert above(database, content) == ""
