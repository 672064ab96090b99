"""Twilio's Messaging API over HTTP."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.emulators.background import Background
from bot.emulators.faults import AFTER_ACCEPTING, INSTEAD_OF_ANSWER, Fault, Faults, Kind, server_error, spoil
from bot.emulators.twilio_account import API_VERSION, TwilioAccount, TwilioMessage
from bot.emulators.twilio_carrier import TwilioCarrier
from bot.emulators.twilio_errors import TwilioError, invalid, not_found
from bot.emulators.twilio_http import Guard, paged
from bot.emulators.twilio_templates import media_at, variables_for

LONGEST_BODY = 1600
CANCELLABLE = ("accepted", "scheduled", "queued")
UNDER_WAY = (*CANCELLABLE, "sending")
LYING = "/lying"
MESSAGES = f"/{API_VERSION}/Accounts/{{account}}/Messages"


class MessagingApi:
    """Create, fetch, list, cancel and delete messages."""

    def __init__(self, account: TwilioAccount, carrier: TwilioCarrier, faults: Faults, background: Background) -> None:
        self._account, self._carrier = account, carrier
        self._faults, self._background = faults, background

    def routes(self) -> list[Route]:
        """Return the routes."""
        guard = Guard(self._account)
        one = f"{MESSAGES}/{{sid:str}}"
        return [
            Route(f"{MESSAGES}.json", guard(self.create), methods=["POST"]),
            Route(f"{MESSAGES}.json", guard(self.all), methods=["GET"]),
            Route(f"{one}/Media.json", guard(self.list_media), methods=["GET"]),
            Route(f"{one}/Media/{{media}}", guard(self.media), methods=["GET", "DELETE"]),
            Route(f"{LYING}/{{sid}}/{{media}}", self.lying),
            Route(f"{one}.json", guard(self.fetch), methods=["GET"]),
            Route(f"{one}.json", guard(self.change), methods=["POST"]),
            Route(f"{one}.json", guard(self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Send a message."""
        form = await request.form()
        fault = self._faults.take(_text(form, "To"), *INSTEAD_OF_ANSWER, *AFTER_ACCEPTING)
        if fault and fault.kind is Kind.SERVER_ERROR:
            return server_error(fault)
        if fault and fault.kind in INSTEAD_OF_ANSWER:
            raise _refusal(fault)
        message = self._message(form)
        self._limit(message.from_)
        self._account.messages[message.sid] = message
        answer = JSONResponse(message.as_json(), 201)
        await self._carrier.accept(message)
        return spoil(fault, answer, self._background)

    def _message(self, form: FormData) -> TwilioMessage:
        service = _text(form, "MessagingServiceSid")
        message = TwilioMessage(
            self._account.sid,
            self._sender(_text(form, "From"), service),
            _recipient(_text(form, "To")),
            _text(form, "Body"),
            status="accepted" if service else "queued",
            messaging_service_sid=service,
            status_callback=_callback(_text(form, "StatusCallback")),
            media=[media_at(url) for url in _media_urls(form)],
        )
        self._add_content(message, _text(form, "ContentSid"), _text(form, "ContentVariables"))
        if not message.body and not message.media and message.content is None:
            raise invalid(21619, "A text message body or media urls must be specified.")
        if len(message.body) > LONGEST_BODY:
            raise invalid(21617, "The concatenated message body exceeds the 1600 character limit.")
        _check_validity(_text(form, "ValidityPeriod"))
        return message

    def _sender(self, sender: str, service: str) -> str:
        if service and not sender:
            if service not in self._account.services:
                raise invalid(21705, "The Messaging Service Sid is invalid.")
            return self._account.services[service]
        if not sender:
            raise invalid(21603, "A 'From' phone number is required.")
        if sender not in self._account.senders:
            raise invalid(63007, "Twilio could not find a Channel with the specified From address")
        return sender

    def _add_content(self, message: TwilioMessage, content_sid: str, variables: str) -> None:
        if not content_sid:
            return
        message.content = self._account.contents.get(content_sid)
        if message.content is None:
            raise invalid(21655, "The ContentSid is Invalid.")
        message.variables = variables_for(message.content, variables)
        rendered = message.content.render(message.variables)
        message.body = rendered.text
        if rendered.media:
            message.media = [rendered.media]

    def _limit(self, sender: str) -> None:
        bucket = self._account.buckets[sender]
        if bucket.wait():
            raise TwilioError(429, 20429, "Too Many Requests")
        bucket.take()

    async def all(self, request: Request) -> Response:
        """Return a page of messages, newest first."""
        query = request.query_params
        chosen = [
            message.as_json()
            for message in reversed(self._account.messages.values())
            if query.get("To", message.to) == message.to
            and query.get("From", message.from_) == message.from_
            and _sent_within(message, query)
        ]
        page = paged(request, chosen)
        path = f"/{API_VERSION}/Accounts/{self._account.sid}/Messages.json"
        start = page.number * page.size
        body: dict[str, Any] = {
            "messages": page.items,
            "page": page.number,
            "page_size": page.size,
            "start": start,
            "end": start + max(0, len(page.items) - 1),
            "uri": f"{path}?{page.query(page.number)}",
            "first_page_uri": f"{path}?{page.query(0)}",
            "previous_page_uri": f"{path}?{page.query(page.number - 1)}" if page.number else None,
            "next_page_uri": f"{path}?{page.query(page.number + 1)}" if page.more else None,
        }
        return JSONResponse(body)

    async def fetch(self, request: Request) -> Response:
        """Return one message."""
        return JSONResponse(self._find(request).as_json())

    async def change(self, request: Request) -> Response:
        """Cancel a message, or blank its text."""
        message, form = self._find(request), await request.form()
        if _text(form, "Status") == "canceled":
            if message.status not in CANCELLABLE:
                raise invalid(30409, "Message cannot be canceled.")
            message.move("canceled")
        if form.get("Body") == "":
            message.body = ""
        return JSONResponse(message.as_json())

    async def delete(self, request: Request) -> Response:
        """Remove a message."""
        message = self._find(request)
        if message.direction != "inbound" and message.status in UNDER_WAY:
            raise TwilioError(409, 20009, "Cannot delete message because delivery has not been completed.")
        del self._account.messages[message.sid]
        return Response(status_code=204)

    async def list_media(self, request: Request) -> Response:
        """Return the files of a message."""
        message = self._find(request)
        media = [_media_json(message, item.id, item.content_type) for item in message.media]
        return JSONResponse({"media_list": media, "page": 0, "page_size": 50, "next_page_uri": None})

    async def media(self, request: Request) -> Response:
        """Return or remove one file; its description when asked for JSON."""
        message = self._find(request)
        wanted = request.path_params["media"]
        media = next((item for item in message.media if item.id == wanted.removesuffix(".json")), None)
        if media is None:
            raise not_found(request.url.path)
        if request.method == "DELETE":
            message.media.remove(media)
            return Response(status_code=204)
        if wanted.endswith(".json"):
            return JSONResponse(_media_json(message, media.id, media.content_type))
        # As the real one does: the file lies elsewhere, at an address that anybody may open for a while.
        place = request.url.path.partition(f"/{API_VERSION}/")[0]
        return RedirectResponse(request.url.replace(path=f"{place}{LYING}/{message.sid}/{media.id}"), 307)

    async def lying(self, request: Request) -> Response:
        """Return the bytes of a file."""
        message = self._account.messages.get(request.path_params["sid"])
        wanted = request.path_params["media"]
        media = next((item for item in message.media if item.id == wanted), None) if message else None
        if media is None:
            return Response(status_code=404)
        if "authorization" in request.headers:  # storage refuses a second kind of credentials
            return Response(status_code=400)
        return Response(media.content, media_type=media.content_type)

    def _find(self, request: Request) -> TwilioMessage:
        sid = request.path_params["sid"]
        if sid not in self._account.messages:
            raise not_found(f"/Messages/{sid}.json")
        return self._account.messages[sid]


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _recipient(to: str) -> str:
    if not to:
        raise invalid(21604, "A 'To' phone number is required.")
    # After the prefix a number, or since 2026 a business-scoped user id (country, dot, id).
    if not re.fullmatch(r"whatsapp:(\+\d{6,15}|[A-Z]{2}\.\w{1,128})", to):
        raise invalid(21211, "Invalid 'To' Phone Number")
    return to


def _callback(url: str) -> str:
    if url and not re.match(r"https?://[^/]", url):
        raise invalid(21609, "The 'StatusCallback' URL is not a valid URL.")
    return url


def _media_urls(form: FormData) -> list[str]:
    urls = [str(url) for url in form.getlist("MediaUrl")]
    if len(urls) > 1:
        raise invalid(21623, "Number of media files exceeds allowed limit.")
    if any(not re.match(r"https?://[^/]", url) for url in urls):
        raise invalid(21620, "Invalid media URL(s)")
    return urls


def _check_validity(seconds: str) -> None:
    if seconds and not (seconds.isdigit() and 1 <= int(seconds) <= 36000):
        raise invalid(20001, "Invalid parameter: ValidityPeriod")


def _sent_within(message: TwilioMessage, query: Any) -> bool:
    sent = message.sent_at
    if day := query.get("DateSent"):
        start = _moment(day)
        return sent is not None and start <= sent < start + timedelta(days=1)
    after, before = query.get("DateSent>"), query.get("DateSent<")
    if not after and not before:
        return True
    return sent is not None and (not after or sent >= _moment(after)) and (not before or sent <= _moment(before))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(20001, "Invalid parameter: DateSent") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _media_json(message: TwilioMessage, media_sid: str, content_type: str) -> dict[str, Any]:
    return {
        "sid": media_sid,
        "account_sid": message.account_sid,
        "parent_sid": message.sid,
        "content_type": content_type,
        "date_created": message.as_json()["date_created"],
        "date_updated": message.as_json()["date_updated"],
        "uri": f"{message.uri}/Media/{media_sid}.json",
    }


def _refusal(fault: Fault) -> TwilioError:
    if fault.kind is Kind.TOO_MANY_REQUESTS:
        return TwilioError(429, 20429, "Too Many Requests")
    return invalid(fault.code or 21610, "The request was refused")
