"""A survey on the page of phones, before anybody gets it: a whole installation that ends with the preview."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from bot.contacts.models import State
from bot.contacts.service import find_or_create
from bot.content.languages import LANGUAGES
from bot.demo.people import AnyPhone
from bot.demo.stage import Stage, stage
from bot.emulators.limits import Limits
from bot.surveys import publishing
from bot.surveys.publishing import Prepared

_FIRST_NUMBER = 26650000001  #: of numbers that are nobody's here
_FAST = Limits(chat_rate=1e6, chat_burst=1000)


@dataclass(frozen=True, slots=True)
class Preview:
    """What is on the screen."""

    stage: Stage
    phones: tuple[AnyPhone, ...]  #: of a member for each language, on each channel

    @property
    def url(self) -> str:
        """Return the page of phones."""
        return f"{self.stage.url}/phones/"


@asynccontextmanager
async def preview(prepared: Prepared, port: int = 0) -> AsyncIterator[Preview]:
    """Have the first question asked on a phone of each channel and language; all of it is forgotten at the end."""
    with tempfile.TemporaryDirectory(prefix="outreach-preview-") as folder:
        async with stage(Path(folder), port=port, limits=_FAST, telegram_mode="webhook") as opened:
            phones = tuple(_phones(opened))
            senders = {name: channel.sender for name, channel in opened.app.channels.items()}
            await opened.app.database.run(_furnish, prepared, phones, senders)
            for phone in phones:
                await phone.send("SURVEY")
            yield Preview(opened, phones)


def _phones(opened: Stage) -> list[AnyPhone]:
    world, phones = opened.world, list[AnyPhone]()
    for number, (code, language) in enumerate(LANGUAGES.items(), _FIRST_NUMBER):
        phones += [world.telegram_phone(language.name, code), world.whatsapp_phone(f"+{number}", language.name, code)]
    return phones


def _furnish(db: Session, prepared: Prepared, phones: Sequence[AnyPhone], senders: Mapping[str, str]) -> None:
    """Open the survey, and let everybody with a phone be a member already."""
    publishing.release(db, publishing.keep(db, prepared))
    for phone in phones:
        contact, _ = find_or_create(db, phone.channel, senders[phone.channel], phone.address)
        contact.state, contact.language = State.MEMBER, phone.language_code
