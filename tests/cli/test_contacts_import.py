"""Lists of people from the command line: look, import, import again, undo."""

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from bot import clock
from bot.app.keys import prepare_keys
from bot.content import Content
from bot.content.templates import WHATSAPP_LANGUAGES
from bot.conversations import inviting
from bot.db import Database
from bot.messaging import templates
from bot.settings import load
from tests.cli.conftest import Outreach
from tests.cli.test_troubles import complaint

WHATSAPP = {
    "OUTREACH_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "OUTREACH_TWILIO_AUTH_TOKEN": "token",
    "OUTREACH_WHATSAPP_FROM": "+26622000000",
    "OUTREACH_PUBLIC_URL": "https://bot.example.org",
}
EDITOR, APPROVER = "editor@example.org", "approver@example.org"
WORDS = ("contacts", "import", "list.csv", "--by", EDITOR, "--source", "the embassy", "--region", "LS")


@pytest.fixture(autouse=True)
def _list(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("Name;Cell\nA;50123456\nB;+230 251 2345\nC;+26650123456\nD;58000001\n")


@pytest.fixture
def data(outreach: Outreach, tmp_path: Path) -> Iterator[Database]:
    """The database of the commands, with somebody who may import and somebody who may not."""
    for email, role in ((EDITOR, "editor"), (APPROVER, "approver")):
        assert outreach("staff", "add", email, "--name", role, "--role", role).code == 0
    prepare_keys(load(_env_file=None))
    database = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}")
    yield database
    database.close()


@pytest.fixture
def approved(data: Database, messages_dir: Path) -> Database:
    """The database, with the invitation approved."""
    content = Content.load(messages_dir)
    with data.begin() as db:
        for name, language in product((inviting.TEMPLATE, inviting.TEMPLATE_BOTH), WHATSAPP_LANGUAGES):
            shipped = content.templates[name]
            definition = templates.definition(shipped, language)
            db.add(
                templates.ContentRow(
                    definition=definition, content_id=f"HX{language}", name=shipped.name, language=language,
                    approval=templates.APPROVED, created_at=clock.now(),
                )
            )  # fmt: skip
    return data


def test_a_list_is_looked_at_imported_once_and_undone(outreach: Outreach, approved: Database, tmp_path: Path) -> None:
    dry = outreach(*WORDS, "--dry-run", "--json", "--report", "report.csv", **WHATSAPP)
    assert dry.json["reasons"] == {"new": 2, "old_mauritian": 1, "twice": 1}
    assert dry.json["rows"][1] == [3, "doubtful", "old_mauritian"]
    assert (dry.json["batch"], dry.json["unread"]) == (None, ["Name"])
    with (tmp_path / "report.csv").open(encoding="utf-8-sig") as file:
        assert [row["standing"] for row in csv.DictReader(file)] == ["in", "doubtful", "out", "in"]
    assert "a 5 is missing" in outreach(*WORDS, "--dry-run").out

    batch = str(outreach(*WORDS, "--json").json["batch"])
    assert outreach(*WORDS, "--json").json["reasons"] == {"in_register": 2, "old_mauritian": 1, "twice": 1}
    assert "Nobody was imported" in outreach(*WORDS).out
    assert outreach("contacts", "undo", batch, "--by", EDITOR, "--json").json == {"removed": 2}
    assert outreach(*WORDS, "--dry-run", "--json").json["reasons"]["new"] == 2


def test_no_number_of_a_list_is_printed(outreach: Outreach, approved: Database) -> None:
    shown = outreach(*WORDS, **WHATSAPP)
    assert shown.code == 0
    assert not any(number in shown.out + shown.err for number in ("50123456", "2512345", "58000001"))


def test_nobody_is_imported_while_the_invitation_is_not_approved(outreach: Outreach, data: Database) -> None:
    assert "outreach templates sync" in complaint(outreach(*WORDS, **WHATSAPP))
    assert outreach(*WORDS, "--dry-run", "--json").json["reasons"]["new"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("contacts", "undo", "7", "--by", EDITOR), "There is no import 7"),
        ((*WORDS[:-1], "Lesotho"), "There is no country Lesotho"),
        ((*WORDS, "--map", "Cell=name"), "There is no field name"),
        ((*WORDS[:4], "nobody@example.org", *WORDS[5:]), "No active member of staff"),
        ((*WORDS[:4], APPROVER, *WORDS[5:]), "permission members.edit"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    outreach: Outreach,
    data: Database,
    words: tuple[str, ...],
    said: str,
) -> None:
    assert said in complaint(outreach(*words, **WHATSAPP))


def test_without_whatsapp_nobody_can_be_written_to_first(outreach: Outreach, data: Database) -> None:
    assert "WhatsApp is off" in complaint(outreach(*WORDS, "--dry-run"))
