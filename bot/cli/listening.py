"""The web server: its socket, and an end that leaves nothing half done."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from fastapi import FastAPI

from bot.cli.output import Trouble

GRACE = 10  #: seconds that open requests may take to end


class _Server(uvicorn.Server):
    """uvicorn raises a signal once more when it has ended: that would kill us with messages at a provider."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Capture none."""
        return nullcontext()


def listen(host: str, port: int) -> socket.socket:
    """Take the port, or raise Trouble."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only when the protocol is named; left on, it costs 40 ms per answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except socket.gaierror:
        listening.close()
        raise Trouble(f"OUTREACH_HOST={host} is no address of this machine: write 127.0.0.1 or 0.0.0.0") from None
    except OSError as error:
        listening.close()
        raise Trouble(
            f"Port {port} on {host} cannot be taken ({error.strerror}): stop the other program, "
            "or write OUTREACH_PORT= with a free one"
        ) from None
    return listening


async def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE)
    server = _Server(config)

    def end() -> None:
        server.should_exit = True

    _at_the_end(end)
    await server.serve(sockets=[listening])


async def sleep_until_told() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    _at_the_end(stop.set)
    await stop.wait()


def _at_the_end(end: Callable[[], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
