"""Call the addresses that are owed something: signed, each attempt later than the last; no session waits for them.

The scheme is that of Standard Webhooks: the receiver checks `webhook-signature` over id, time and body.
"""

import asyncio
import hmac
import json
import random
from base64 import b64decode, b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.db import Database
from bot.staff import audit
from bot.webhooks import service
from bot.webhooks.addresses import public_resolver
from bot.webhooks.models import CallStatus, Webhook, WebhookCall

log = structlog.get_logger(__name__)

#: How long after each failure it is tried again; after the last one no more.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
#: An address that fails for so long is switched off.
PATIENCE = timedelta(days=3)
TIMEOUT = 10  #: seconds
#: A process that was killed in a call leaves it to the others after so long.
LEASE = timedelta(minutes=1)
AT_ONCE = 20
GONE = "410"  #: the receiver wants no more calls


@dataclass(frozen=True, slots=True)
class Errand:
    """One attempt, as it is sent."""

    call_id: int
    url: str
    headers: dict[str, str]
    body: bytes


async def run(database: Database, *, private: bool) -> int:
    """Make the calls that are due, until none is; return how many."""
    done = 0
    while errands := await database.run(take):
        outcomes = await _call_all(errands, private=private)
        for errand, answer in zip(errands, outcomes, strict=True):
            await database.run(settle, errand.call_id, answer)
        done += len(errands)
    return done


def take(db: Session) -> list[Errand]:
    """Claim what is due, committed before the calls."""
    now = clock.now()
    due = (
        select(WebhookCall, Webhook)
        .join(Webhook, Webhook.id == WebhookCall.webhook_id)
        .where(WebhookCall.due_at <= now)
        .order_by(WebhookCall.due_at)
        .limit(AT_ONCE)
        .with_for_update(of=WebhookCall, skip_locked=True)
    )
    errands = []
    for call, webhook in db.execute(due):
        call.due_at, call.attempts = now + LEASE, call.attempts + 1
        body = json.dumps({"type": call.kind, "timestamp": call.at.isoformat(), "data": call.data}).encode()
        errands.append(Errand(call.id, webhook.url, signed(_secrets(webhook, now), call.uid, now, body), body))
    return errands


def _secrets(webhook: Webhook, now: datetime) -> list[str]:
    old = webhook.old_secret if webhook.old_until and webhook.old_until > now else None
    return [webhook.secret, *([old] if old else [])]


def signed(secrets: Collection[str], uid: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a call is ours, and no old one again."""
    seconds = str(int(at.timestamp()))
    content = f"{uid}.{seconds}.".encode() + body
    keys = [b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    marks = [b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "content-type": "application/json",
        "webhook-id": uid,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


async def _call_all(errands: list[Errand], *, private: bool) -> list[str]:
    """Return of each the status of its answer, or why there is none."""
    import aiohttp

    connector = aiohttp.TCPConnector() if private else aiohttp.TCPConnector(resolver=public_resolver())
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:

        async def call(errand: Errand) -> str:
            try:
                service.check(errand.url, private=private)
                # Who is led elsewhere is led past the check of the address.
                async with client.post(
                    errand.url, data=errand.body, headers=errand.headers, allow_redirects=False
                ) as answer:
                    return str(answer.status)
            except service.NotRegistered:
                return "not a public address"
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                return type(error).__name__[:64]

        return await asyncio.gather(*map(call, errands))


def settle(db: Session, call_id: int, answer: str) -> None:
    """Note what became of an attempt, and when the next one is; an address that fails for days is switched off."""
    call = db.get(WebhookCall, call_id, with_for_update=True)
    webhook = db.get(Webhook, call.webhook_id, with_for_update=True) if call else None
    if call is None or webhook is None or call.status != CallStatus.WAITING:
        return  # removed or switched off meanwhile
    now = clock.now()
    call.answer = answer
    if answer.startswith("2"):
        call.status, call.due_at, call.told_at, webhook.failing_since = CallStatus.DONE, None, now, None
        return
    log.warning("webhook failed", webhook=webhook.id, attempt=call.attempts, answer=answer)
    webhook.failing_since = webhook.failing_since or now
    if call.attempts > len(PAUSES):
        call.status, call.due_at = CallStatus.FAILED, None
    else:
        call.due_at = now + PAUSES[call.attempts - 1] * random.uniform(1, 1.2)
    if answer == GONE or now - webhook.failing_since >= PATIENCE:
        service.disable(db, webhook)
        db.flush()
        audit.record(db, None, "webhook.switched_off", "webhook", webhook.id, {"answer": answer})
