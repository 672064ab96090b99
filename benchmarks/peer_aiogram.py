"""aiogram at the loopback server, in a process and an environment of its own (`make .venv/.peers`).

`python -m benchmarks.peer_aiogram receive|send BASE COUNT AT_ONCE` prints its figures as one line of JSON.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.calls import all_at_once, update

TOKEN = "700:" + "A" * 35
TEXT = "The desk in Maseru opens on Monday. All are welcome.\n\nTo stop these messages, write STOP."
_PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"


def measure(what: str, base: str, count: int, at_once: int) -> dict[str, float]:
    """Return the figures, measured in that other process."""
    if not _PYTHON.exists():
        sys.exit("aiogram is not there to be measured: run `make .venv/.peers` first")
    command = [str(_PYTHON), "-m", "benchmarks.peer_aiogram", what, base, str(count), str(at_once)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parent.parent)
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


async def receive(bot: Any, count: int, at_once: int) -> dict[str, float]:
    """Answer updates with buttons by one handler; keep nothing."""
    from aiogram import Dispatcher, types

    buttons = types.InlineKeyboardMarkup(
        inline_keyboard=[[types.InlineKeyboardButton(text=f"Choice {n}", callback_data=f"menu:{n}")] for n in range(6)]
    )
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def answer(message: types.Message) -> None:
        await message.answer("What would you like to do?", reply_markup=buttons)

    async def handle(body: bytes) -> None:
        await dispatcher.feed_raw_update(bot, json.loads(body))

    calls = [json.dumps(update(chat, "MENU")).encode() for chat in range(1, count + 1)]
    return await all_at_once(calls, handle, at_once)


async def send(bot: Any, count: int, at_once: int) -> dict[str, float]:
    """Send the same text again and again."""
    return await all_at_once(range(count), lambda _: bot.send_message(1001, TEXT), at_once)


async def main(what: str, base: str, count: int, at_once: int) -> None:
    """Print the figures."""
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    session = AiohttpSession(api=TelegramAPIServer.from_base(base), limit=at_once)
    async with Bot(TOKEN, session=session) as bot:
        ways = {"receive": receive, "send": send}
        print(json.dumps(await ways[what](bot, count, at_once)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
