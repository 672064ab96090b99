"""From the command line to the data and back: broadcasts, answers, exports, staff, the audit trail."""

import csv
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.app.keys import prepare_keys
from bot.broadcasts.models import Broadcast
from bot.content import Content
from bot.db import Database
from bot.settings import load
from bot.staff.models import AuditEntry
from bot.surveys.models import Survey
from tests.broadcasts.conftest import add_contact
from tests.cli.conftest import MAPPING, Outreach
from tests.cli.test_troubles import complaint
from tests.exports.towns import SHEET, add_run
from tests.surveys.chat import Chat

NEWS = {
    "title": "Hello",
    "purpose": "news",
    "texts": {"en": "Hello to all of you.", "fr": "Bonjour à vous."},
    "audience": {"origins": ["LS"]},
}
EDITOR, APPROVER = "editor@example.org", "approver@example.org"


@pytest.fixture
def data(outreach: Outreach, tmp_path: Path) -> Iterator[Database]:
    """The database of the commands, with an editor and an approver."""
    for email, role in ((EDITOR, "editor"), (APPROVER, "approver")):
        assert outreach("staff", "add", email, "--name", role, "--role", role).code == 0
    prepare_keys(load(_env_file=None))
    database = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}")
    yield database
    database.close()


def test_a_member_of_staff_gets_a_one_time_link_and_is_added_once(outreach: Outreach) -> None:
    words = ("staff", "add", "Admin@example.org", "--name", "Naledi", "--role", "administrator")
    link = outreach(*words, "--json", OUTREACH_PUBLIC_URL="https://bot.example.org").json["link"]
    assert link.startswith("https://bot.example.org/console/welcome/")
    again = complaint(outreach("staff", "add", "admin@EXAMPLE.org", "--name", "Naledi", "--role", "editor"))
    assert "exists" in again


def test_the_paid_rate_is_asked_for_and_its_cost_told_and_approved_with_the_rest(
    outreach: Outreach, data: Database, tmp_path: Path
) -> None:
    with data.begin() as db:
        for _ in range(11):
            add_contact(db, origin="LS")
    (tmp_path / "news.json").write_text(json.dumps(NEWS))
    number = str(outreach("broadcast", "new", "news.json", "--by", EDITOR, "--paid", "--json").json["id"])
    on = {"OUTREACH_TELEGRAM_TOKEN": "700:token", "OUTREACH_TELEGRAM_PAID_RATE": "500"}

    assert outreach("broadcast", "dry-run", number, "--json").json["problems"] == ["paid_rate_off"]
    found = outreach("broadcast", "dry-run", number, "--json", **on).json
    assert (found["stars"], found["problems"]) == (2, [])
    assert "2 Telegram Stars at most" in outreach("broadcast", "dry-run", number, **on).out

    assert outreach("broadcast", "approve", number, "--by", APPROVER, **on).code == 0
    with data.begin() as db:
        db.get_one(Broadcast, int(number)).paid = False
    assert "content_changed" in complaint(outreach("broadcast", "send", number, "--by", EDITOR, **on))


def test_a_broadcast_needs_two_people_and_its_numbers_add_up(
    outreach: Outreach, data: Database, tmp_path: Path
) -> None:
    with data.begin() as db:
        for origin in ("LS", "LS", "MW"):
            add_contact(db, origin=origin)
    (tmp_path / "news.json").write_text(json.dumps(NEWS))
    number = str(outreach("broadcast", "new", "news.json", "--by", EDITOR, "--json").json["id"])

    found = outreach("broadcast", "dry-run", number, "--json").json
    assert found["audience"] == 2
    assert found["problems"] == []
    assert found["rule"] == {"origins": ["LS"], "states": ["member"]}
    told = outreach("broadcast", "dry-run", number).out
    assert "2 people" in told
    assert 'Meant for {"origins": ["LS"]' in told
    assert outreach("broadcast", "count", '{"origins": ["LS", "MW"]}', "--json").json == {"people": 3}
    assert outreach("broadcast", "count", '{"not_answered": ["none"]}', "--json").json == {"people": 0}
    assert "Unknown condition gender" in complaint(outreach("broadcast", "count", '{"gender": ["f"]}'))
    assert "must be JSON" in complaint(outreach("broadcast", "count", "LS"))

    assert "permission broadcast.approve" in complaint(outreach("broadcast", "approve", number, "--by", EDITOR))
    assert "this step needs “approved”" in complaint(outreach("broadcast", "send", number, "--by", EDITOR))
    assert outreach("broadcast", "approve", number, "--by", APPROVER).code == 0
    assert outreach("broadcast", "send", number, "--by", EDITOR, "--json").json == {"audience": 2}
    assert "this step needs “approved”" in complaint(outreach("broadcast", "send", number, "--by", EDITOR))

    status = outreach("broadcast", "status", number, "--json").json
    assert status.pop("status") == "sending"
    assert status.pop("audience") == sum(status.values()) == 2
    assert "sending" in outreach("broadcast", "status", number).out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audience": {"hobby": ["chess"]}}, "Unknown condition hobby"),
        ({"texts": ["Hello"]}, "must hold"),
        ({"title": 7}, "must hold"),
    ],
)
def test_a_file_that_is_no_broadcast_is_refused_with_what_it_must_hold(
    outreach: Outreach, data: Database, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    (tmp_path / "news.json").write_text(json.dumps({**NEWS, **change}))
    assert words in complaint(outreach("broadcast", "new", "news.json", "--by", EDITOR))


def test_what_stands_in_the_way_of_an_approval_is_listed(outreach: Outreach, data: Database, tmp_path: Path) -> None:
    (tmp_path / "news.json").write_text(json.dumps({**NEWS, "texts": {"fr": "Bonjour"}, "purpose": "gossip"}))
    assert outreach("broadcast", "new", "news.json", "--by", EDITOR).code == 0
    problems = outreach("broadcast", "dry-run", "1", "--json").json["problems"]
    assert "purpose_unknown gossip" in problems
    (tmp_path / "list.json").write_text("[]")
    assert "must hold" in complaint(outreach("broadcast", "new", "list.json", "--by", EDITOR))
    (tmp_path / "letter.json").write_text("Dear all")
    assert "is not JSON" in complaint(outreach("broadcast", "new", "letter.json", "--by", EDITOR))


def test_answers_leave_without_the_questions_to_leave_out_while_others_write(
    outreach: Outreach, data: Database, tmp_path: Path
) -> None:
    (tmp_path / "towns.md").write_text(SHEET)
    published = outreach("survey", "publish", "towns.md", "--json").json
    with data.begin() as db:
        add_run(db, db.get_one(Survey, published["id"]), {"origin": "LS", "skills": "tech", "amount": "12"})
    done = outreach("export", "towns", "--to", "out", "--leave-out", "amount, skills", "--json").json
    assert (done["respondents"], done["files"]["out/towns-3.xlsx"]) == (1, 1)
    with (tmp_path / "out" / "towns-3-wide.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["origin"] == "LS"
    assert not {"amount", "twice", "skills", "city"} & set(row)
    files = outreach("export", "towns", "--to", "more", "--formats", "sav, dta", "--corrections", "--json").json[
        "files"
    ]
    assert {Path(path).suffix for path in files} == {".sav", ".sps", ".dta", ".csv"}
    assert "--formats takes csv, long" in complaint(outreach("export", "towns", "--formats", "ods"))
    assert "no language fr" in complaint(outreach("export", "towns", "--language", "fr"))
    assert "1 respondents" in outreach("export", "towns").out
    assert (tmp_path / "var" / "exports" / "3" / "towns-3.xlsx").is_file(), "where the console finds it"


def test_a_chat_and_the_command_line_see_the_same_survey(
    outreach: Outreach, data: Database, messages_dir: Path
) -> None:
    assert outreach("survey", "publish", str(MAPPING)).code == 0
    assert outreach("survey", "publish", str(MAPPING)).code == 0, "the same file is the same survey"
    with data.read() as db:
        published = db.scalar(select(func.count()).where(AuditEntry.action == "survey.published"))
    assert published == 1
    chat = Chat(data, Content.load(messages_dir))
    assert "1 of about" in chat.offer()


def test_a_changed_audit_trail_is_found_out(outreach: Outreach, data: Database, tmp_path: Path) -> None:
    whole = outreach("audit", "verify", "--json")
    assert len(whole.json["head"]) == 64
    with sqlite3.connect(tmp_path / "var" / "outreach.db") as file:
        file.execute("UPDATE audit_entry SET detail = '{}' WHERE id = 2")
    file.close()
    assert "broken at entry 2" in complaint(outreach("audit", "verify"))


def test_wording_is_checked_and_drafts_are_listed_on_demand(
    outreach: Outreach, tmp_path: Path, messages_dir: Path
) -> None:
    import shutil

    ran = outreach("check")
    assert ran.code == 0, ran.out
    assert ran.out.startswith("0 errors")
    assert "is a draft to review" in outreach("check", "--drafts").out
    shutil.copytree(messages_dir, tmp_path / "messages")
    (tmp_path / "messages" / "surveys" / "odd.xlsx").write_text("not a form")
    (tmp_path / "messages" / "keywords.yaml").unlink()
    ran = outreach("check", "--json", OUTREACH_MESSAGES_DIR="messages")
    assert ran.code == 1
    assert any("surveys/odd.xlsx" in one for one in ran.json)
    assert any("keywords.yaml" in one for one in ran.json)


def test_tables_and_models_agree(outreach: Outreach) -> None:
    assert outreach("db", "upgrade").out == "The database is up to date.\n"
    assert outreach("db", "check").out == "Migrations and models agree.\n"
