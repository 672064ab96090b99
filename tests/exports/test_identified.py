"""An export with addresses: only who agreed to sharing is in it, and whoever takes that back must be deleted."""

import csv
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.contacts import consent
from bot.contacts.consent import Proof
from bot.contacts.models import Address, Contact, Decision, Purpose
from bot.db import Database
from bot.exports import ordering, service, withdrawals
from bot.exports.models import Export
from bot.exports.options import ExportError, Options
from bot.messaging.models import FilePiece, FileStatus, Handling, InboxMessage, ReceivedFile
from bot.staff.models import AuditEntry, Role, StaffUser
from bot.staff.roles import Forbidden
from bot.surveys.models import Run, Survey
from tests.exports.towns import add_run, add_survey

pytestmark = pytest.mark.usefixtures("frozen")
OPTIONS = Options(formats=frozenset({"csv"}), identified=True, reason="Agreement 7", recipient="Ministry")
PROOF = Proof("sharing", "h", "en", "telegram", "YES", None)


def staff(role: Role) -> StaffUser:
    return StaffUser(id=1, role=role, active=True)


@pytest.fixture
def run_ids(database: Database) -> list[int]:
    """Three who answered: one agreed to sharing, one took it back, one was never asked."""
    with database.begin() as db:
        survey = add_survey(db)
        runs = [add_run(db, survey, {"origin": "LS", "skills": "tech"}) for _ in range(3)]
        people = [db.get_one(Contact, run.contact_id) for run in runs]
        for number, person in enumerate(people):
            value = f"whatsapp:+2665012345{number}"
            db.add(Address(contact_id=person.id, channel="whatsapp", sender="", value=value, value_hash=str(number)))
        for person, words in zip(people, ((Decision.GRANTED,), (Decision.GRANTED, Decision.WITHDRAWN)), strict=False):
            for word in words:
                consent.record(db, person, [Purpose.SHARING], word, PROOF)
        for run in runs:
            _photo(db, run)
        return [run.id for run in runs]


def _photo(db: service.Session, run: Run) -> None:
    said = InboxMessage(
        channel="whatsapp", sender="", external_id=f"m{run.id}", contact_id=run.contact_id, kind="media",
        handling=Handling.DONE, received_at=clock.now(),
    )  # fmt: skip
    db.add(said)
    db.flush()
    file = ReceivedFile(contact_id=run.contact_id, inbox_id=said.id, number=0, channel="whatsapp", kind="image",
                        content_type="image/jpeg", size=4, status=FileStatus.KEPT, run_id=run.id,
                        received_at=clock.now())  # fmt: skip
    db.add(file)
    db.flush()
    db.add(FilePiece(file_id=file.id, number=0, data=b"jpeg"))


def test_only_who_agreed_is_in_it_with_address_and_files(
    database: Database, directory: Path, run_ids: list[int]
) -> None:
    with database.begin() as db:
        held = ordering.order(db, db.scalars(select(Survey)).one(), OPTIONS, staff(Role.PROTECTION))
        service.freeze(db, held)
        result = service.write(db, held, directory)
        service.finish(db, held, result)
        entry = db.scalars(select(AuditEntry)).one()
        assert (held.respondents, held.excluded) == (1, 2)
        assert entry.detail["options"]["recipient"] == "Ministry"
    with (directory / "towns-3-people.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["address"] == "whatsapp:+26650123450"
    with zipfile.ZipFile(directory / "towns-3-media.zip") as packed:
        (name,) = packed.namelist()
        assert (name.split("/")[0], packed.read(name)) == (row["respondent"], b"jpeg")
    assert "50123451" not in "".join(path.read_text("utf-8-sig") for path in directory.glob("*.csv"))
    with database.begin() as db:
        held = db.scalars(select(Export)).one()
        assert service.withdrawn(db, held) == []
        person = db.get_one(Contact, db.get_one(Run, run_ids[0]).contact_id)
        consent.record(db, person, [Purpose.SHARING], Decision.WITHDRAWN, PROOF)
        assert service.withdrawn(db, held) == [row["respondent"]]
        place = directory.parent / str(held.id)
        directory.rename(place)
        withdrawals.write(db, place.parent)
    assert not (place / "towns-3-people.csv").exists()


def test_names_need_a_role_a_reason_and_a_recipient(database: Database, run_ids: list[int]) -> None:
    with database.begin() as db:
        survey = db.scalars(select(Survey)).one()
        with pytest.raises(Forbidden):
            ordering.order(db, survey, OPTIONS, staff(Role.ANALYST))
        with pytest.raises(ExportError, match="Say why"):
            service.begin(db, survey, Options(identified=True, reason="because"), "1")
        with pytest.raises(ExportError, match="belong to an export with names"):
            service.begin(db, survey, Options(reason="because"), "1")
