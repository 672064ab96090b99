"""`outreach work` is killed with SIGKILL in the middle of a broadcast, with faults at both providers."""

import dataclasses
from pathlib import Path

from benchmarks import crash
from benchmarks.life import AT_ONCE, KEY
from bot import crypto
from bot.db import Database
from bot.messaging.delivery import in_doubt


async def test_whatever_is_killed_when_nothing_is_lost_nothing_is_doubled_and_whatsapp_leaves_no_doubt(
    database: Database, tmp_path: Path
) -> None:
    crypto.use(crypto.Keyring([KEY]))
    async with crash.stage(database, tmp_path, recipients=300, seed=7) as play:
        result = await play.run(kills=4)
    assert dataclasses.replace(result, uncertain_max=0, in_flight_max=0, statuses={}) == crash.Result(kills=4)
    assert result.uncertain_max <= result.in_flight_max <= 2 * in_doubt(AT_ONCE)
    assert sum(result.statuses.values()) == 300
    assert set(result.statuses) <= {"sent", "delivered", "read", "failed", "uncertain"}
