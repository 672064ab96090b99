"""The page of phones and what it talks to: lists, chats, actions and live events."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import clock
from bot.emulators.phone import Phone, PhoneCannotWrite
from bot.emulators.phones_json import chat, summary
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.whatsapp_phone import WhatsAppPhone
from bot.emulators.world import Watcher, World

STATIC = Path(__file__).parent / "static"
MOST_PHONES = 200
SECONDS_BETWEEN_EVENTS = 0.2
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " img-src 'self' http://127.0.0.1:* http://localhost:*; frame-ancestors 'self'"
)
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def phones_app(world: World) -> Starlette:
    """Build the page, to be mounted wherever it shall be seen."""
    page = PhonesPage(world)
    return Starlette(
        routes=[
            Route("/", page.index),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/phones", page.all, methods=["GET"]),
            Route("/api/phones", page.add, methods=["POST"]),
            Route("/api/events", page.events),
            Route("/api/phones/{key}", page.chat, methods=["GET"]),
            Route("/api/phones/{key}/media/{message}", page.media, methods=["GET"]),
            Route("/api/phones/{key}/{action}", page.act, methods=["POST"]),
        ],
        middleware=[Middleware(_SafeHeaders)],
    )


class _SafeHeaders:
    """Tell browsers to run nothing but our own script: messages are hostile."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class PhonesPage:
    """Show phones and do with them what their owners could do."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def index(self, _: Request) -> Response:
        """Return the page."""
        return FileResponse(STATIC / "phones.html")

    async def all(self, request: Request) -> Response:
        """Return the phones whose name or number contains `q`, the latest chats first."""
        wanted = request.query_params.get("q", "").casefold()
        found = [phone for phone in self._world.phones.values() if wanted in f"{phone.name} {phone.key}".casefold()]
        found.sort(key=_latest, reverse=True)
        shown = [summary(phone) for phone in found[:MOST_PHONES]]
        return JSONResponse({"phones": shown, "found": len(found), "all": len(self._world.phones)})

    async def add(self, request: Request) -> Response:
        """Add a phone."""
        wanted = await _json(request)
        name, language = str(wanted.get("name") or "Someone")[:64], str(wanted.get("language_code") or "en")[:8]
        phone: Phone
        if wanted.get("channel") == TelegramPhone.channel:
            phone = self._world.telegram_phone(name, language)
        else:
            number = _number(str(wanted.get("number") or ""))
            phone = self._world.whatsapp_phone(number, name, language)
        return JSONResponse(summary(phone), 201)

    async def chat(self, request: Request) -> Response:
        """Return one phone with its latest messages."""
        return JSONResponse(chat(self._phone(request)))

    async def act(self, request: Request) -> Response:
        """Do something on a phone and return it."""
        phone, wanted = self._phone(request), await _json(request)
        action = ACTIONS.get(request.path_params["action"])
        if action is None:
            raise HTTPException(404)
        try:
            await action(phone, wanted)
        except (PhoneCannotWrite, LookupError, ValueError, TypeError) as error:
            raise HTTPException(409, type(error).__name__) from error
        return JSONResponse(chat(phone))

    async def media(self, request: Request) -> Response:
        """Return the file of a message; only pictures are shown, all else is a download."""
        message = self._phone(request).find(request.path_params["message"])
        if message is None or message.media is None:
            raise HTTPException(404)
        media = message.media
        if media.content_type in PICTURES:
            return Response(media.content, media_type=media.content_type)
        return Response(
            media.content, media_type="application/octet-stream", headers={"content-disposition": "attachment"}
        )

    async def events(self, _: Request) -> Response:
        """Stream the summaries of changed phones as server-sent events."""
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers={"cache-control": "no-cache"})

    async def _stream(self) -> AsyncIterator[str]:
        watcher = Watcher()
        self._world.watchers.add(watcher)
        try:
            yield ": hello\n\n"
            while not self._world.background.closing.is_set():
                await watcher.news.wait()
                watcher.news.clear()
                changed, watcher.changed = watcher.changed, set()
                yield f"data: {json.dumps([summary(phone) for phone in changed])}\n\n"
                await clock.sleep(SECONDS_BETWEEN_EVENTS)
        finally:
            self._world.watchers.discard(watcher)

    def _phone(self, request: Request) -> Phone:
        phone = self._world.phones.get(request.path_params["key"])
        if phone is None:
            raise HTTPException(404)
        return phone


async def _json(request: Request) -> dict[str, Any]:
    # A foreign page can post forms and text to the loopback address, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415)
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(400) from None
    if not isinstance(body, dict):
        raise HTTPException(400)
    return body


def _latest(phone: Phone) -> float:
    return phone.history[-1].at.timestamp() if phone.history else 0.0


def _number(text: str) -> str:
    digits = "".join(filter(str.isdigit, text))
    if not 6 <= len(digits) <= 15:
        raise HTTPException(422)
    return f"+{digits}"


Action = Callable[[Any, dict[str, Any]], Awaitable[Any]]


async def _send(phone: TelegramPhone | WhatsAppPhone, wanted: dict[str, Any]) -> None:
    if text := str(wanted["text"]).strip():
        await phone.send(text[:4096])


async def _start(phone: TelegramPhone | WhatsAppPhone, wanted: dict[str, Any]) -> None:
    await phone.start(str(wanted.get("payload") or ""))


async def _tap(phone: TelegramPhone | WhatsAppPhone, wanted: dict[str, Any]) -> None:
    await phone.tap(str(wanted["button"]), phone.find(str(wanted["message"])))


async def _location(phone: TelegramPhone | WhatsAppPhone, wanted: dict[str, Any]) -> None:
    await phone.send_location(float(wanted["latitude"]), float(wanted["longitude"]))


async def _edit(phone: TelegramPhone, wanted: dict[str, Any]) -> None:
    message = phone.find(str(wanted["message"]))
    if message is None or not message.mine:
        raise LookupError
    await phone.edit(message, str(wanted["text"])[:4096])


async def _block(phone: TelegramPhone | WhatsAppPhone, _: dict[str, Any]) -> None:
    await phone.block()


async def _unblock(phone: TelegramPhone | WhatsAppPhone, _: dict[str, Any]) -> None:
    await phone.unblock()


async def _read(phone: Phone, _: dict[str, Any]) -> None:
    if phone.unread:
        phone.unread = 0
        phone.changed(phone)


ACTIONS: dict[str, Action] = {
    "send": _send,
    "start": _start,
    "tap": _tap,
    "location": _location,
    "edit": _edit,
    "block": _block,
    "unblock": _unblock,
    "read": _read,
}
