"""Reports as a process draws them in the background."""

import asyncio
from functools import partial
from pathlib import Path

from bot import background
from bot.background import Finish, Hand, NotMade
from bot.content import ContentError
from bot.db import Database
from bot.reports import service
from bot.reports.models import MadeReport


async def work(
    database: Database,
    messages_dir: Path,
    reports_dir: Path,
    least: int,
    worker: str,
    stopping: asyncio.Event | None = None,
) -> int:
    """Draw the reports that wait; return how many became ready."""
    make_report = partial(make, database, messages_dir, reports_dir, least)
    return await background.work(database, MadeReport, worker, make_report, stopping)


async def make(
    database: Database, messages_dir: Path, reports_dir: Path, least: int, row: MadeReport, hand: Hand
) -> Finish[MadeReport]:
    """Publish the figures, and draw them; return what notes the files."""
    try:
        material = await database.run(service.material_of, messages_dir, row, least)
        folder = reports_dir / str(row.id)
        draw = partial(service.write, material, messages_dir, row.country, row.language, folder, hand.tell)
        files = await asyncio.to_thread(draw)
    except ContentError as error:
        raise NotMade(str(error)) from None
    return lambda db, drawn: service.finish(db, drawn, files)
