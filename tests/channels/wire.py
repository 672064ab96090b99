"""A server that answers with captured payloads, or misbehaves on the wire."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

PAYLOADS = Path(__file__).parent.parent / "payloads"


def captured(path: str) -> bytes:
    """Return a captured answer as it was on the wire; the file's name begins with the status."""
    file = PAYLOADS / path
    body = file.read_bytes()
    kind = "application/json" if file.suffix == ".json" else "text/html"
    head = f"HTTP/1.1 {file.name[:3]} Captured\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def answering(answer: bytes | None, *, cut: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Give the address of a server and what it was asked; None: it never answers. `cut`: it hangs up after that."""
    asked: list[bytes] = []
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked.append(await _request(reader))
                if answer is None:
                    await done.wait()
                    break
                writer.write(answer)
                await writer.drain()
                if cut:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        done.set()
        server.close()
        await server.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    return head + await reader.readexactly(length)


@contextmanager
def nobody_listens() -> Iterator[str]:
    """Give an address at which connecting is refused."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@contextmanager
def nobody_accepts() -> Iterator[str]:
    """Give an address at which connecting never ends: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        try:
            yield f"http://127.0.0.1:{full.getsockname()[1]}"
        finally:
            for one in waiting:
                one.close()
