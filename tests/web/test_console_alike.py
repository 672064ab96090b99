"""The page of members who may be one person: merged for good, or kept apart for good, by those who may erase."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts.models import Address, Contact, Likeness, State, Trait, TraitKind
from bot.conversations import alike
from bot.db import Database
from bot.staff.models import AuditEntry, Role
from tests.web.console_browser import Browser, build

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def pair(database: Database) -> tuple[int, int]:
    """Two members who share a number, noticed."""
    ids = []
    for channel, value in (("telegram", "4711"), ("whatsapp", "whatsapp:+26650123456")):
        with database.begin() as db:
            now = clock.now()
            contact = Contact(
                channel=channel, state=State.MEMBER, origin="LS", residence="ZA", created_at=now, joined_at=now
            )
            db.add(contact)
            db.flush()
            db.add(Address(contact_id=contact.id, channel=channel, value=value, value_hash=channel, sender="s"))
            db.add(Trait(contact_id=contact.id, kind=TraitKind.NUMBER, value_hash="h"))
            ids.append(contact.id)
    with database.begin() as db:
        assert alike.find(db) == 1
    return ids[0], ids[1]


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path)


@pytest.fixture
async def officer(app: FastAPI, pair: tuple[int, int]) -> Browser:
    return await Browser(app).sign_in(Role.PROTECTION)


def people(database: Database) -> list[int]:
    with database.read() as db:
        return list(db.scalars(select(Contact.id).order_by(Contact.id)))


@pytest.mark.parametrize("stays", [0, 1])
async def test_two_become_one_with_both_addresses_and_it_is_written_down(
    officer: Browser, database: Database, pair: tuple[int, int], stays: int
) -> None:
    home = await officer.open("/")
    assert "1 may be one person" in home.text
    page = await officer.open("/members/alike")
    assert "the same phone number" in page.text
    assert "50123456" not in page.text
    page = await officer.submit(page, "/alike", stays=pair[stays], sure="yes", do="merge")
    assert "They are one member now" in page.text
    assert "Nobody waits for a decision" in page.text
    assert people(database) == [pair[stays]]
    with database.read() as db:
        assert set(db.scalars(select(Address.contact_id))) == {pair[stays]}
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "contact.merged")).one()
    assert (entry.subject_id, entry.detail) == (str(pair[stays]), {"merged": pair[1 - stays]})
    assert entry.actor.isdecimal()
    assert "may be one person" not in (await officer.open("/")).text


async def test_two_people_are_never_suggested_again(
    officer: Browser, database: Database, pair: tuple[int, int]
) -> None:
    page = await officer.submit(await officer.open("/members/alike"), "/alike", do="apart")
    assert "They stay two" in page.text
    assert "Nobody waits for a decision" in page.text
    with database.begin() as db:
        assert alike.find(db) == 0
        row = db.scalars(select(Likeness)).one()
    assert row.apart_at == clock.now()
    assert people(database) == list(pair)


async def test_without_the_tick_or_with_ids_of_others_nothing_is_merged(
    officer: Browser, database: Database, pair: tuple[int, int]
) -> None:
    page = await officer.open("/members/alike")
    with database.begin() as db:
        stranger = Contact(channel="telegram", state=State.MEMBER, created_at=clock.now())
        db.add(stranger)
        db.flush()
        third = stranger.id
    wrong: list[tuple[int, dict[str, object]]] = [
        (409, {}),
        (409, {"sure": "yes", "stays": third}),
        (409, {"sure": "yes", "other": third}),
        (409, {"sure": "yes", "other": pair[0]}),
        (409, {"sure": "yes", "one": 999}),
        (404, {"sure": "yes", "one": "x"}),
        (404, {"sure": "yes", "do": "else"}),
    ]
    for status, fields in wrong:
        refused = await officer.submit(page, "/alike", **({"do": "merge"} | fields))
        assert refused.status == status, fields
    assert people(database) == [*pair, third]


async def test_of_two_decisions_the_second_is_refused(
    officer: Browser, database: Database, pair: tuple[int, int]
) -> None:
    page = await officer.open("/members/alike")
    unsaid = await officer.submit(page, "/alike", sure="yes", do="merge")
    assert "Choose which of the two stays" in unsaid.text  # nobody is chosen beforehand: it cannot be undone
    await officer.submit(page, "/alike", do="apart")
    refused = await officer.submit(page, "/alike", sure="yes", do="merge")
    assert refused.status == 409
    assert "A colleague was faster" in refused.text
    assert people(database) == list(pair)


@pytest.mark.parametrize("state", [State.UNDERAGE, State.LEAVING])
async def test_nothing_is_moved_of_who_is_leaving_or_under_age(
    officer: Browser, database: Database, pair: tuple[int, int], state: State
) -> None:
    page = await officer.open("/members/alike")
    with database.begin() as db:
        db.get_one(Contact, pair[1]).state = state
    refused = await officer.submit(page, "/alike", stays=pair[0], sure="yes", do="merge")
    assert refused.status == 409
    assert f"Member {pair[1]} is under age, leaving or erased" in refused.text
    assert people(database) == list(pair)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.PROTECTION])
async def test_other_roles_neither_see_nor_decide(app: FastAPI, pair: tuple[int, int], role: Role) -> None:
    browser = await Browser(app).sign_in(role)
    assert (await browser.open("/members/alike")).status == 403
    assert "may be one person" not in (await browser.open("/")).text
    answer = await browser.client.post("/console/members/alike", data={"one": pair[0], "other": pair[1], "do": "apart"})
    assert answer.status_code == 403
