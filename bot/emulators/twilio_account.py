"""The state of one emulated Twilio account: senders, messages, content."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from bot import clock
from bot.emulators.limits import Bucket, Limits
from bot.emulators.phone import Media
from bot.emulators.twilio_errors import ERROR_MESSAGES
from bot.emulators.twilio_templates import Content

API_VERSION = "2010-04-01"
RANK = {"accepted": 0, "queued": 1, "sending": 2, "sent": 3, "delivered": 4, "read": 5}


@dataclass(slots=True, eq=False)
class TwilioMessage:
    """A message to or from a phone."""

    account_sid: str
    from_: str
    to: str
    body: str
    direction: str = "outbound-api"
    status: str = "queued"
    messaging_service_sid: str = ""
    status_callback: str = ""
    content: Content | None = None
    variables: dict[str, str] = field(default_factory=dict)
    media: list[Media] = field(default_factory=list)
    broken: bool = False  #: its file could not be fetched
    error_code: int = 0
    sid: str = ""
    created_at: datetime = field(default_factory=clock.now)
    sent_at: datetime | None = None
    updated_at: datetime = field(default_factory=clock.now)

    def __post_init__(self) -> None:
        self.sid = self.sid or f"{'MM' if self.media else 'SM'}{secrets.token_hex(16)}"

    @property
    def uri(self) -> str:
        """Return the path of the resource without its ending."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"

    def move(self, status: str, error_code: int = 0) -> None:
        """Go forward to a status; a late earlier one changes nothing."""
        if status in RANK and RANK[status] <= RANK.get(self.status, len(RANK)):
            return
        self.status, self.error_code, self.updated_at = status, error_code, clock.now()
        if status == "sent":
            self.sent_at = self.updated_at

    def as_json(self) -> dict[str, Any]:
        """Return the resource."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": format_datetime(self.created_at),
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.updated_at),
            "direction": self.direction,
            "error_code": self.error_code or None,
            "error_message": ERROR_MESSAGES.get(self.error_code),
            "from": self.from_,
            "messaging_service_sid": self.messaging_service_sid or None,
            "num_media": str(len(self.media)),
            "num_segments": str(max(1, math.ceil(len(self.body) / 1600))),
            "price": None,
            "price_unit": None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{self.uri}/Media.json"},
            "to": self.to,
            "uri": f"{self.uri}.json",
        }


class TwilioAccount:
    """One account, its WhatsApp senders and everything it has sent, received and created."""

    def __init__(
        self, sid: str, auth_token: str, senders: tuple[str, ...], services: Mapping[str, str], limits: Limits
    ) -> None:
        self.sid, self.auth_token = sid, auth_token
        self.senders, self.services = senders, services
        self.messages: dict[str, TwilioMessage] = {}
        self.contents: dict[str, Content] = {}
        self.auto_approve = True
        self.buckets = {sender: Bucket(limits.sender_rate, limits.sender_burst) for sender in senders}

    def approve(self, content_sid: str) -> None:
        """Decide as WhatsApp does: the template may be sent outside the window."""
        self.contents[content_sid].status = "approved"

    def reject(self, content_sid: str, reason: str) -> None:
        """Decide as WhatsApp does: the template may not be used."""
        self.contents[content_sid].status = "rejected"
        self.contents[content_sid].rejection_reason = reason

    def pause(self, content_sid: str) -> None:
        """Decide as WhatsApp does after complaints."""
        self.contents[content_sid].status = "paused"
