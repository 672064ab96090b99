"""Ask providers and our own address whether all is well, before a message depends on it; alarms tell what is not."""

import asyncio
from collections.abc import Mapping

import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session

from bot import certificate, clock
from bot.channels.base import Channel, SenderKey
from bot.conversations.models import Finding
from bot.db import Database
from bot.sentences import Sentence

log = structlog.get_logger(__name__)

UNTRUSTED, ENDING = "untrusted", "ending"
#: The alarm that each code raises.
ALARMS = {
    "token": "token",
    "address_other": "address",
    "address_failing": "address",
    UNTRUSTED: "certificate",
    ENDING: "certificate",
}


def says(code: str, of: str) -> Sentence:
    """Return what is wrong with a sender or an address, and the cure."""
    sentences = {
        "token": Sentence(
            "%(of)s does not know us any more: copy its token into the settings again, then restart.", of=of
        ),
        "address_other": Sentence(
            "%(of)s calls another address than ours, so that members get no answer: run “outreach webhooks set”.", of=of
        ),
        "address_failing": Sentence(
            "%(of)s calls us and gets no answer: check OUTREACH_PUBLIC_URL, the proxy and the certificate.", of=of
        ),
        UNTRUSTED: Sentence(
            "The certificate of %(of)s is not accepted, so that providers do not call: renew it.", of=of
        ),
        ENDING: Sentence("The certificate of %(of)s ends within two weeks: see why it is not renewed.", of=of),
    }
    return sentences[code]


async def examine(
    database: Database, channels: Mapping[SenderKey, Channel], addresses: Mapping[SenderKey, str], public_url: str
) -> int:
    """Note what is wrong now, in the place of what was wrong before; return how much that is."""
    found: dict[str, str] = {}
    for key, channel in channels.items():
        try:
            code = await channel.examine(addresses.get(key, ""))
        except Exception as error:  # an outage is another alarm's
            log.warning("a provider cannot be asked about itself", channel=channel.name, error=type(error).__name__)
            continue
        if code:
            found[" ".join(key)] = code
    if public_url.startswith("https://") and (code := await asyncio.to_thread(_of_certificate, public_url)):
        found[public_url] = code
    return await database.run(_note, found)


def _of_certificate(url: str) -> str | None:
    try:
        left = certificate.seconds_left(url, clock.now().timestamp())
    except certificate.Untrusted:
        return UNTRUSTED
    return ENDING if left is not None and left < certificate.ENOUGH.total_seconds() else None


def _note(db: Session, found: Mapping[str, str]) -> int:
    db.execute(delete(Finding))
    db.add_all(Finding(about=about[:128], code=code) for about, code in found.items())
    return len(found)
