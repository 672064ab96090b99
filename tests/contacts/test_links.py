"""Join links: where members came from, with numbers that single nobody out."""

import pytest

from bot import clock
from bot.contacts import links
from bot.contacts.models import Contact, ImportBatch, LinkKind, State
from bot.db import Database
from bot.settings import Settings


def members(database: Database, **sources: int) -> None:
    with database.begin() as db:
        for source, people in sources.items():
            for _ in range(people):
                named = None if source == "none" else source.replace("_", "-")
                db.add(Contact(channel="telegram", state=State.MEMBER, source=named, created_at=clock.now()))


def test_members_are_counted_by_link_list_and_kind(database: Database) -> None:
    with database.begin() as db:
        links.create(db, "Embassy in Pretoria", LinkKind.EMBASSY, "Pretoria", "1")
        links.create(db, "Nobody saw it", LinkKind.POSTER, "leeds-1", "1")
        db.add(ImportBatch(source="list", recorded_by="1", created_at=clock.now()))
        db.add(Contact(channel="telegram", state=State.NEW, source="pretoria", created_at=clock.now()))
    members(database, PRETORIA=4, pretoria=3, m_abc=5, m_def=1, typed=7, list=6, none=9)
    assert shown(database, 5) == {"leeds-1": 0, "pretoria": 7, "members": 6, "unknown": 7, "direct": 9, "list": 6}


def shown(database: Database, least: int = 10) -> dict[str, int | None]:
    with database.begin() as db:
        return {row.link.code if row.link else row.name: row.people for row in links.origins(db, least)}


def test_no_small_number_is_shown_or_follows_from_the_total(database: Database) -> None:
    members(database, list=3, m_abc=14, none=30)
    assert shown(database) == {"unknown": None, "members": None, "direct": 30}


def test_figures_stand_until_enough_members_came_and_then_say_what_stood_before(database: Database) -> None:
    members(database, m_abc=14, none=30)
    before = shown(database)
    members(database, none=9)
    assert shown(database) == before
    members(database, m_abc=2, none=1)
    with database.begin() as db:
        found = {row.name: (row.people, row.earlier) for row in links.origins(db)}
    assert found == {"members": (None, 14), "unknown": (0, None), "direct": (None, 30)}


@pytest.mark.parametrize(
    ("label", "kind", "code"),
    [("", "poster", "abc"), ("x" * 121, "poster", "abc"), ("A", "member", "abc"), ("A", "poster", "m-abc"),
     ("A", "poster", "ab"), ("A", "poster", "à la mairie"), ("A", "poster", "x" * 41), ("A", "poster", "taken")],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_makes_no_link_is_refused(database: Database, label: str, kind: str, code: str) -> None:
    with database.begin() as db:
        links.create(db, "Taken", LinkKind.OTHER, "taken", "1")
        with pytest.raises(links.LinkError):
            links.create(db, label, LinkKind(kind), code, "1")


def test_addresses_are_those_of_the_accounts_that_are_named() -> None:
    given = {"twilio_account_sid": "AC", "twilio_auth_token": "t", "public_url": "https://x.org", "_env_file": None}
    both = Settings(telegram_username="@our_bot", whatsapp_from="+26622000000", **given)  # type: ignore[arg-type]
    assert both.join_addresses("leeds-1") == {
        "telegram": "https://t.me/our_bot?start=leeds-1",
        "whatsapp": "https://wa.me/26622000000?text=START%20leeds-1",
    }
    by_service = Settings(whatsapp_messaging_service_sid="MG", **given)  # type: ignore[arg-type]
    assert by_service.join_addresses("leeds-1") == {}
