"""Both providers as one loopback server that only answers, in a process of its own: it must not cost the measured one.

It answers sendMessage and Messages.json after a delay.
"""

import asyncio
import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)


class _Answering(asyncio.Protocol):
    count = 0

    def __init__(self, delay: float) -> None:
        self._delay, self._buffer = delay, b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            if _CHUNKED.search(head):
                stop = self._buffer.find(b"0\r\n\r\n", end)
                if stop < 0:
                    return
                rest = stop + 5
            else:
                found = _LENGTH.search(head)
                rest = end + 4 + (int(found[1]) if found else 0)
                if len(self._buffer) < rest:
                    return
            self._buffer = self._buffer[rest:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        path = head.split(b" ", 2)[1]
        _Answering.count += 1
        if b"Messages.json" in path:
            status, body = (
                b"201 Created",
                json.dumps({"sid": f"SM{_Answering.count:032x}", "status": "queued"}).encode(),
            )
        else:
            message = {
                "message_id": _Answering.count,
                "date": 1767225600,
                "chat": {"id": 1000, "type": "private", "first_name": "A"},
                "from": {"id": 700, "is_bot": True, "first_name": "B", "username": "b"},
                "text": "Hello",
            }
            status, body = b"200 OK", json.dumps({"ok": True, "result": message}).encode()
        self._loop.call_later(self._delay, self._write, status, body)

    def _write(self, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: "
        self._transport.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)


def _serve(delay: float, ready: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Answering(delay), "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def serving(delay: float) -> Iterator[str]:
    """Run the server and give its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(delay, theirs), daemon=True)
    process.start()
    theirs.close()  # so that a server that cannot start is noticed
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()
