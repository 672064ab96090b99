"""What can be done with webhooks: register, sign anew, switch off and on, and note what there is to tell."""

import re
import secrets
from base64 import b64encode
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.sentences import Sentence
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, require
from bot.webhooks.addresses import is_public_name
from bot.webhooks.models import CallStatus, Kind, Webhook, WebhookCall

#: How long the secret before still signs.
OVERLAP = timedelta(days=1)
#: How long calls that are over stay in the log.
KEPT = timedelta(days=30)
MOST = 20  #: webhooks; each event is looked up in all of them
URL_LIMIT = 500
#: Strict on purpose: what two readers of an address could read differently is no address.
_URL = re.compile(r"(https?)://([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[\x21\x24-\x5b\x5d-\x7e]*)?")


class NotRegistered(Exception):
    """The webhook cannot be as it was asked for; the message carries the cure."""


def register(db: Session, by: StaffUser, url: str, kinds: Collection[str], *, private: bool = False) -> Webhook:
    """Add an address; `private`: one within our own network may be called, and without encryption."""
    require(by, Permission.SETTINGS_MANAGE)
    check(url, private=private)
    wanted = sorted(set(kinds) & set(Kind) - {Kind.TEST})
    if not wanted:
        raise NotRegistered(Sentence("Choose at least one thing to be told"))
    if len(db.scalars(select(Webhook.id)).all()) >= MOST:
        raise NotRegistered(Sentence("There are %(most)s webhooks already: remove one first", most=MOST))
    row = Webhook(url=url, kinds=wanted, secret=_secret(), created_by=str(by.id), created_at=clock.now())
    db.add(row)
    db.flush()
    audit.record(db, by, "webhook.registered", "webhook", row.id, {"kinds": wanted})
    return row


def check(url: str, *, private: bool) -> None:
    """Raise NotRegistered for an address that may not be called, as far as it can be told without looking it up."""
    found = _URL.fullmatch(url) if len(url) <= URL_LIMIT else None
    if found is None or int((found[3] or ":443")[1:]) not in range(1, 65536):
        raise NotRegistered(Sentence("Write a whole https address without a user name or a #"))
    if not private and (found[1] != "https" or not is_public_name(found[2])):
        raise NotRegistered(Sentence("Only public https addresses can be called: this one is within a network"))


def rotate(db: Session, row: Webhook, by: StaffUser) -> str:
    """Return a new secret; the one before signs too for a day, so that receivers can change over."""
    require(by, Permission.SETTINGS_MANAGE)
    row.old_secret, row.old_until = row.secret, clock.now() + OVERLAP
    row.secret = _secret()
    db.flush()
    audit.record(db, by, "webhook.secret_rotated", "webhook", row.id)
    return row.secret


def switch(db: Session, row: Webhook, on: bool, by: StaffUser) -> None:
    """Switch a webhook off, which ends what waits for it, or on again."""
    require(by, Permission.SETTINGS_MANAGE)
    if on:
        row.disabled_at = row.disabled_by = row.failing_since = None
    else:
        disable(db, row, str(by.id))
    db.flush()
    audit.record(db, by, "webhook.switched_on" if on else "webhook.switched_off", "webhook", row.id)


def disable(db: Session, row: Webhook, by: str | None = None) -> None:
    """Call an address no more; `by` None: because it failed for too long."""
    row.disabled_at, row.disabled_by = clock.now(), by
    waiting = update(WebhookCall).where(WebhookCall.webhook_id == row.id, WebhookCall.status == CallStatus.WAITING)
    db.execute(waiting.values(status=CallStatus.FAILED, due_at=None, answer="switched off"))


def remove(db: Session, row: Webhook, by: StaffUser) -> None:
    """Forget a webhook and its log."""
    require(by, Permission.SETTINGS_MANAGE)
    number = row.id
    db.execute(delete(WebhookCall).where(WebhookCall.webhook_id == number))
    db.delete(row)
    db.flush()
    audit.record(db, by, "webhook.removed", "webhook", number)


def emit(db: Session, kind: Kind, data: Mapping[str, Any]) -> None:
    """Note what happened for whoever wants to be told, in the transaction in which it happens: ids and figures only."""
    for row_id, kinds in db.execute(select(Webhook.id, Webhook.kinds).where(Webhook.disabled_at.is_(None))):
        if kind in kinds:
            db.add(_call(row_id, kind, data))


def test(db: Session, row: Webhook, by: StaffUser) -> None:
    """Have the address called, now."""
    require(by, Permission.SETTINGS_MANAGE)
    if row.disabled_at is not None:
        raise NotRegistered(Sentence("This webhook is off: switch it on first"))
    db.add(_call(row.id, Kind.TEST, {}))
    db.flush()
    audit.record(db, by, "webhook.tested", "webhook", row.id)


def again(db: Session, call: WebhookCall, row: Webhook, by: StaffUser) -> None:
    """Make a call once more that was given up, with its own id, so that a receiver knows one it has."""
    require(by, Permission.SETTINGS_MANAGE)
    if row.disabled_at is not None:
        raise NotRegistered(Sentence("This webhook is off: switch it on first"))
    if call.status != CallStatus.FAILED:
        raise NotRegistered(Sentence("Only a call that was given up can be made again"))
    call.status, call.attempts, call.due_at, call.answer = CallStatus.WAITING, 0, clock.now(), None
    db.flush()
    audit.record(db, by, "webhook.called_again", "webhook", row.id, {"call": call.id})


def forget(db: Session) -> int:
    """Delete old calls that are over; a job calls it. Return how many."""
    over = WebhookCall.due_at.is_(None) & (WebhookCall.at < clock.now() - KEPT)
    return int(db.execute(delete(WebhookCall).where(over)).rowcount)  # type: ignore[attr-defined]


def _call(webhook_id: int, kind: Kind, data: Mapping[str, Any]) -> WebhookCall:
    now = clock.now()
    return WebhookCall(webhook_id=webhook_id, uid=f"msg_{uuid4().hex}", kind=kind, data=dict(data), due_at=now, at=now)


def _secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()
