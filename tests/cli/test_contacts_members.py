"""What the command line does with single members: prove, suggest, merge, keep apart; and what an export must lose."""

from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.app.keys import prepare_keys
from bot.contacts import consent
from bot.contacts.models import Address, Contact, Decision, Purpose, State, Trait, TraitKind
from bot.db import Database
from bot.settings import load
from bot.staff.models import AuditEntry
from tests.cli.conftest import Outreach
from tests.cli.test_troubles import complaint

OFFICER, EDITOR = "officer@example.org", "editor@example.org"


@pytest.fixture
def three(outreach: Outreach, tmp_path: Path) -> Database:
    """Three members with one number, and staff."""
    for email, role in ((OFFICER, "protection"), (EDITOR, "editor")):
        assert outreach("staff", "add", email, "--name", role, "--role", role).code == 0
    prepare_keys(load(_env_file=None))
    database = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}")
    with database.begin() as db:
        for number in range(1, 4):
            contact = Contact(id=number, channel="telegram", state=State.MEMBER, created_at=clock.now())
            db.add(contact)
            db.flush()
            value = f"47{number}"
            db.add(Address(contact_id=number, channel="telegram", sender="s", value=value, value_hash=value))
            db.add(Trait(contact_id=number, kind=TraitKind.NUMBER, value_hash="same"))
            shown = consent.Proof("consent.wording.v1", "h" * 64, "en", "telegram", "yes", 7)
            consent.record(db, contact, [Purpose.NEWS], Decision.GRANTED, shown)
    return database


def test_members_are_suggested_merged_and_kept_apart(outreach: Outreach, three: Database) -> None:
    by = ("--by", OFFICER)
    assert outreach("contacts", "alike", *by, "--json").json == {
        "total": 3,
        "pairs": [{"one": one, "other": other, "same": "number"} for one, other in ((1, 2), (1, 3), (2, 3))],
    }
    assert "--sure" in complaint(outreach("contacts", "merge", "2", "1", *by))
    assert "same member" in complaint(outreach("contacts", "merge", "1", "1", *by, "--sure"))
    assert "no member 9" in complaint(outreach("contacts", "merge", "9", "1", *by, "--sure"))
    assert "members.erase" in complaint(outreach("contacts", "merge", "2", "1", "--by", EDITOR, "--sure"))
    assert outreach("contacts", "merge", "2", "1", *by, "--sure", "--json").json == {"into": 1}
    assert outreach("contacts", "apart", "1", "3", *by).code == 0
    assert outreach("contacts", "alike", *by, "--json").json["pairs"] == []
    with three.read() as db:
        assert list(db.scalars(select(Contact.id).order_by(Contact.id))) == [1, 3]
    three.close()


def test_a_proof_is_printed_or_written_for_a_reason(outreach: Outreach, three: Database, tmp_path: Path) -> None:
    words = ("contacts", "proof", "1", "--by", OFFICER)
    made = outreach(*words, "--reason", "consent", "--to", "proof.pdf", "--json").json
    assert (made["contact_id"], made["granted"], made["addresses"]) == (1, ["news"], ["471"])
    assert (tmp_path / "proof.pdf").read_bytes().startswith(b"%PDF-")
    assert outreach(*words, "--reason", "consent", "--on", "2020-01-01", "--json").json["words"] == []
    assert "There is no reason curiosity" in complaint(outreach(*words, "--reason", "curiosity"))
    assert "is no day" in complaint(outreach(*words, "--reason", "consent", "--on", "yesterday"))
    assert "has not been yet" in complaint(outreach(*words, "--reason", "consent", "--on", "2999-01-01"))
    assert "members.identity" in complaint(outreach(*words[:-1], EDITOR, "--reason", "consent"))
    with three.read() as db:
        assert len(db.scalars(select(AuditEntry).where(AuditEntry.action == "consent.proved")).all()) == 2
    three.close()


def test_an_export_that_is_not_there_has_no_list(outreach: Outreach, three: Database) -> None:
    assert "There is no export 7" in complaint(outreach("exports", "withdrawn", "7"))
    three.close()
