"""A process notes which calls it begins: what it had only claimed when it died is in no doubt."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.db import Database
from bot.messaging import begun, claims, delivery, workers
from bot.messaging.begun import Notes
from bot.messaging.models import Status

from .conftest import Office

NOTING = """
import json, sys
from pathlib import Path
from bot.messaging.begun import Notes
notes, calls = Notes(Path(sys.argv[1]), "dead", 8), json.loads(sys.argv[2])
for id in calls:
    notes.begin(id)
notes.end(calls[:1])
print("noted", flush=True)
input()
"""


def die_noting(folder: Path, calls: list[int]) -> None:
    """Have a process begin calls, settle the first of them, and be killed."""
    command = [sys.executable, "-c", NOTING, str(folder), json.dumps(calls)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "noted\n"
        with begun.of_the_dead(folder) as found:
            assert not found  # it lives
        process.kill()


def end_noting(folder: Path, calls: list[int]) -> None:
    """Let go of notes as a dead process does, without a process: their lock with their file."""
    notes = Notes(folder, "dead", 8)
    for id in calls:
        notes.begin(id)
    os.close(notes._file)


def test_what_a_killed_process_had_begun_is_known_once_and_only_then(tmp_path: Path) -> None:
    die_noting(tmp_path, [3, 5, 2**40])
    with begun.of_the_dead(tmp_path) as found:
        assert found == {"dead": {5, 2**40}}
        with begun.of_the_dead(tmp_path) as at_the_same_time:
            assert not at_the_same_time
    assert not list(tmp_path.iterdir())


def test_notes_that_may_not_have_reached_the_disk_before_the_machine_went_down_tell_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_noting(tmp_path, [3, 5])
    (tmp_path / "boot").write_text("another start of the machine")
    monkeypatch.setattr(begun, "BOOT", tmp_path / "boot")
    with begun.of_the_dead(tmp_path) as found:
        assert not found


def test_where_calls_cannot_be_noted_no_half_a_list_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes(tmp_path, "lives", 8)
    notes.begin(3)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    notes.begin(5)
    notes.end([3])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("silence", [timedelta(0), workers.SILENT * 2])
async def test_only_what_was_called_is_in_doubt_and_the_rest_goes_out(
    office: Office, tmp_path: Path, silence: timedelta
) -> None:
    ids = [office.queue(office.member(), text) for text in ("called", "claimed")]
    with office.database.begin() as db:
        workers.heartbeat(db, "dead")
        assert len(claims.claim(db, replace(office.desk(), worker="dead"), 10)) == 2
    end_noting(tmp_path, [ids[0]])
    clock.advance(silence)
    if silence:  # another machine, which cannot read the notes, was faster
        await workers.watch(office.database, "elsewhere", tmp_path / "elsewhere")
        assert office.statuses() == ["uncertain", "uncertain"]
    await workers.watch(office.database, "here", tmp_path)
    assert [office.row(id).status for id in ids] == [Status.UNCERTAIN, Status.QUEUED]
    office.reset_pace()
    await office.deliver()
    assert [message.text for message in office.channel.sent] == ["claimed"]
    assert office.row(ids[1]).attempts == 1


class LosesAnswers(Database):
    """Loses the connection at the moment of a commit, so that nobody knows whether it came through."""

    def __init__(self, database: Database) -> None:
        self.__dict__.update(database.__dict__)
        self.losses = 0

    async def run(self, function, *args, **kwargs):  # type: ignore[no-untyped-def,override]
        done = await super().run(function, *args, **kwargs)
        if function is delivery.take_turn and done and self.losses < 2:
            self.losses += 1
            raise ConnectionError
        return done


async def test_a_claim_whose_commit_nobody_answered_is_taken_back_and_sent(office: Office) -> None:
    office.database = LosesAnswers(office.database)
    ids = [office.queue(office.member(), f"message {number}") for number in range(3)]
    await office.deliver(lambda: set(office.statuses()) == {"sent"}, seconds=6)
    assert office.database.losses == 2
    assert len(office.channel.sent) == 3
    assert [office.row(id).attempts for id in ids] == [1, 1, 1]


async def test_notes_last_as_long_as_an_outcome_is_not_settled(office: Office, tmp_path: Path) -> None:
    office.notes = notes = Notes(tmp_path / "calls", "test", delivery.window(office.max_in_flight))
    office.queue(office.member(), "hello")
    seen: list[frozenset[int]] = []
    send = office.channel.send

    async def looking(message):  # type: ignore[no-untyped-def]
        seen.append(notes.calls)
        return await send(message)

    office.channel.send = looking  # type: ignore[method-assign]
    await office.deliver()
    assert seen == [{1}]
    assert notes.calls == frozenset()
    await workers.end(office.database, "test", notes)
    assert not list((tmp_path / "calls").iterdir())
