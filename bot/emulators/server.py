"""The ASGI application of the emulators, and a way to serve it on the loopback address."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bot.emulators.phones import phones_app
from bot.emulators.telegram_api import TelegramApi
from bot.emulators.twilio_api import MessagingApi
from bot.emulators.twilio_content import ContentApi
from bot.emulators.world import World


def build_app(world: World) -> Starlette:
    """Build everything as one application, to be mounted at the root of a server or of another application."""
    telegram = TelegramApi(world.bots, world.faults, world.background)
    messaging = MessagingApi(world.twilio.account, world.twilio, world.faults, world.background)
    content = ContentApi(world.twilio.account)

    async def ledger(_: Request) -> Response:
        return JSONResponse(world.ledger.as_json())

    return Starlette(
        routes=[
            Mount("/telegram", routes=telegram.routes()),
            Mount("/twilio", routes=[*messaging.routes(), *content.routes()]),
            Mount("/phones", app=phones_app(world)),
            Route("/emulators/ledger.json", ledger),
        ]
    )


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the emulators listen, in the form that the clients' settings want."""

    base: str

    @property
    def telegram_api_base(self) -> str:
        """Return python-telegram-bot's `base_url`."""
        return f"{self.base}/telegram/bot"

    @property
    def telegram_file_base(self) -> str:
        """Return python-telegram-bot's `base_file_url`."""
        return f"{self.base}/telegram/file/bot"

    @property
    def twilio_api_base(self) -> str:
        """Return what takes the place of https://api.twilio.com and https://content.twilio.com."""
        return f"{self.base}/twilio"

    @property
    def phones(self) -> str:
        """Return the page of phones."""
        return f"{self.base}/phones/"


class _Server(uvicorn.Server):
    """A server that leaves signals to the program it runs in, and sleeps until it is told to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for the end instead of ticking."""
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests finish, then hang up: an open stream of events would never end by itself."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._wait_for_requests()
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await self._wait_for_requests()

    async def _wait_for_requests(self) -> None:
        if tasks := set(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=0.5)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only when the protocol is named; left on, it costs 40 ms per answer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    listening.listen(2048)
    return listening


@asynccontextmanager
async def hosting(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on 127.0.0.1 in the running loop and give its address; port 0 takes a free one."""
    listening = _listen(port)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop.set()
        await running


@asynccontextmanager
async def serve(world: World, port: int = 0) -> AsyncIterator[Addresses]:
    """Serve the emulators on 127.0.0.1 in the running loop; port 0 takes a free one. Closes the world at the end."""
    async with hosting(build_app(world), port) as base:
        addresses = Addresses(base)
        world.twilio.media_base = addresses.twilio_api_base
        try:
            yield addresses
        finally:
            await world.close()
