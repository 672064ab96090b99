"""Sessions and investment cards from the command line: the console's steps, and one sentence for what cannot be."""

import json
import stat
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot import clock
from bot.cli.opened import installation
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, State
from bot.events import replies
from bot.events.models import Answer
from bot.opportunities import leads
from bot.opportunities.models import Opportunity
from tests.cli.conftest import Outreach
from tests.cli.test_troubles import complaint
from tests.opportunities import cards

SESSION: dict[str, Any] = {"title": {"en": "Saving well"}, "zone": "Europe/London", "minutes": 90, "capacity": 3}


def colleagues(outreach: Outreach) -> None:
    for name, role in (("editor", "editor"), ("approver", "approver"), ("keeper", "protection"), ("agent", "agent")):
        assert outreach("staff", "add", f"{name}@example.org", "--name", name, "--role", role).code == 0


def written(folder: Path, **what: object) -> str:
    file = folder / "given.json"
    file.write_text(json.dumps(what), "utf-8")
    return str(file)


def _member(db: Session) -> Contact:
    contact = Contact(channel="telegram", language="en", state=State.MEMBER, created_at=clock.now(), origin="LS")
    db.add(contact)
    db.flush()
    return contact


def test_a_session_from_its_file_to_its_figures(outreach: Outreach, tmp_path: Path) -> None:
    colleagues(outreach)
    by = ("--by", "editor@example.org")
    starts = f"{clock.now() + timedelta(days=30):%Y-%m-%d} 17:00"
    file = written(tmp_path, **SESSION, starts=starts, series={"en": "Money basics"}, audience={"origins": ["MW"]})
    assert "agent@example.org" not in complaint(outreach("session", "new", file, "--by", "agent@example.org"))
    id = str(outreach("session", "new", file, *by, "--json").json["id"])
    assert "Publish the session" in complaint(outreach("session", "invite", id, *by))
    assert outreach("session", "publish", id, *by).code == 0
    with installation() as opened, opened.database.begin() as db:
        person, other = _member(db).id, _member(db).id
    assert outreach("session", "invite", id, *by, "--json").json == {"invited": 0}  # it is for people of Malawi
    assert outreach("session", "invite", id, *by, "--audience", '{"origins": ["LS"]}', "--json").json == {"invited": 2}
    assert "Unknown condition" in complaint(outreach("session", "invite", id, *by, "--audience", '{"origin": ["LS"]}'))
    with installation() as opened, opened.database.begin() as db:
        replies.rsvp(db, opened.content, db.get_one(Contact, person), int(id), Answer.YES)
    [row] = outreach("session", "list", "--json").json
    assert (row["title"], row["starts"], row["status"], row["confirmed"]) == ("Saving well", starts, "open", 1)

    later = f"{clock.now() + timedelta(days=31):%Y-%m-%d} 18:00"
    look = complaint(outreach("session", "move", id, *by, "--starts", later))
    assert look == "1 people would be told. Nothing is changed yet: add --yes"
    assert outreach("session", "list", "--json").json[0]["starts"] == starts
    assert "1 people are told" in outreach("session", "move", id, *by, "--starts", later, "--yes").out
    assert outreach("session", "list", "--json").json[0]["starts"] == later
    early = outreach("session", "attendance", id, *by, "--there", str(person), "--json").json
    assert early == {"changed": 0, "there": []}  # weeks before nobody can have been there
    figures = outreach("session", "figures", id, "--json").json
    assert (figures["all"]["yes"], figures["tests"]) == (None, None)  # one person would be told by it
    assert figures["groups"]["sex"][""]["yes"] is None
    assert str(other) not in json.dumps(figures["groups"])
    assert "for good" in complaint(outreach("session", "cancel", id, *by))
    assert "1 people are told" in outreach("session", "cancel", id, *by, "--yes").out
    assert "create a new one" in complaint(outreach("session", "cancel", id, *by, "--yes"))


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"starts": "tomorrow"}, "such as 2027-03-27 17:00"),
        ({"starts": "2027-03-28T01:30+02:00"}, "without an offset"),
        ({"zone": "Maseru", "register_by": "2027-03-01 10:00"}, "is not a time zone"),
        ({"minutes": "90"}, "minutes must be a whole number"),
        ({"title": "Saving"}, "title must be texts"),
        ({"title": {"de": "Sparen"}}, "by language"),
        ({"place": 5}, "place must be a text"),
        ({"certificate": "yes"}, "certificate must be true or false"),
        ({"languages": ["xx"]}, "languages must be a list"),
        ({"reminders": ["1 h"]}, "reminders must be a list of minutes"),
        ({"audience": {"origin": ["LS"]}}, "Unknown condition origin"),
        ({"audiences": {}}, "audiences is none of"),
    ],
)
def test_a_session_file_that_is_wrong_is_refused_with_the_cure(
    outreach: Outreach, tmp_path: Path, changes: dict[str, object], cure: str
) -> None:
    file = written(tmp_path, **(SESSION | {"starts": "2027-03-27 17:00"} | changes))
    assert cure in complaint(outreach("session", "new", file, "--by", "editor@example.org"))


def test_a_session_that_cannot_be_held_is_not_written(outreach: Outreach, tmp_path: Path) -> None:
    colleagues(outreach)
    for changes, cure in (
        ({"starts": "2027-03-28 01:30"}, "choose another hour"),
        ({"link": "https://zoom.us@evil.example/j/1"}, "evil.example is none"),
        ({"description": {"en": "Pay at bit.ly/x"}}, "bit.ly is none"),
        ({"zone": "Maseru"}, "is not a time zone"),
        ({"requires": 99}, "There is no session 99"),
        ({"register_by": "2027-03-28 10:00"}, "choose an earlier deadline"),
    ):
        file = written(tmp_path, **(SESSION | {"starts": "2027-03-27 17:00"} | changes))
        assert cure in complaint(outreach("session", "new", file, "--by", "editor@example.org"))
    assert outreach("session", "list", "--json").json == []
    assert "There is no session 5" in complaint(outreach("session", "figures", "5"))


def test_a_card_from_its_file_to_the_authority(outreach: Outreach, tmp_path: Path) -> None:
    colleagues(outreach)
    editor, keeper = ("--by", "editor@example.org"), ("--by", "keeper@example.org")
    whole = json.loads(json.dumps(asdict(cards.draft()), default=str))
    lacking = outreach("opportunity", "new", written(tmp_path, **(whole | {"licence": ""})), *editor, "--json").json
    assert lacking["problems"] == ["licence missing"]
    assert "licence missing" in complaint(
        outreach("opportunity", "approve", str(lacking["id"]), "--by", "approver@example.org")
    )
    id = str(outreach("opportunity", "new", written(tmp_path, **whole), *editor, "--json").json["id"])
    assert complaint(outreach("opportunity", "approve", id, *editor))
    assert "approved first" in complaint(outreach("opportunity", "announce", id, *editor))
    assert "is published" in outreach("opportunity", "approve", id, "--by", "approver@example.org").out
    assert outreach("opportunity", "announce", id, *editor, "--all", "--json").json["broadcast"] == 1
    with installation() as opened, opened.database.begin() as db:
        word = Proof("w", "h", "en", "telegram", "yes", None)
        leads.share(db, _member(db), db.get_one(Opportunity, int(id)), "Palesa, 5812 3456", word)
    said = outreach("opportunity", "leads", id)
    assert "Diaspora Affairs Unit" in said.out
    assert "Palesa" not in said.out

    list_for = ("opportunity", "hand-over", "Diaspora Affairs Unit")
    reason = ("--reason", "agreement 7")
    assert complaint(outreach(*list_for, "list.csv", *editor, *reason))  # names are not for everybody
    assert "must end in" in complaint(outreach(*list_for, "list.txt", *keeper, *reason))
    assert "something does for: Diaspora" in complaint(
        outreach("opportunity", "hand-over", "Nobody", "list.csv", *keeper, *reason)
    )
    (tmp_path / "there.csv").write_text("kept")
    assert "name a new file" in complaint(outreach(*list_for, "there.csv", *keeper, *reason))
    assert outreach("opportunity", "leads", id, "--json").json[0]["handed_over"] is False
    assert "1 lines" in outreach(*list_for, "list.csv", *keeper, *reason).out
    assert "Palesa, 5812 3456" in (tmp_path / "list.csv").read_text("utf-8-sig")
    assert stat.S_IMODE((tmp_path / "list.csv").stat().st_mode) == 0o600
    assert outreach("opportunity", "leads", id, "--json").json[0]["handed_over"] is True


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"minimum": "a lot"}, "minimum must be an amount"),
        ({"valid_until": "soon"}, "valid_until must be a day"),
        ({"texts": {"de": {}}}, "texts must be by language"),
        ({"texts": {"en": {"promise": "x"}}}, "texts of en must be some of"),
        ({"country": "Malawi"}, "country must be a text of at most 2"),
        ({"languages": "en"}, "languages must be a list"),
        ({"risk": "none"}, "risk is none of"),
    ],
)
def test_a_card_file_that_is_wrong_is_refused_with_the_cure(
    outreach: Outreach, tmp_path: Path, changes: dict[str, object], cure: str
) -> None:
    file = written(tmp_path, **changes)
    assert cure in complaint(outreach("opportunity", "new", file, "--by", "editor@example.org"))
