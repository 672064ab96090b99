"""Twilio's webhooks: the signature, messages, status callbacks."""

import math
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from bot.channels.base import BadSignature, Hook, Inbound, Kind, Media, Receipt, Status
from bot.channels.whatsapp.failures import from_code

_STATUSES: dict[str, Status] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}
_WHATSAPP = "whatsapp:"
_OURS = re.compile(r"whatsapp:\+?\w{1,60}", re.ASCII)
_SID = re.compile(r"\w{1,64}", re.ASCII)
_OUTBOX_ID = re.compile(r"/status/(\d{1,18})$")
_MEDIA_KINDS = {"image": "image", "audio": "audio", "video": "video"}


def verified_form(hook: Hook, public_url: str, tokens: Sequence[str]) -> dict[str, str]:
    """Return the form of a call that Twilio signed; raise BadSignature for any other."""
    # On the configured address: behind a proxy the request's own says http, and what was signed says https.
    url = f"{public_url}{hook.path}" + (f"?{hook.query}" if hook.query else "")
    try:
        form = dict(parse_qsl(hook.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200))
        # Blank values are signed too, so that they must be kept.
        signature = hook.headers["x-twilio-signature"]
        genuine = any(RequestValidator(token).validate(url, form, signature) for token in tokens)
    except (KeyError, TypeError, ValueError):  # the validator raises on malformed input
        genuine = False
    if not genuine:
        raise BadSignature
    return form


def _sid(form: Mapping[str, str]) -> str:
    """Return the message's id, or nothing where there is none that Twilio would make."""
    sid = form.get("MessageSid", "")
    return sid if _SID.fullmatch(sid) else ""


def parse_message(form: Mapping[str, str]) -> list[Inbound]:
    """Return what a person sent; a form without ids is none of Twilio's messages."""
    if not _sid(form) or form.get("MessageType") == "reaction":
        return []
    # A text message to the same number is no chat of ours.
    if not form.get("From", "").startswith(_WHATSAPP) or not _OURS.fullmatch(form.get("To", "")):
        return []
    text = form.get("Body", "")
    if form.get("OptOutType") == "STOP":  # Twilio knows more words for it than we do, where that is switched on
        text = "STOP"
    button = form.get("ListId") or form.get("ButtonPayload") or None
    media = tuple(_media(form))
    location = _location(form)
    kind: Kind = "text" if text else "unsupported"
    if button:
        kind = "button"
    elif media:
        kind = "media"
    elif location:
        kind = "location"
    return [
        Inbound(
            channel="whatsapp",
            sender=form["To"].removeprefix(_WHATSAPP),
            external_id=form["MessageSid"],
            address=form["From"],
            kind=kind,
            text=text,
            message_id=form["MessageSid"],
            button=button,
            replies_to=form.get("OriginalRepliedMessageSid") or None,
            location=location,
            media=media,
            name=form.get("ProfileName", ""),
            raw=dict(form),
        )
    ]


def parse_status(hook: Hook, form: Mapping[str, str], sender: str) -> list[Receipt]:
    """Return what a status callback says; words on the way there are none of ours."""
    sid, status = _sid(form), form.get("MessageStatus", "")
    if not sid or status not in _STATUSES:
        return []
    found = _OUTBOX_ID.search(hook.path)
    return [receipt(sender, sid, status, form.get("ErrorCode", ""), int(found[1]) if found else None)]


def receipt(sender: str, sid: str, status: str, code: str, outbox_id: int | None = None) -> Receipt:
    """Return a message's state in our words; what Twilio still works on counts as sent."""
    ours = _STATUSES.get(status, "sent")
    failure = from_code(int(code) if code.isdecimal() and len(code) < 9 else 0) if ours == "failed" else None
    return Receipt("whatsapp", sender, sid, ours, outbox_id, failure)


def _media(form: Mapping[str, str]) -> list[Media]:
    count = form.get("NumMedia", "0")
    found = []
    for number in range(min(int(count), 10) if count.isdecimal() and len(count) < 4 else 0):
        content_type = form.get(f"MediaContentType{number}", "")
        kind = _MEDIA_KINDS.get(content_type.partition("/")[0], "document")
        found.append(Media(kind, form.get(f"MediaUrl{number}", ""), content_type))  # type: ignore[arg-type]
    return found


def _location(form: Mapping[str, str]) -> tuple[float, float] | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    is_place = math.isfinite(latitude) and abs(latitude) <= 90 and math.isfinite(longitude) and abs(longitude) <= 180
    return (latitude, longitude) if is_place else None
