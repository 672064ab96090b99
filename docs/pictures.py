"""Take the README's pictures: play the demo, then look at its pages with a real browser, wide and on a phone.

`make pictures` runs it. It needs Chromium (on Debian: apt-get install chromium, else CHROMIUM=path).
"""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.demo.desk import PASSWORD
from bot.demo.script import STAFF
from bot.demo.stage import free_port

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
WIDE, PHONE = (1280, 800), (360, 740)
PATIENCE = 180  #: seconds for the play; pages take less
ANSWER = 3  #: seconds in which the bot has answered

SIGN_IN = """
document.querySelector("[name=email]").value = "{email}";
document.querySelector("[name=password]").value = "{password}";
document.querySelector("main form, form").submit();
"""
LOADED = 'new Promise((done) => document.readyState === "complete" ? done() : addEventListener("load", done))'
#: Open the chat of the member on a channel, in a language, who was written to last.
OPEN_CHAT = """
fetch("api/phones?q=").then((answer) => answer.json()).then(({{ phones }}) => {{
  const member = phones.find((one) => one.channel === "{channel}" && one.language === "{language}" && !one.blocked);
  location.hash = encodeURIComponent(member.key);
}});
"""
WRITE = """
document.getElementById("text").value = "{text}";
document.getElementById("composer").requestSubmit();
"""
#: Channel, language, what the member writes, and the screens to show it on.
CHATS = (("telegram", "en", "SURVEY", (WIDE, PHONE)), ("whatsapp", "fr", "MENU", (PHONE,)))


class Page:
    """A tab of the browser, driven by its debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Do one thing and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = json.loads((await self._socket.receive(PATIENCE)).data)
            if answer.get("id") == number:
                return answer.get("result", {})  # type: ignore[no-any-return]

    async def open(self, url: str) -> None:
        """Open an address, and wait until the page is there."""
        await self.call("Page.navigate", url=url)
        await self.settle()

    async def do(self, script: str) -> None:
        """Run a script in the page, and wait until what it opens is there."""
        await self.call("Runtime.evaluate", expression=script)
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything is loaded."""
        await asyncio.sleep(0.7)
        await self.call("Runtime.evaluate", expression=LOADED, awaitPromise=True)

    async def take(self, name: str, *sizes: tuple[int, int]) -> None:
        """Write a picture of what screens of these sizes show."""
        for width, height in sizes:
            is_phone = width < 600
            await self.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=2 if is_phone else 1,
                mobile=is_phone,
            )
            await self.call("Page.reload")
            await self.settle()
            picture = await self.call("Page.captureScreenshot", format="png")
            (FOLDER / f"{name}-{width}.png").write_bytes(base64.b64decode(picture["data"]))
            print(FOLDER.relative_to(ROOT) / f"{name}-{width}.png")


@asynccontextmanager
async def demo() -> AsyncIterator[str]:
    """Play the demo in a process of its own, and give the address it serves."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port(8000)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo", "--port", str(port)),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await asyncio.wait_for(_invited(process), PATIENCE)
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            await process.wait()


async def _invited(process: asyncio.subprocess.Process) -> None:
    """Wait until the play is over and its pages can be looked at."""
    if process.stderr:
        async for line in process.stderr:
            if b"Ctrl-C ends" in line:
                return
    raise SystemExit("The demo ended before there was anything to see")


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """Start Chromium without a window, and give its page."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("Pictures need Chromium: apt-get install chromium, or CHROMIUM=path make pictures")
    port = free_port(9222)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            *("--headless=new", "--no-sandbox", "--hide-scrollbars", "--lang=en"),
            *(f"--remote-debugging-port={port}", f"--user-data-dir={profile}"),
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(await _debugger(session, port), max_msg_size=0) as socket,
            ):
                yield Page(socket)
        finally:
            process.terminate()
            await process.wait()


async def _debugger(session: aiohttp.ClientSession, port: int) -> str:
    """Return the address of the first page's debugger, as soon as there is one."""
    for _ in range(300):
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                for page in await answer.json():
                    if page["type"] == "page":
                        return str(page["webSocketDebuggerUrl"])
        await asyncio.sleep(0.1)
    raise SystemExit("Chromium does not start")


async def take_all(url: str, page: Page) -> None:
    """Take every picture."""
    await page.open(f"{url}/console/sign-in")
    await page.do(SIGN_IN.format(email=STAFF[0][0], password=PASSWORD))
    await page.open(f"{url}/console/broadcasts/1")
    await page.take("broadcast", WIDE, PHONE)
    for channel, language, text, sizes in CHATS:
        await page.open(f"{url}/phones/")
        await page.do(OPEN_CHAT.format(channel=channel, language=language))
        await page.do(WRITE.format(text=text))
        await asyncio.sleep(ANSWER)
        await page.take(f"chat-{channel}", *sizes)


async def main() -> None:
    """Play, look, and write."""
    FOLDER.mkdir(exist_ok=True)
    async with browser() as page, demo() as url:
        await take_all(url, page)


if __name__ == "__main__":
    asyncio.run(main())
