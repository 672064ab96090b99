"""Twilio's Content API over HTTP."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulators.twilio_account import TwilioAccount
from bot.emulators.twilio_errors import TwilioError, invalid, not_found
from bot.emulators.twilio_http import Guard, paged
from bot.emulators.twilio_templates import LONGEST_TEMPLATE, Content, check_types

CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
HOST = "https://content.twilio.com"


class ContentApi:
    """Create, fetch, delete and approve content."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """Return the routes."""
        guard = Guard(self._account)
        return [
            Route("/v1/Content", guard(self.create), methods=["POST"]),
            Route("/v1/Content", guard(self.all), methods=["GET"]),
            Route("/v1/ContentAndApprovals", guard(self.list_with_approvals), methods=["GET"]),
            Route("/v1/Content/{sid}", guard(self.fetch), methods=["GET"]),
            Route("/v1/Content/{sid}", guard(self.delete), methods=["DELETE"]),
            Route("/v1/Content/{sid}/ApprovalRequests", guard(self.fetch_approval), methods=["GET"]),
            Route("/v1/Content/{sid}/ApprovalRequests/whatsapp", guard(self.approve), methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Create a content object."""
        body = await _json(request)
        if not body.get("language"):
            raise invalid(20001, "Invalid parameter: language is required")
        check_types(body.get("types"))
        variables = {str(name): str(value) for name, value in (body.get("variables") or {}).items()}
        types = {kind: _without_nulls(value) for kind, value in body["types"].items()}
        content = Content(str(body.get("friendly_name") or ""), str(body["language"]), variables, types)
        self._account.contents[content.sid] = content
        return JSONResponse(self._as_json(content), 201)

    async def fetch(self, request: Request) -> Response:
        """Return one."""
        return JSONResponse(self._as_json(self._content(request)))

    async def delete(self, request: Request) -> Response:
        """Remove one."""
        del self._account.contents[self._content(request).sid]
        return Response(status_code=204)

    async def all(self, request: Request) -> Response:
        """Return a page of all."""
        return self._page(request, [self._as_json(content) for content in self._account.contents.values()])

    async def list_with_approvals(self, request: Request) -> Response:
        """Return a page of all with their approvals."""
        contents = self._account.contents.values()
        return self._page(request, [self._as_json(c) | {"approval_requests": c.approval()} for c in contents])

    async def approve(self, request: Request) -> Response:
        """Ask WhatsApp for approval as a template."""
        content, body = self._content(request), await _json(request)
        name = str(body.get("name") or "")
        if not re.fullmatch(r"[a-z0-9_]{1,512}", name) or body.get("category") not in CATEGORIES:
            raise invalid(20001, "Invalid parameter: name or category")
        if content.type == "twilio/list-picker":
            raise invalid(20001, "Invalid parameter: twilio/list-picker can not be submitted for approval")
        if any(other.name == name for other in self._account.contents.values()):
            raise invalid(20001, "Invalid parameter: a template of this name exists")
        content.name, content.category, content.status = name, body["category"], "received"
        answer = content.approval()
        if len(content.types[content.type].get("body") or "") > LONGEST_TEMPLATE:
            self._account.reject(content.sid, "BODY_TOO_LONG")
        elif content.type == "twilio/media" and not content.has_example:
            self._account.reject(content.sid, "INVALID_MEDIA")
        elif self._account.auto_approve:
            self._account.approve(content.sid)
        return JSONResponse(answer, 201)

    async def fetch_approval(self, request: Request) -> Response:
        """Return the state of the approval."""
        content = self._content(request)
        url = f"{HOST}/v1/Content/{content.sid}/ApprovalRequests"
        whatsapp = content.approval() | {"type": "whatsapp"}
        return JSONResponse({"sid": content.sid, "account_sid": self._account.sid, "whatsapp": whatsapp, "url": url})

    def _content(self, request: Request) -> Content:
        sid = request.path_params["sid"]
        if sid not in self._account.contents:
            raise not_found(f"/Content/{sid}")
        return self._account.contents[sid]

    def _as_json(self, content: Content) -> dict[str, Any]:
        return content.as_json() | {"account_sid": self._account.sid}

    def _page(self, request: Request, items: list[dict[str, Any]]) -> Response:
        page = paged(request, items)
        path = f"{HOST}{request.url.path.removeprefix(request.scope.get('root_path', ''))}"
        meta = {
            "key": "contents",
            "page": page.number,
            "page_size": page.size,
            "url": f"{path}?{page.query(page.number)}",
            "first_page_url": f"{path}?{page.query(0)}",
            "previous_page_url": f"{path}?{page.query(page.number - 1)}" if page.number else None,
            "next_page_url": f"{path}?{page.query(page.number + 1)}" if page.more else None,
        }
        return JSONResponse({"contents": page.items, "meta": meta})


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise TwilioError(400, 20001, "Invalid parameter: the body is not JSON") from None
    if not isinstance(body, dict):
        raise invalid(20001, "Invalid parameter: the body is not an object")
    return body


def _without_nulls(value: Any) -> Any:
    # The Python client sends every field it knows, the unset ones as null.
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
