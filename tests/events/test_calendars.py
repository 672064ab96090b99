"""Calendar files, read by a parser that had no part in writing them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import vobject
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from bot import clock
from bot.contacts.models import State
from bot.content import Content
from bot.conversations import rights
from bot.db import Database
from bot.events import calendars, feeds, replies, service
from bot.events.models import Answer
from bot.events.wording import Reader
from bot.web import calendars as pages

from .conftest import deliver, member, session, wall

LINK = "https://meet.example/abc"
SECRET = b"s" * 32


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Stop the clock at noon in Maseru on 4 March."""


def read(file: bytes) -> Any:
    """Return the calendar after the parser's own check of it, which raises for what RFC 5545 does not allow."""
    text = file.decode()
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    calendar = vobject.readOne(text)
    calendar.validate(raiseException=True)
    return calendar


def entries(file: bytes) -> Iterator[Any]:
    return iter(read(file).contents.get("vevent", []))


def imported(kept: dict[str, tuple[int, str, datetime]], file: bytes) -> None:
    """Take a file in as a calendar app does: by UID, only what is newer, CANCEL takes out."""
    calendar = read(file)
    for entry in calendar.contents.get("vevent", []):
        known = kept.get(entry.uid.value)
        sequence = int(entry.sequence.value)
        if known is None or sequence >= known[0]:
            kept[entry.uid.value] = (sequence, entry.status.value, entry.dtstart.value.astimezone(UTC))


@pytest.mark.parametrize("zone", ["Africa/Maseru", "Europe/London", "America/Toronto", "Australia/Sydney"])
@pytest.mark.parametrize("day", ["2026-03-07 18:00", "2026-03-28 20:00", "2026-04-05 20:00", "2026-10-24 11:00"])
def test_the_instant_is_right_in_every_zone_and_season(
    database: Database, content: Content, zone: str, day: str
) -> None:
    with database.begin() as db:
        event = session(db, wall(day), zone, place="Library; upstairs, left")
        file = calendars.one(content, event, Reader.of(member(db)))
        assert f"DTSTART;TZID={zone}:".encode() in file
        [entry] = entries(file)
        assert entry.dtstart.value.astimezone(UTC) == event.starts_at
        assert entry.dtend.value.astimezone(UTC) == event.ends_at
        assert entry.location.value == "Library; upstairs, left"


def test_a_file_imports_identically_twice_follows_a_move_and_goes_when_cancelled(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        event = session(db, wall("2026-03-28 20:00"), "Europe/London", link=LINK)
        person = member(db)
        said = replies.rsvp(db, content, person, event.id, Answer.YES)
        assert said.media == calendars.file(event, person.id)
        assert said.text.endswith("Open this file to put the session in your calendar.")
        reader = Reader.of(person)

        kept: dict[str, tuple[int, str, datetime]] = {}
        first = calendars.one(content, event, reader)
        imported(kept, first)
        before = dict(kept)
        clock.advance(timedelta(hours=5))
        assert calendars.one(content, event, reader) == first
        imported(kept, first)
        assert kept == before
        assert len(kept) == 1

        service.move(db, content, event, wall("2026-04-05 20:00"))
        [(_, _, news)] = deliver(db, "notice")
        assert news.media == calendars.file(event, person.id)
        second = calendars.one(content, event, reader)
        imported(kept, second)
        assert kept == {event.uid: (1, "TENTATIVE", datetime(2026, 4, 5, 19, 0, tzinfo=UTC))}
        imported(kept, first)  # an old file, opened again, changes nothing
        assert kept[event.uid][0] == 1

        service.cancel(db, content, event)
        [(_, _, news)] = deliver(db, "notice")
        assert news.media
        assert news.media.filename == "session-cancelled.ics"
        third = calendars.one(content, event, reader)
        assert read(third).method.value == "CANCEL"
        imported(kept, third)
        assert kept[event.uid][:2] == (2, "CANCELLED")


def test_the_link_is_in_the_file_of_who_has_a_place_only(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, wall("2026-03-28 11:00"), capacity=1, link=LINK)
        first, second = member(db), member(db, language="fr")
        for person in (first, second):
            replies.rsvp(db, content, person, event.id, Answer.YES)
        [mine] = entries(calendars.make(db, content, f"{event.id}-{first.id}.ics") or b"")
        [theirs] = entries(calendars.make(db, content, f"{event.id}-{second.id}.ics") or b"")
        assert (mine.status.value, mine.url.value) == ("CONFIRMED", LINK)
        assert (theirs.status.value, theirs.summary.value) == ("TENTATIVE", "Bien épargner")
        assert LINK not in theirs.serialize()
        replies.rsvp(db, content, first, event.id, Answer.NO)
        assert LINK.encode() not in (calendars.make(db, content, f"{event.id}-{first.id}.ics") or b"")
        assert calendars.make(db, content, f"{event.id}-999.ics") is None


async def test_feeds_are_for_who_knows_the_address_and_close_when_revoked_or_erased(
    database: Database, content: Content
) -> None:
    app = Starlette(routes=pages.routes(database, content, SECRET))
    async with AsyncClient(transport=ASGITransport(app), base_url="https://bot.example.org") as client:
        with database.begin() as db:
            event = session(db, wall("2026-03-28 11:00"), link=LINK)
            session(db, wall("2026-03-29 11:00"), by_invitation=True, title={"en": "For the ministry"})
            person = member(db)
            replies.rsvp(db, content, person, event.id, Answer.YES)
            path = feeds.path(db, person)
            assert feeds.path(db, person) == path
            address = pages.address(SECRET, "", calendars.file(event, person.id).reference)

        answer = await client.get(path)
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        assert [entry.uid.value for entry in entries(answer.content)] == [event.uid]
        assert LINK in answer.text
        public = await client.get("/calendar/open.ics?language=fr")
        assert [entry.summary.value for entry in entries(public.content)] == ["Bien épargner"]
        assert LINK not in public.text
        assert LINK in (await client.get(address)).text
        forged = address.replace(f"/{event.id}-", f"/{event.id + 1}-")
        for wrong in (forged, path.replace(path[10], "x" if path[10] != "x" else "y"), "/calendar/é.ics"):
            assert (await client.get(wrong)).status_code == 404

        with database.begin() as db:
            person = db.merge(person)
            assert feeds.revoke(db, person)
            renewed = feeds.path(db, person)
        assert (await client.get(path)).status_code == 404
        assert (await client.get(renewed)).status_code == 200

        with database.begin() as db:
            person = db.merge(person)
            person.state = State.LEAVING
            rights.erase_leaving(db)
        assert [(await client.get(gone)).status_code for gone in (renewed, address)] == [404, 404]
