"""Providers and our own address are asked whether all is well; what is not becomes an alarm, and its end is noticed."""

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from bot import certificate
from bot.channels.memory import MemoryChannel
from bot.conversations import alarms, examining
from bot.db import Database
from tests import certificates

Serve = Callable[[timedelta], str]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve https with a certificate that is good for so long, from an authority that we trust."""
    servers: list[HTTPServer] = []

    def start(left: timedelta) -> str:
        made = certificates.make(tmp_path, datetime.now(UTC) + left)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(made.certificate, made.key)
        server.socket = secure.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] - a caller hangs up after the greeting
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"https://localhost:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


async def found(database: Database, *channels: MemoryChannel, url: str = "") -> dict[str, str]:
    await examining.examine(database, {(one.name, one.sender): one for one in channels}, {}, url)
    with database.begin() as db:
        return {name: str(says) for name, says in alarms.conditions(db, None)}


async def test_what_a_provider_says_is_an_alarm_until_it_says_otherwise(database: Database) -> None:
    bot, number = MemoryChannel(), MemoryChannel("whatsapp", "+26658000000")
    assert await found(database, bot, number) == {}
    bot.trouble, number.trouble = "token", "address_failing"
    told = await found(database, bot, number)
    assert set(told) == {"token:telegram 700", "address:whatsapp +26658000000"}
    assert "copy its token" in told["token:telegram 700"]
    bot.trouble = None
    assert set(await found(database, bot, number)) == {"address:whatsapp +26658000000"}


async def test_a_provider_that_cannot_be_asked_is_no_alarm_of_this_kind(database: Database) -> None:
    class Away(MemoryChannel):
        async def examine(self, address: str) -> str | None:
            raise OSError("no route")

    assert await found(database, Away()) == {}


@pytest.mark.parametrize(
    ("left", "says"),
    [(timedelta(days=90), None), (timedelta(days=13), "ends within"), (-timedelta(days=1), "not accepted")],
)
async def test_a_certificate_that_soon_ends_or_is_not_accepted_is_an_alarm(
    database: Database, serve: Serve, left: timedelta, says: str | None
) -> None:
    url = serve(left)
    told = await found(database, url=url)
    assert list(told) == ([f"certificate:{url}"] if says else [])
    assert says is None or says in told[f"certificate:{url}"]


def test_a_certificate_of_an_unknown_authority_is_not_trusted(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url = serve(timedelta(days=90))
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(certificate.Untrusted):
        certificate.seconds_left(url, 0)


def test_an_address_that_cannot_be_reached_from_here_says_nothing() -> None:
    assert certificate.seconds_left("https://localhost:9", 0) is None
