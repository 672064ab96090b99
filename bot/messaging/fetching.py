"""Fetch what people sent from the providers, and delete the providers' copies; no database session waits for them."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import structlog

from bot import filetypes
from bot.channels.base import Channel, FetchFailure, SenderKey
from bot.db import Database
from bot.messaging import received
from bot.messaging.received import LIMIT, PIECE, Errand, Lost

log = structlog.get_logger(__name__)

#: Seconds after which a file that trickles in is asked for again: far below the lease.
PATIENCE = 300


async def run_errands(database: Database, senders: Mapping[SenderKey, Channel], lost: Lost) -> int:
    """Do what is due, some at a time, until nothing is; return how much it was."""
    done = 0
    while errands := await database.run(received.take_errands):
        await asyncio.gather(*(_run(database, senders.get(one.sender), one, lost) for one in errands))
        done += len(errands)
    return done


async def _run(database: Database, channel: Channel | None, errand: Errand, lost: Lost) -> None:
    failure = await _try(database, channel, errand)
    if failure:
        log.warning("errand failed", file_id=errand.file_id, fetch=errand.is_fetch, code=failure.code)
    if not errand.is_fetch:
        await database.run(received.discarded, errand.file_id, failure)
    elif failure:
        await database.run(received.fail, errand.file_id, failure, lost)


async def _try(database: Database, channel: Channel | None, errand: Errand) -> FetchFailure | None:
    if channel is None:
        return FetchFailure("channel_off", again=True)
    try:
        async with asyncio.timeout(PATIENCE):
            await (_fetch(database, channel, errand) if errand.is_fetch else channel.discard(errand.media))
    except FetchFailure as failure:
        return failure
    except Exception as error:  # one file must not stop the others
        return FetchFailure(type(error).__name__, again=True)
    return None


async def _fetch(database: Database, channel: Channel, errand: Errand) -> None:
    await database.run(received.begin, errand.file_id)
    size, number, found = 0, 0, None
    async for piece in _pieces(channel.fetch(errand.media)):
        found = found or filetypes.of(piece)
        if found is None:
            raise FetchFailure("type_not_taken")
        size += len(piece)
        if not await database.run(received.add_piece, errand.file_id, number, piece):
            return
        number += 1
    if found is None:
        raise FetchFailure("empty")
    await database.run(received.keep, errand.file_id, found, size)


async def _pieces(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the stream in pieces of the size of a row; refuse one that does not end."""
    buffer, total = bytearray(), 0
    async for some in stream:
        buffer += some
        total += len(some)
        if total > LIMIT:
            raise FetchFailure("too_large")
        while len(buffer) >= PIECE:
            yield bytes(buffer[:PIECE])
            del buffer[:PIECE]
    if buffer:
        yield bytes(buffer)
