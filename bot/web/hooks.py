"""Webhooks: verify, store, answer 200; what came is handled in the same transaction, what raised is parked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import meters
from bot.channels.base import BadSignature, Channel, Hook, Inbound, Receipt, SenderKey

log = structlog.get_logger(__name__)

LARGEST_BODY = 1_000_000  #: bytes; Telegram's and Twilio's largest calls are far below


@dataclass(frozen=True, slots=True)
class HookContext:
    """What webhooks need from outside."""

    senders: Mapping[str, Channel]  #: by the path below /hooks/
    receive: Callable[[list[Inbound]], Awaitable[None]]
    apply: Callable[[list[Receipt]], Awaitable[None]]


def by_path(senders: Mapping[SenderKey, Channel]) -> dict[str, Channel]:
    """Return each sender by the path below /hooks/ at which its provider calls: of the main one it is the channel."""
    found: dict[str, Channel] = {}
    for (channel, name), sender in senders.items():
        found[f"{channel}/{name.removeprefix('+')}" if channel in found else channel] = sender
    return found


def routes(context: HookContext) -> list[Route]:
    """Return POST /hooks/{channel}, /hooks/{channel}/{sender} and /hooks/{channel}/status/{outbox id}."""

    async def message(request: Request) -> Response:
        return await _answer(request, context, is_status=False)

    async def status(request: Request) -> Response:
        return await _answer(request, context, is_status=True)

    return [
        Route("/hooks/{channel}", message, methods=["POST"]),
        Route("/hooks/{channel}/{sender}", message, methods=["POST"]),
        Route("/hooks/{channel}/status/{outbox_id}", status, methods=["POST"]),
    ]


async def _answer(request: Request, context: HookContext, *, is_status: bool) -> Response:
    name, sender = request.path_params["channel"], request.path_params.get("sender")
    channel = context.senders.get(f"{name}/{sender}" if sender else name)
    if channel is None:
        return PlainTextResponse("No such channel", 404)
    with meters.WEBHOOKS.labels(channel.name).time():
        return await _take(request, context, channel, is_status=is_status)


async def _take(request: Request, context: HookContext, channel: Channel, *, is_status: bool) -> Response:
    hook = await _hook(request)
    if hook is None:
        return PlainTextResponse("Too large", 413)
    try:
        if is_status:
            receipts = channel.parse_receipts(hook)
            if receipts:
                await context.apply(receipts)
        else:
            inbounds = channel.parse_inbound(hook)
            if inbounds:
                await context.receive(inbounds)
    except BadSignature:
        log.warning("webhook with a wrong signature", channel=channel.name)
        return PlainTextResponse("Wrong signature", 403)
    return Response(status_code=200)


async def _hook(request: Request) -> Hook | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    return Hook(
        # As it was signed: not decoded, not rebuilt.
        path=request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0],
        query=request.scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.scope["headers"]},
        body=bytes(body),
    )
