"""Exports in the background: cut off anywhere and taken up again, stopped, and never made twice or half seen."""

import asyncio
import errno
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError

from bot import background, clock
from bot.background import LEASE, Hand, State
from bot.contacts.models import Contact
from bot.db import Database
from bot.exports import making, ordering, service, writing
from bot.exports.models import Export
from bot.exports.options import Options
from bot.staff import service as staff
from bot.staff.models import AuditEntry, Role
from bot.surveys.models import Run, Survey
from tests.exports.towns import add_answer, add_run, add_survey

SALT = b"s" * 16
FORMATS = frozenset({"csv", "parquet", "sav", "xlsx"})
PLAIN = Options(formats=frozenset({"csv", "jsonl"}))


class Killed(BaseException):
    """The process is no more: nobody tidies up, and nobody notes anything."""


@pytest.fixture(autouse=True)
def _people(database: Database, frozen: datetime) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        for origin in ("LS", "MU", "LS"):
            add_run(db, survey, {"origin": origin, "skills": "health tech", "child 1 age": "7", "moved": "2019-05-01"})


def ask(database: Database, options: Options = PLAIN) -> int:
    """Ask for an export whose ids are those of every other one here."""
    with database.begin() as db:
        return service.ask(db, db.scalars(select(Survey)).one(), options, "1", SALT).id


async def make(database: Database, folder: Path, worker: str, tell: Callable[[str, int], None] | None = None) -> bool:
    """Let a process make what waits longest; `tell` happens whenever it says how far it is."""

    class Told(Hand):
        def tell(self, part: str, done: int) -> None:
            super().tell(part, done)
            if tell:
                tell(part, done)

    row = await database.run(background.claim, Export, worker)
    assert row is not None

    async def write(export: Export, hand: Hand) -> background.Finish[Export]:
        return await making.make(database, folder / str(export.id), export, hand)

    return await background.make_one(database, row, worker, write, Told())


def row(database: Database, id: int) -> Export:
    with database.read() as db:
        found = db.get_one(Export, id)
        db.expunge(found)
        return found


def content(folder: Path, id: int) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / str(id)).iterdir()}


def after(count: int, what: Callable[[], object]) -> Callable[[str, int], None]:
    """Return what does something at one moment of the work, of however many there are."""
    left = [count]

    def tell(_part: str, _done: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            what()

    return tell


def die() -> None:
    raise Killed


async def test_work_that_was_cut_off_anywhere_ends_with_the_same_bytes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(formats=FORMATS)
    undisturbed = ask(database, options)
    told: list[str] = []
    assert await make(database, tmp_path, "first", lambda part, _done: told.append(part))
    wanted = content(tmp_path, undisturbed)
    assert {Path(name).suffix for name in wanted} == {".csv", ".json", ".parquet", ".sav", ".sps", ".xlsx"}
    every = 3 if database.is_sqlite else 7
    for moment in range(1, len(told) + 1, every):
        id = ask(database, options)
        with pytest.raises(Killed):
            await make(database, tmp_path, "first", after(moment, die))
        assert not [name for name in content_names(tmp_path / str(id)) if not name.startswith(".")]
        clock.advance(LEASE + timedelta(seconds=1))
        again: list[tuple[str, int]] = []
        assert await make(database, tmp_path, "second", lambda *done: again.append(done))  # noqa: B023 - called here
        assert content(tmp_path, id) == wanted
        assert ("parquet", 0) not in again or "csv" not in told[:moment], "finished formats were written anew"
    id = ask(database, options)
    monkeypatch.setattr(writing, "clear", lambda *_: die())  # the files are in place, and it is not noted
    with pytest.raises(Killed):
        await make(database, tmp_path, "first")
    assert row(database, id).files is None
    monkeypatch.undo()
    clock.advance(LEASE + timedelta(seconds=1))
    assert await make(database, tmp_path, "second")
    assert content(tmp_path, id) == wanted


def content_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


async def test_what_changed_meanwhile_is_the_same_in_every_format_and_who_was_erased_in_none(
    database: Database, tmp_path: Path
) -> None:
    id = ask(database)
    with pytest.raises(Killed):
        await make(database, tmp_path, "first", after(4, die))  # the CSV is finished
    with database.begin() as db:
        first, second, _ = db.scalars(select(Run).order_by(Run.id))
        add_answer(db, first, "amount", "12.5")
        db.execute(delete(Contact).where(Contact.id == second.contact_id))
    clock.advance(LEASE + timedelta(seconds=1))
    assert await make(database, tmp_path, "second")
    undisturbed = ask(database)
    assert await make(database, tmp_path, "second")
    assert content(tmp_path, id) == content(tmp_path, undisturbed)
    assert row(database, id).respondents == 2
    with database.read() as db:
        assert service.withdrawn(db, db.get_one(Export, id)) == []


async def test_who_is_erased_while_it_is_written_is_not_in_what_is_published(
    database: Database, tmp_path: Path
) -> None:
    id = ask(database)

    def erase() -> None:
        with database.begin() as db:
            db.execute(delete(Contact).where(Contact.id == select(func.min(Contact.id)).scalar_subquery()))

    assert not await make(database, tmp_path, "first", after(3, erase))
    assert (row(database, id).state, row(database, id).files) == (State.ASKED, None)
    assert await making.work(database, tmp_path, "first") == 1
    assert row(database, id).respondents == 2


async def test_two_processes_never_make_the_same_export(database: Database, tmp_path: Path) -> None:
    ids = [ask(database, Options(formats=frozenset({"jsonl"}))) for _ in range(3)]
    made = await asyncio.gather(*(making.work(database, tmp_path, worker) for worker in ("first", "second")))
    made.append(await making.work(database, tmp_path, "third"))
    assert sum(made) == len(ids)
    with database.read() as db:
        ready = db.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "export.ready"))
        assert sorted(ready) == [str(id) for id in ids]


async def test_who_was_silent_for_too_long_publishes_nothing_any_more(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RENEW", 3600)
    id = ask(database)

    def overtaken() -> None:
        clock.advance(LEASE + timedelta(seconds=1))
        with database.begin() as db:
            first = db.scalars(select(Run).order_by(Run.id)).first()
            assert first is not None
            add_answer(db, first, "amount", "12.5")
        assert asyncio.run(making.work(database, tmp_path, "second")) == 1

    assert not await make(database, tmp_path, "first", after(3, overtaken))
    made = row(database, id)
    assert (made.state, made.maker) == (State.READY, "second")
    found = content(tmp_path, id)
    assert {name: writing.ExportFile(**file) for name, file in made.files.items()}.keys() == found.keys() - {
        made.manifest
    }
    assert all(writing.sha256(tmp_path / str(id) / name) == file["sha256"] for name, file in made.files.items())


async def test_an_export_that_is_stopped_leaves_nothing(database: Database, tmp_path: Path) -> None:
    id = ask(database)
    with database.begin() as db:
        user, _ = staff.add(db, "analyst@example.org", "An Analyst", Role.ANALYST)

    def stop() -> None:
        with database.begin() as db:
            assert ordering.cancel(db, db.get_one(Export, id), user)
            assert not ordering.cancel(db, db.get_one(Export, id), user)

    assert not await make(database, tmp_path / "exports", "first", after(3, stop))
    assert (row(database, id).state, row(database, id).files) == (State.CANCELLED, None)
    with database.begin() as db:
        making.clear_away(db, tmp_path, timedelta(days=90))
    assert not (tmp_path / "exports" / str(id)).exists()
    assert await making.work(database, tmp_path / "exports", "second") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_goes_wrong_is_said_and_nothing_is_left(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(error: Exception) -> Callable[[], None]:
        def happen() -> None:
            raise error

        return happen

    for error, says in (
        (OSError(errno.ENOSPC, "No space left on device"), "(No space left on device): have the disk looked at"),
        (KeyError("q"), "something unforeseen (KeyError)"),
    ):
        id = ask(database)
        assert not await make(database, tmp_path, "first", after(3, wrong(error)))
        assert (row(database, id).state, content_names(tmp_path / str(id))) == (State.FAILED, [])
        assert says in row(database, id).trouble
    id = ask(database)
    away = OperationalError("SELECT", {}, Exception("server closed the connection"))
    assert not await make(database, tmp_path, "first", after(5, wrong(away)))
    assert row(database, id).state == State.RUNNING
    assert await making.work(database, tmp_path, "second") == 0
    clock.advance(LEASE + timedelta(seconds=1))
    assert await making.work(database, tmp_path, "second") == 1
    id = ask(database)
    for _ in range(background.MOST):
        with pytest.raises(Killed):
            await make(database, tmp_path, "first", after(1, die))
        clock.advance(LEASE + timedelta(seconds=1))
    assert await making.work(database, tmp_path, "first") == 0
    assert "It was cut off 5 times" in row(database, id).trouble


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_files_go_after_their_time_and_what_was_taken_stays_known(database: Database, tmp_path: Path) -> None:
    id = ask(database)
    folder = tmp_path / "exports"
    assert await making.work(database, folder, "first") == 1
    made = row(database, id)
    for days, gone in ((89, 0), (90, 1), (91, 0)):
        with database.begin() as db:
            clock.freeze(made.finished_at + timedelta(days=days))  # type: ignore[operator]
            assert making.clear_away(db, tmp_path, timedelta(days=90)) == gone
    assert (row(database, id).state, content_names(folder / str(id))) == (State.EXPIRED, [made.manifest])
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "export.expired")).one()
    assert sorted(entry.detail["files"]) == sorted(made.files)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_process_that_ends_leaves_its_work_to_the_next(database: Database, tmp_path: Path) -> None:
    id, ends = ask(database), asyncio.Event()
    worker = asyncio.create_task(making.work(database, tmp_path, "first", ends))
    ends.set()
    assert await worker == 0
    row_of = await database.run(background.claim, Export, "first")
    assert row_of is not None
    hand = Hand(ends)

    async def write(export: Export, hand: Hand) -> background.Finish[Export]:
        return await making.make(database, tmp_path / str(export.id), export, hand)

    assert not await background.make_one(database, row_of, "first", write, hand)
    assert (row(database, id).state, row(database, id).attempts) == (State.ASKED, 0)
    assert await making.work(database, tmp_path, "second") == 1
