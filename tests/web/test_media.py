from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from bot import clock
from bot.web import media

SECRET, URL = b"s" * 32, "https://bot.example.org"


async def make(reference: str) -> bytes | None:
    return b"BEGIN" if reference == "made/calendar/1-2.ics" else None


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "poster été.png").write_bytes(b"\x89PNG")
    (tmp_path / "outreach.db").write_bytes(b"secret")
    app = Starlette(routes=media.routes(SECRET, folder, make))
    async with AsyncClient(transport=ASGITransport(app), base_url=URL, follow_redirects=True) as client:
        yield client


async def test_a_signed_address_gives_the_file_with_its_type_until_it_expires(client: AsyncClient, frozen) -> None:
    address = media.address(SECRET, URL, "poster été.png")
    answer = await client.get(address)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"\x89PNG", "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    clock.advance(media.LIFETIME + timedelta(seconds=1))
    assert (await client.get(address)).status_code == 404


@pytest.mark.parametrize(("old", "new"), [("poster", "pOster"), ("/media/1", "/media/2"), ("%20", "%21")])
async def test_an_address_that_was_changed_gives_nothing(client: AsyncClient, frozen, old: str, new: str) -> None:
    address = media.address(SECRET, URL, "poster été.png")
    assert old in address
    assert (await client.get(address.replace(old, new, 1))).status_code == 404


async def test_a_file_that_lies_nowhere_is_made_when_it_is_fetched(client: AsyncClient, frozen) -> None:
    answer = await client.get(media.address(SECRET, URL, "made/calendar/1-2.ics"))
    assert (answer.status_code, answer.content) == (200, b"BEGIN")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert (await client.get(media.address(SECRET, URL, "made/calendar/1-3.ics"))).status_code == 404


async def test_another_key_gives_nothing(client: AsyncClient) -> None:
    assert (await client.get(media.address(b"other", URL, "poster été.png"))).status_code == 404


async def test_no_signature_leads_out_of_the_folder(client: AsyncClient) -> None:
    for reference in ("../outreach.db", "/etc/passwd", "a/../../outreach.db", "missing.png"):
        assert (await client.get(media.address(SECRET, URL, reference))).status_code == 404
