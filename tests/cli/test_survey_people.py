"""Whom a survey asks and when, from the command line."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import clock
from bot.contacts import consent
from bot.contacts.models import Decision, Purpose
from bot.content import Content
from bot.db import Database
from bot.messaging.models import OutboxMessage, Status
from bot.staff.models import AuditEntry
from bot.surveys import service
from tests.broadcasts.conftest import add_contact
from tests.cli.conftest import MAPPING, Outreach
from tests.cli.test_data import EDITOR, data  # noqa: F401 - a fixture
from tests.cli.test_troubles import complaint

FORM = "diaspora_mapping"
BY = ("--by", EDITOR)


@pytest.fixture
def opened(outreach: Outreach, data: Database) -> Database:  # noqa: F811 - the fixture
    assert outreach("survey", "publish", str(MAPPING)).code == 0
    with data.begin() as db:
        for origin in ("LS", "LS", "MW"):
            contact = add_contact(db, origin=origin)
            proof = consent.Proof("consent.wording.v1", "0" * 64, "en", "telegram", "yes", None)
            consent.record(db, contact, [Purpose.SURVEYS], Decision.GRANTED, proof)
        add_contact(db, origin="LS")
    return data


def test_people_are_invited_after_a_look_and_once(outreach: Outreach, opened: Database) -> None:
    words = ("survey", "invite", FORM, *BY, "--origin", "LS")
    looked = outreach(*words, "--dry-run")
    assert looked.out == (
        "3 chosen: 2 would be invited, 0 were before or have answers, 1 have not agreed to surveys.\n"
    )
    with opened.read() as db:
        assert db.scalar(select(OutboxMessage.id)) is None
    assert outreach(*words, "--json").json["invited"] == 2
    assert outreach(*words, "--json").json == {
        "chosen": 3, "invited": 0, "known": 2, "without_consent": 1, "dry_run": False,
    }  # fmt: skip
    assert "2 invited" in outreach("survey", "list").out
    assert "no published survey" in complaint(outreach("survey", "invite", "other", *BY))
    assert "No active member" in complaint(outreach("survey", "invite", FORM, "--by", "nobody@example.org"))


def test_days_and_quotas_move_what_waits_and_a_closed_survey_writes_to_nobody(
    outreach: Outreach, opened: Database
) -> None:
    outreach("survey", "invite", FORM, *BY)
    words = ("survey", "terms", FORM, *BY)
    told = outreach(
        *words, "--opens", "2090-03-05 08:00", "--closes", "2090-04-01T18:00", "--quota", "origin=LS: 9"
    ).out
    assert told == f"{FORM} opens 2090-03-05 08:00 and closes 2090-04-01 18:00 (Maseru time).\n"
    with opened.read() as db:
        waiting = db.execute(select(OutboxMessage.due_at, OutboxMessage.expires_at)).all()
        assert {(due.isoformat(), until.isoformat()) for due, until in waiting} == {
            ("2090-03-05T06:00:00+00:00", "2090-04-01T16:00:00+00:00")
        }
    assert "opens before it closes" in complaint(outreach(*words, "--closes", "2089-01-01 08:00"))
    assert "is no time" in complaint(outreach(*words, "--opens", "tomorrow"))
    assert "is no quota" in complaint(outreach(*words, "--quota", "many"))
    assert "shoe: neither" in complaint(outreach(*words, "--quota", "shoe=42: 3"))
    assert outreach(*words, "--opens", "", "--closes", "", "--quota", "", "--json").json == {
        "opens": "", "closes": "", "quotas": {},
    }  # fmt: skip

    assert outreach("survey", "close", FORM, *BY, "--json").json == {"cancelled": 3}
    with opened.read() as db:
        assert set(db.scalars(select(OutboxMessage.status))) == {Status.CANCELLED}
        done = list(db.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("survey."))))
        assert done == ["survey.published", "survey.invited", "survey.terms", "survey.terms", "survey.closed"]
    assert "closed already" in complaint(outreach("survey", "close", FORM, *BY))
    assert "only an open survey" in complaint(outreach("survey", "invite", FORM, *BY))


def test_who_is_silent_for_a_day_is_reminded_by_hand_once_a_day(
    outreach: Outreach, opened: Database, messages_dir: Path
) -> None:
    content, before = Content.load(messages_dir), clock.now() - timedelta(hours=25)
    words = ("survey", "nudge", FORM, *BY, "--json")
    with opened.begin() as db:
        contact = add_contact(db, origin="MW")
        (survey,) = service.open_surveys(db)
        service.begin(db, content, contact, "telegram", survey)
        run = service.open_run(db, contact)
        assert run
        run_id = run.id
    assert outreach(*words).json["reminded"] == 0
    with opened.begin() as db:
        db.get_one(service.runs.Run, run_id).updated_at = before
    assert outreach(*words, "--dry-run").json == {"reminded": 1, "dry_run": True}
    assert [outreach(*words).json["reminded"] for _ in range(2)] == [1, 0]
    with opened.read() as db:
        assert db.scalars(select(OutboxMessage.kind)).all() == ["nudge"]
