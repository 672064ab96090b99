"""The emulators served on a free port, a real client for each provider, and a webhook that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web
from telegram import Bot
from telegram.request import HTTPXRequest
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot import clock
from bot.emulators.limits import Limits
from bot.emulators.server import Addresses, serve
from bot.emulators.world import World


@pytest.fixture(autouse=True)
def _real_clock() -> Iterator[None]:
    clock.reset()
    yield
    clock.reset()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def world(limits: Limits) -> World:
    made = World(limits=limits)
    made.twilio.pace_seconds = 0.005
    return made


@pytest.fixture
async def served(world: World) -> AsyncIterator[Addresses]:
    async with serve(world) as addresses:
        yield addresses


MakeBot = Callable[[str, float], Bot]


@pytest.fixture
async def make_bot(served: Addresses) -> AsyncIterator[MakeBot]:
    made: list[Bot] = []

    def make(token: str, read_timeout: float) -> Bot:
        requests = [
            HTTPXRequest(read_timeout=read_timeout, httpx_kwargs={"trust_env": False, "verify": False})
            for _ in range(2)
        ]
        made.append(
            Bot(
                token,
                base_url=served.telegram_api_base,
                base_file_url=served.telegram_file_base,
                request=requests[0],
                get_updates_request=requests[1],
            )
        )
        return made[-1]

    yield make
    for bot in made:
        await bot.shutdown()


@pytest.fixture
async def bot(make_bot: MakeBot, world: World) -> Bot:
    made = make_bot(world.accounts.telegram_token, 5)
    await made.initialize()
    return made


class LoopbackHttpClient(TwilioHttpClient):
    """The library's own HTTP client, with Twilio's hosts replaced by the emulator."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=5)
        self._base = base

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        for host in ("https://api.twilio.com", "https://content.twilio.com"):
            url = url.replace(host, self._base)
        return super().request(method, url, *args, **kwargs)


@pytest.fixture
def twilio(served: Addresses, world: World) -> Iterator[Client]:
    http = LoopbackHttpClient(served.twilio_api_base)
    http.session.trust_env = False
    yield Client(world.accounts.twilio_sid, world.accounts.twilio_token, http_client=http)
    http.session.close()


@pytest.fixture
async def http(served: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.base, trust_env=False) as client:
        yield client


@dataclass
class Hook:
    """A bot's webhook: keeps requests and answers what it is told to, 200 by default."""

    url: str = ""
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    before_answer: Callable[[dict], None] = lambda _: None
    hangs: Callable[[dict], bool] = lambda _: False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        is_json = request.content_type == "application/json"
        body = await request.json() if is_json else dict(await request.post())
        self.requests.append(request)
        self.bodies.append(body)
        self.before_answer(body)
        self._news.set()
        if self.hangs(body):
            await self.released.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def got(self, count: int) -> list[dict]:
        async with asyncio.timeout(5):
            while len(self.bodies) < count:
                self._news.clear()
                await self._news.wait()
        return self.bodies


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()
