"""Content objects: their limits, their approval, and what a phone shows of them."""

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot import clock
from bot.emulators.phone import Button, ButtonKind, Media
from bot.emulators.twilio_errors import TwilioError, invalid

# The type that WhatsApp shows when a content object has several, richest first.
TYPES = ("twilio/list-picker", "twilio/quick-reply", "twilio/call-to-action", "twilio/media", "twilio/text")
IN_SESSION_BUTTONS = 3
LONGEST_TEMPLATE = 1024
#: Endings of files that may stand above a template's text.
SHOWN_ABOVE = (".png", ".jpg", ".jpeg", ".mp4", ".pdf")
VARIABLE = re.compile(r"\{\{\s*(\w{1,16})\s*\}\}")


@dataclass(slots=True)
class Rendered:
    """What a phone shows of a message."""

    text: str
    buttons: tuple[Button, ...] = ()
    menu: str = ""
    media: Media | None = None


@dataclass(slots=True)
class Content:
    """One content object and its state as a WhatsApp template."""

    friendly_name: str
    language: str
    variables: dict[str, str]
    types: dict[str, dict[str, Any]]
    sid: str = field(default_factory=lambda: f"HX{secrets.token_hex(16)}")
    created_at: datetime = field(default_factory=clock.now)
    name: str = ""
    category: str = ""
    status: str = "unsubmitted"
    rejection_reason: str = ""

    @property
    def type(self) -> str:
        """Return the type that WhatsApp shows."""
        return next(kind for kind in TYPES if kind in self.types)

    @property
    def approved(self) -> bool:
        """Say whether it may be sent outside the window."""
        return self.status == "approved"

    @property
    def fits_session(self) -> bool:
        """Say whether it may be sent inside the window without approval."""
        return len(self.types[self.type].get("actions", ())) <= IN_SESSION_BUTTONS

    @property
    def has_example(self) -> bool:
        """Say whether its file, with the samples filled in, has an address and an ending that tell what it is."""
        wanted = self.types[self.type].get("media") or [""]
        host, _, path = wanted[0].partition("://")[2].partition("/")
        return not VARIABLE.search(host) and _filled_text(path, self.variables).endswith(SHOWN_ABOVE)

    def approval(self) -> dict[str, Any]:
        """Return the state of the approval request."""
        return {
            "name": self.name,
            "category": self.category,
            "content_type": self.type,
            "status": self.status,
            "rejection_reason": self.rejection_reason,
            "allow_category_change": True,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the resource."""
        url = f"https://content.twilio.com/v1/Content/{self.sid}"
        return {
            "sid": self.sid,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": self.variables,
            "types": self.types,
            "date_created": f"{self.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "date_updated": f"{self.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "url": url,
            "links": {
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/ApprovalRequests",
            },
        }

    def render(self, variables: dict[str, str]) -> Rendered:
        """Fill in the variables."""
        body = json.loads(json.dumps(self.types[self.type]), object_hook=lambda part: _filled(part, variables))
        media = [_filled_text(url, variables) for url in body.get("media", [])]
        buttons = tuple(_action(action, row) for row, action in enumerate(body.get("actions", [])))
        items = tuple(Button(i["id"], i["item"], "item", i.get("description") or "") for i in body.get("items", []))
        return Rendered(
            body.get("body") or "",
            buttons or items,
            body.get("button") or "",
            media_at(media[0]) if media else None,
        )


def media_at(url: str) -> Media:
    """Describe a file that is only an address, by the ending of its name."""
    name = url.partition("?")[0].rpartition("/")[2]
    is_image = name.lower().endswith((".png", ".jpg", ".jpeg", ".webp"))
    return Media(f"ME{secrets.token_hex(16)}", "image/*" if is_image else "application/octet-stream", name, url=url)


def _filled(part: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    return {name: _filled_text(v, variables) if isinstance(v, str) else v for name, v in part.items()}


def _filled_text(text: str, variables: dict[str, str]) -> str:
    return VARIABLE.sub(lambda match: variables[match[1]], text)


def _action(action: dict[str, Any], row: int) -> Button:
    kinds: dict[str, ButtonKind] = {"URL": "url", "PHONE_NUMBER": "url", "COPY_CODE": "url"}
    kind = kinds.get(str(action.get("type")), "reply")
    target = action.get("url") or action.get("phone") or action.get("code") or ""
    return Button(target if kind == "url" else action.get("id") or action["title"], action["title"], kind, row=row)


def variables_for(content: Content, given: str) -> dict[str, str]:
    """Merge ContentVariables over the content's defaults, refusing what Twilio refuses."""
    values = dict(content.variables) | _parsed(given)
    names = set(VARIABLE.findall(json.dumps(content.types, ensure_ascii=False)))
    if any(not str(values.get(name) or "").strip() for name in names):
        raise BAD_VARIABLES
    if any(len(str(value)) > 1600 for value in values.values()):
        raise invalid(21658, "The Content Variable value exceeds the 1600 character limit.")
    return {name: str(value) for name, value in values.items()}


BAD_VARIABLES = TwilioError(400, 21656, "The ContentVariables Parameter is invalid.")


def _parsed(given: str) -> dict[str, Any]:
    if not given:
        return {}
    try:
        values = json.loads(given)
    except ValueError:
        raise BAD_VARIABLES from None
    if not isinstance(values, dict) or any(value in ("", None) for value in values.values()):
        raise BAD_VARIABLES
    return values


def check_types(types: Any) -> None:
    """Refuse what is beyond the limits of a content type."""
    if not isinstance(types, dict) or not types:
        raise _bad("types is required")
    for kind, body in types.items():
        if kind not in TYPES:
            raise _bad(f"content type {kind} is not supported")
        _check_body(kind, body)
        _check_actions(kind, body.get("actions") or [])
        _check_items(kind, body)


def _check_body(kind: str, body: dict[str, Any]) -> None:
    text = body.get("body") or ""
    if not text and kind != "twilio/media":
        raise _bad(f"{kind}: body is required")
    if len(text) > (1600 if kind in ("twilio/text", "twilio/media") else 1024):
        raise _bad(f"{kind}: body is too long")
    if kind == "twilio/media" and not body.get("media"):
        raise _bad(f"{kind}: media is required")


def _check_actions(kind: str, actions: list[dict[str, Any]]) -> None:
    longest = {"twilio/quick-reply": 20, "twilio/call-to-action": 25}.get(kind)
    if longest is None:
        return
    if not 1 <= len(actions) <= 10:
        raise _bad(f"{kind}: between 1 and 10 actions")
    titles = [str(action.get("title") or "") for action in actions]
    if any(not 1 <= len(title) <= longest for title in titles):
        raise _bad(f"{kind}: action title must have 1 to {longest} characters")
    if len(set(titles)) < len(titles):
        raise _bad(f"{kind}: action titles must differ")
    if any(len(str(action.get("id") or "")) > 200 for action in actions):
        raise _bad(f"{kind}: action id is too long")


def _check_items(kind: str, body: dict[str, Any]) -> None:
    if kind != "twilio/list-picker":
        return
    items = body.get("items") or []
    if not 1 <= len(items) <= 10:
        raise _bad("list-picker: between 1 and 10 items")
    if not 1 <= len(str(body.get("button") or "")) <= 20:
        raise _bad("list-picker: button must have 1 to 20 characters")
    for item in items:
        if not 1 <= len(str(item.get("item") or "")) <= 24:
            raise _bad("list-picker: item must have 1 to 24 characters")
        if not 1 <= len(str(item.get("id") or "")) <= 200 or len(str(item.get("description") or "")) > 72:
            raise _bad("list-picker: item id or description is too long")


def _bad(reason: str) -> TwilioError:
    return invalid(20001, f"Invalid parameter: {reason}")
