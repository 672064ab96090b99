"""The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulators.background import Background
from bot.emulators.faults import AFTER_ACCEPTING, INSTEAD_OF_ANSWER, Faults, Kind, server_error, spoil
from bot.emulators.telegram_bot import TelegramBot
from bot.emulators.telegram_errors import TelegramError, bad_request
from bot.emulators.telegram_methods import METHODS, SENDING, Call

UNAUTHORIZED = TelegramError(401, "Unauthorized")
NESTED = frozenset({"reply_markup", "allowed_updates", "commands", "scope", "message_ids", "media"})


class TelegramApi:
    """Answer the calls of every bot."""

    def __init__(self, bots: Sequence[TelegramBot], faults: Faults, background: Background) -> None:
        self._bots, self._faults, self._background = bots, faults, background

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted where the bot's `base_url` points."""
        return [
            Route("/bot{token}/{method}", self.call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{file_id:path}", self.download),
        ]

    async def call(self, request: Request) -> Response:
        """Carry out one method."""
        try:
            bot = self._bot(request)
            if bot is None:
                raise UNAUTHORIZED
            method = request.path_params["method"].lower()
            params = await _params(request)
            if method in SENDING:
                return await self._send(bot, method, params)
            if method not in METHODS:
                raise TelegramError(404, "Not Found")
            return _ok(await METHODS[method](Call(bot, params)))
        except TelegramError as error:
            return JSONResponse(error.as_json(), error.code)

    def _bot(self, request: Request) -> TelegramBot | None:
        return next((bot for bot in self._bots if bot.token == request.path_params["token"]), None)

    async def _send(self, bot: TelegramBot, method: str, params: dict[str, Any]) -> Response:
        phone = bot.phone_of(params.get("chat_id"))
        fault = self._faults.take(phone.key, *INSTEAD_OF_ANSWER, *AFTER_ACCEPTING)
        if fault and fault.kind is Kind.SERVER_ERROR:
            return server_error(fault)
        call = Call(bot, params)
        bot.admit(phone, fault if fault and fault.kind in INSTEAD_OF_ANSWER else None)
        return spoil(fault, _ok(await SENDING[method](call)), self._background)

    async def download(self, request: Request) -> Response:
        """Return the bytes of a file."""
        bot = self._bot(request)
        media = bot.files.get(request.path_params["file_id"]) if bot else None
        if media is None:
            return JSONResponse(TelegramError(404, "Not Found").as_json(), 404)
        return Response(media.content, media_type=media.content_type)


def _ok(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


async def _params(request: Request) -> dict[str, Any]:
    """Merge query and body, whatever the encoding; nested values arrive as JSON text in forms."""
    params: dict[str, Any] = {name: _decoded(name, value) for name, value in request.query_params.items()}
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        body = await request.body()
        given = json.loads(body) if body else {}
        # As the real one does: a nested value may be JSON, or a string that holds JSON.
        return params | {
            name: _decoded(name, value) if isinstance(value, str) else value for name, value in given.items()
        }
    async with request.form() as form:
        return params | {name: await _field(name, value) for name, value in form.items()}


async def _field(name: str, value: str | UploadFile) -> Any:
    if isinstance(value, str):
        return _decoded(name, value)
    return (await value.read(), value.content_type or "application/octet-stream", value.filename or "file")


def _decoded(name: str, value: str) -> Any:
    if name not in NESTED:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise bad_request(f"can't parse {name} JSON object") from None
