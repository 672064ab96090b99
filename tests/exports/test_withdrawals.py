"""Lists of lines to delete, beside the exports that hold them."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from bot import clock
from bot.contacts.models import Contact, State
from bot.conversations import merging
from bot.db import Database
from bot.exports import service, withdrawals
from bot.exports.models import Export
from bot.exports.options import Options
from bot.surveys.models import Run
from tests.exports.towns import add_run, add_survey

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def held(database: Database, tmp_path: Path) -> int:
    """An export of three people."""
    with database.begin() as db:
        survey = add_survey(db)
        for _ in range(3):
            add_run(db, survey, {})
        return service.run(db, survey, Options(), tmp_path / "files", by="staff:1").export_id


def lines(folder: Path, export_id: int) -> list[str]:
    return (folder / str(export_id) / withdrawals.NAME).read_text("utf-8").splitlines()


def test_the_list_names_who_was_erased_and_grows(database: Database, held: int, tmp_path: Path) -> None:
    with database.begin() as db:
        assert withdrawals.write(db, tmp_path) == 0
        first, second, _ = db.scalars(select(Contact.id).order_by(Contact.id))
        names = {contact_id: service.holding(db, contact_id)[0][1] for contact_id in (first, second)}
        db.execute(delete(Contact).where(Contact.id == first))
        assert withdrawals.write(db, tmp_path) == 1
        assert lines(tmp_path, held) == ["respondent", names[first]]
        assert withdrawals.write(db, tmp_path) == 0
        db.execute(delete(Contact).where(Contact.id == second))
        assert withdrawals.write(db, tmp_path) == 1
        assert lines(tmp_path, held) == ["respondent", *sorted(names.values())]


def test_of_an_export_with_peoples_own_words_no_file_is_kept_here(database: Database, tmp_path: Path) -> None:
    with database.begin() as db:
        survey = add_survey(db)
        add_run(db, survey, {})
        kept, named = (
            service.run(db, survey, Options(free_text=words), tmp_path / str(number), by="1").export_id
            for number, words in ((1, False), (2, True))
        )
        db.execute(delete(Contact))
        assert (kept, named) == (1, 2)
        assert withdrawals.write(db, tmp_path) == 2
        left = {path.name for path in (tmp_path / "2").iterdir()}
        assert left == {withdrawals.NAME, next(name for name in left if name.endswith("-manifest.json"))}
        assert len([*(tmp_path / "1").iterdir()]) > 2
        assert len(lines(tmp_path, named)) == 2


def test_new_people_with_the_numbers_of_all_who_were_erased_do_not_hide_them(
    database: Database, held: int, tmp_path: Path
) -> None:
    with database.begin() as db:
        db.execute(delete(Run))
        db.execute(delete(Contact))
        clock.advance(timedelta(days=1))
        survey = db.scalars(select(service.Survey)).one()
        for _ in range(3):
            add_run(db, survey, {}, began=clock.now())
        assert withdrawals.write(db, tmp_path) == 1
    assert len(lines(tmp_path, held)) == 4


def test_who_joined_two_chats_has_withdrawn_nothing(database: Database, held: int, tmp_path: Path) -> None:
    with database.begin() as db:
        gone = db.scalars(select(Contact).order_by(Contact.id)).first()
        into = Contact(channel="whatsapp", state=State.MEMBER, created_at=clock.now())
        db.add(into)
        db.flush()
        assert gone
        gone.state = State.MEMBER
        merging.merge(db, gone, into, None)
        assert withdrawals.write(db, tmp_path) == 0
        assert [export.id for export, _ in service.holding(db, into.id)] == [held]
        assert service.withdrawn(db, db.get_one(Export, held)) == []
