"""The page of phones: what it serves, what it refuses, and that people can read it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest
from telegram import Bot

from bot.emulators.phone import Button, PhoneMessage
from bot.emulators.phones import STATIC
from bot.emulators.world import World

CSS = (STATIC / "phones.css").read_text()


@pytest.fixture
async def page(http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{http.base_url}/phones", trust_env=False, timeout=5) as client:
        yield client


async def act(page: httpx.AsyncClient, key: str, action: str, **body: object) -> dict:
    answer = await page.post(f"/api/phones/{quote(key)}/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_page_and_its_files_come_with_a_strict_policy(page: httpx.AsyncClient) -> None:
    for path in ("/", "/static/phones.css", "/static/phones.js", "/static/bubbles.js", "/static/icon.svg"):
        answer = await page.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "Emulated phones" in (await page.get("/")).text


async def test_a_chat_can_be_held_from_the_page(page: httpx.AsyncClient, bot: Bot, world: World) -> None:
    added = await page.post("/api/phones", json={"channel": "telegram", "name": "Amina", "language_code": "fr"})
    key = added.json()["key"]
    assert (added.status_code, world.phones[key].language_code) == (201, "fr")
    await act(page, key, "start", payload="x")
    await act(page, key, "send", text="Bonjour")
    await act(page, key, "location", latitude=1.5, longitude=2)
    chat = await act(page, key, "edit", message="2", text="Bonsoir")
    assert [message["text"] for message in chat["messages"]] == ["/start x", "Bonsoir", ""]
    start, *_ = await bot.get_updates()
    await start.message.reply_photo(b"\x89PNG\r\n\x1a\n", caption="<script>alert(1)</script>")
    chat = (await page.get(f"/api/phones/{quote(key)}")).json()
    assert (chat["unread"], chat["messages"][-1]["text"]) == (1, "<script>alert(1)</script>")
    picture = await page.get(f"/{chat['messages'][-1]['media']['url']}")
    assert picture.content == b"\x89PNG\r\n\x1a\n"
    assert (await act(page, key, "read"))["messages"][-1]["id"] == chat["messages"][-1]["id"]
    assert world.phones[key].unread == 0


async def test_buttons_are_tapped_and_the_bot_is_blocked_from_the_page(
    page: httpx.AsyncClient, world: World, hook
) -> None:
    world.twilio.inbound_url = hook.url
    added = await page.post("/api/phones", json={"channel": "whatsapp", "name": "Thabo", "number": "+266 5000 0001"})
    key = added.json()["key"]
    assert key == "whatsapp:+26650000001"
    world.phones[key].show(PhoneMessage("SM1", "Ready?", buttons=(Button("y", "Ee"),)))
    await act(page, key, "tap", message="SM1", button="y")
    [body] = await hook.got(1)
    assert body["ButtonPayload"] == "y"
    assert (await act(page, key, "block"))["blocked"]
    refused = await page.post(f"/api/phones/{quote(key)}/send", json={"text": "hi"})
    assert refused.status_code == 409
    assert not (await act(page, key, "unblock"))["blocked"]


async def test_phones_are_found_by_name_or_number(page: httpx.AsyncClient, world: World) -> None:
    world.whatsapp_phone("+26650000001", name="Thabo")
    world.telegram_phone(name="Amina")
    for wanted, name in (("thab", "Thabo"), ("50000001", "Thabo"), ("AMI", "Amina")):
        answer = (await page.get("/api/phones", params={"q": wanted})).json()
        assert [phone["name"] for phone in answer["phones"]] == [name]
        assert (answer["found"], answer["all"]) == (1, 2)


async def test_a_long_list_is_cut_and_says_how_much_there_is(page: httpx.AsyncClient, world: World) -> None:
    for _ in range(250):
        world.telegram_phone()
    answer = (await page.get("/api/phones")).json()
    assert (len(answer["phones"]), answer["found"]) == (200, 250)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/phones", {"channel": "whatsapp", "number": "12"}, 422),
        ("/api/phones/telegram:1/send", {"text": "x"}, 404),
        ("/api/phones/telegram:5000000000/explode", {}, 404),
        ("/api/phones/telegram:5000000000/tap", {"message": "1", "button": "none"}, 409),
        ("/api/phones/telegram:5000000000/edit", {"message": "1", "text": "x"}, 409),
        ("/api/phones/telegram:5000000000/location", {"latitude": "north", "longitude": 1}, 409),
        ("/api/phones/telegram:5000000000/send", [], 400),
    ],
)
async def test_nonsense_is_refused(page: httpx.AsyncClient, world: World, path: str, body: object, status: int) -> None:
    world.telegram_phone()
    assert (await page.post(path, json=body)).status_code == status


async def test_a_foreign_page_cannot_act_with_a_form(page: httpx.AsyncClient, world: World) -> None:
    key = world.telegram_phone().key
    answer = await page.post(f"/api/phones/{key}/send", data={"text": "x"})
    assert answer.status_code == 415
    assert world.phones[key].history == []
    broken = await page.post(f"/api/phones/{key}/send", content="{", headers={"content-type": "application/json"})
    assert broken.status_code == 400


async def test_files_other_than_pictures_are_downloads(page: httpx.AsyncClient, world: World) -> None:
    phone = world.telegram_phone()
    message = await phone.send_document(b"<script>", "a.html", "text/html")
    url = f"/api/phones/{phone.key}/media/{message.external_id}"
    answer = await page.get(url)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert (await page.get(f"/api/phones/{phone.key}/media/99")).status_code == 404


async def test_changes_are_streamed_as_they_happen(page: httpx.AsyncClient, world: World) -> None:
    phone = world.telegram_phone(name="Amina")
    async with page.stream("GET", "/api/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert await anext(lines) == ": hello"
        await phone.send("Bonjour")
        data = await asyncio.wait_for(_next_data(lines), 2)
    assert (data[0]["name"], data[0]["last"]) == ("Amina", "Bonjour")
    await asyncio.sleep(0.1)
    assert world.watchers == set()  # a page that is closed costs nothing


async def _next_data(lines: AsyncIterator[str]) -> list[dict]:
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


async def test_the_ledger_can_be_read_over_http(http: httpx.AsyncClient, world: World) -> None:
    world.ledger.record("telegram:1", "hi")
    world.ledger.record("telegram:1", "hi", "77")
    answer = (await http.get("/emulators/ledger.json")).json()
    assert answer == {
        "deliveries": 2,
        "doubles": 1,
        "phones": {"telegram:1": {"texts": {"hi": 2}, "tags": {"77": 1}}},
    }


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_page_has_nothing_inline_and_loads_nothing_from_elsewhere() -> None:
    parser = _Inline()
    parser.feed((STATIC / "phones.html").read_text())
    assert parser.found == []
    assert all(address.startswith("static/") for address in parser.loads)
    for script in STATIC.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", script.read_text())


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


LIGHT, DARK = (_colours(part) for part in CSS.split("@media (prefers-color-scheme: dark)", 1))
PAIRS = [
    *[("ink", on) for on in ("panel", "hover", "page", "telegram-mine", "whatsapp-mine", "telegram-wall")],
    *[("muted", on) for on in ("panel", "hover", "page")],
    *[(accent, on) for accent in ("telegram", "whatsapp") for on in ("panel", "hover")],
    *[("telegram", "telegram-mine"), ("whatsapp", "whatsapp-mine")],
    *[("telegram-ink", "telegram"), ("whatsapp-ink", "whatsapp"), ("whatsapp-head-ink", "whatsapp-head")],
    *[("read", "telegram-mine"), ("read", "whatsapp-mine"), ("banner-ink", "banner"), ("error", "panel")],
]


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_the_contrast_people_need(scheme: dict[str, str], text: str, ground: str) -> None:
    assert _contrast(scheme[text], scheme[ground]) >= 4.5
