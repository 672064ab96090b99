"""Webhooks from outside: whatever is posted, nothing breaks, and nobody who did not write hears from us."""

import asyncio
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from bot.app import App
from bot.channels.base import Inbound
from bot.channels.telegram import TelegramChannel
from bot.contacts.models import Address
from bot.messaging.models import Handling, InboxMessage, OutboxMessage
from bot.settings import Settings

ACCOUNT, NUMBER, PUBLIC = "AC" + "0" * 32, "+15550100", "https://bot.example.org"
SECRET = "s" * 32
CHAT = {"id": 1001, "type": "private", "first_name": "Thabo", "username": "thabo"}
FROM = {"id": 1001, "is_bot": False, "first_name": "Thabo", "language_code": "en"}


def said(**parts: Any) -> dict[str, Any]:
    return {"message_id": 7, "from": FROM, "chat": CHAT, "date": 1772600000, **parts}


FILE = {"file_id": "BQAC", "file_unique_id": "u", "file_size": 1200, "mime_type": "application/pdf"}
PLACE = {"latitude": -29.31, "longitude": 27.48}
#: As Telegram posts them, each in its own field.
UPDATES: dict[str, dict[str, Any]] = {
    "text": {"message": said(text="Lumela", entities=[{"type": "bold", "offset": 0, "length": 6}])},
    "photo": {"message": said(photo=[FILE | {"width": 9, "height": 9}], caption="Me")},
    "document": {"message": said(document=FILE)},
    "voice": {"message": said(voice=FILE | {"duration": 3, "mime_type": "audio/ogg"})},
    "sticker": {"message": said(sticker=FILE | {"emoji": "👍", "type": "regular", "is_animated": False})},
    "place": {"message": said(location=PLACE)},
    "live place": {"message": said(location=PLACE | {"live_period": 900, "heading": 3})},
    "venue": {"message": said(location=PLACE, venue={"location": PLACE, "title": "Embassy", "address": "1 Rd"})},
    "card": {"message": said(contact={"phone_number": "+26650000001", "first_name": "P", "user_id": 9})},
    "poll": {"message": said(poll={"id": "1", "question": "?", "options": [], "type": "regular"})},
    "dice": {"message": said(dice={"emoji": "🎲", "value": 3})},
    "something new": {"message": said(hologram={"file_id": "x"})},
    "edited": {"edited_message": said(text="Dumela", edit_date=1772600001)},
    "tap": {"callback_query": {"id": "77", "from": FROM, "message": said(text="?"), "data": "menu:SURVEY"}},
}  # fmt: skip
SILENT: dict[str, dict[str, Any]] = {
    "live place moved": {"edited_message": said(location=PLACE, edit_date=1772600001)},
    "pinned": {"message": said(pinned_message=said(text="x"))},
    "blocked": {"my_chat_member": {"chat": CHAT, "from": FROM, "date": 1, "new_chat_member": {"status": "kicked"}}},
    "channel post": {"channel_post": {"message_id": 1, "chat": {"id": -100, "type": "channel"}, "text": "x"}},
    "poll answer": {"poll_answer": {"poll_id": "1", "user": FROM, "option_ids": [0]}},
}
FORM = {
    "AccountSid": ACCOUNT, "MessageSid": "SM1", "SmsSid": "SM1", "From": "whatsapp:+26650000001", "Body": "",
    "To": f"whatsapp:{NUMBER}", "NumMedia": "0", "ProfileName": "Palesa", "WaId": "26650000001",
    "ApiVersion": "2010-04-01", "NumSegments": "1", "SmsStatus": "received",
}  # fmt: skip
FORMS: dict[str, dict[str, str]] = {
    "text": {"Body": "Lumela", "MessageType": "text"},
    "button": {"MessageType": "button", "Body": "Yes", "ButtonText": "Yes", "ButtonPayload": "begin"},
    "button of old": {"MessageType": "button", "Body": "Yes", "ButtonText": "Yes"},
    "list": {"MessageType": "interactive", "ListId": "menu:SURVEY", "ListTitle": "Survey", "Body": "Survey"},
    "place": {"MessageType": "location", "Latitude": "-29.31", "Longitude": "27.48", "Address": "1 Rd"},
    "picture": {"MessageType": "image", "NumMedia": "1", "MediaUrl0": "https://x/M", "MediaContentType0": "image/png"},
    "card": {"MessageType": "contacts", "NumMedia": "1", "MediaUrl0": "https://x/M", "MediaContentType0": "text/vcard"},
    "advertisement": {"Body": "Hello", "ReferralBody": "Join", "ReferralSourceId": "12", "ReferralHeadline": "Home"},
    "something new": {"MessageType": "hologram"},
    "place beyond": {"MessageType": "location", "Latitude": "nan", "Longitude": "1e999"},
}  # fmt: skip
SILENT_FORMS: dict[str, dict[str, str]] = {
    "reaction": {"MessageType": "reaction", "Body": "👍", "OriginalRepliedMessageSid": "SM0"},
    "text message": {"From": "+26650000001", "To": NUMBER, "Body": "hello"},
    "another account": {"AccountSid": "AC" + "9" * 32, "Body": "hello"},
}


class Door:
    """The application's webhooks, as providers see them."""

    def __init__(self, app: App) -> None:
        self.app = app
        transport = httpx.ASGITransport(app.web())  # what breaks shows itself
        self.client = httpx.AsyncClient(transport=transport, base_url=PUBLIC)
        self.numbers = iter(range(1, 10**6))
        self.met: set[str] = set()  #: who may hear from us
        self.told: list[tuple[str, str, str]] = []  #: what Telegram was told at once

    async def telegram(self, body: bytes | dict[str, Any], secret: str = SECRET) -> int:
        if isinstance(body, dict):
            body = json.dumps({"update_id": next(self.numbers), **body}).encode()
        headers = {"x-telegram-bot-api-secret-token": secret, "content-type": "application/json"}
        return (await self.client.post("/hooks/telegram", content=body, headers=headers)).status_code

    async def whatsapp(self, form: dict[str, str], path: str = "/hooks/whatsapp", token: str = "token") -> int:
        signed = {"x-twilio-signature": RequestValidator(token).compute_signature(PUBLIC + path, form)}
        return (await self.client.post(path, content=urlencode(form).encode(), headers=signed)).status_code

    async def count(self, model: Any) -> int:
        return await self.app.database.query(lambda db: db.scalar(select(func.count()).select_from(model)) or 0)

    async def answers(self) -> int:
        return await self.count(OutboxMessage)

    async def addresses(self) -> set[str]:
        """Return whom we write to; nothing that came may have made handling raise."""
        parked = select(InboxMessage.error).where(InboxMessage.handling == Handling.PARKED)
        assert await self.app.database.query(lambda db: db.scalars(parked).all()) == []
        statement = select(Address.value).join(OutboxMessage, OutboxMessage.address_id == Address.id)
        return set(await self.app.database.query(lambda db: db.scalars(statement).all()))


@pytest.fixture
def door(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    chosen = Settings(
        _env_file=None, data_dir=tmp_path, database_url=database_url, log_level="ERROR",
        telegram_token="700:" + "A" * 35, telegram_mode="webhook", telegram_webhook_secret=SECRET, public_url=PUBLIC,
        twilio_account_sid=ACCOUNT, twilio_auth_token="token", whatsapp_from=NUMBER,
    )  # type: ignore[call-arg]  # fmt: skip
    app = App(chosen)
    opened = Door(app)

    async def tell(_channel: TelegramChannel, inbound: Inbound, text: str = "") -> None:
        opened.told.append((inbound.kind, inbound.address, text))

    for name in ("acknowledge", "decline"):  # there is no Telegram here
        monkeypatch.setattr(TelegramChannel, name, tell)
    yield opened
    app.close()


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_sqlite
async def test_everything_a_person_can_send_is_answered_and_nothing_else(door: Door) -> None:
    for name, update in UPDATES.items():
        before = await door.answers()
        assert await door.telegram(update) == 200
        assert await door.answers() > before or name == "edited", name  # whose earlier words are not known, or the same
    for name, form in FORMS.items():
        before = await door.answers()
        assert await door.whatsapp(FORM | {"MessageSid": f"SM{next(door.numbers)}"} | form) == 200
        assert await door.answers() > before or name in ("button of old",), name
    before = await door.answers()
    for update in SILENT.values():
        assert await door.telegram(update) == 200
    for form in SILENT_FORMS.values():
        assert await door.whatsapp(FORM | {"MessageSid": f"SM{next(door.numbers)}"} | form) == 200
    assert await door.answers() == before
    assert await door.addresses() == {"1001", "whatsapp:+26650000001"}


@only_sqlite
async def test_nothing_that_a_person_is_called_is_kept_before_they_agree(door: Door) -> None:
    await door.whatsapp(FORM | {"Body": "Hello", "ReferralBody": "Join"})
    await door.telegram(UPDATES["text"])
    kept = await door.app.database.query(lambda db: db.execute(select(InboxMessage.text, InboxMessage.payload)).all())
    assert set(map(tuple, kept)) == {(None, None)}


@only_sqlite
async def test_a_call_again_changes_nothing(door: Door) -> None:
    body = json.dumps({"update_id": 9, **UPDATES["text"]}).encode()
    form = FORM | {"Body": "Hello"}
    for _ in range(3):
        assert (await door.telegram(body), await door.whatsapp(form)) == (200, 200)
    assert (await door.count(InboxMessage), await door.answers()) == (2, 2)


@only_sqlite
async def test_a_forged_an_immense_and_a_garbled_call_do_nothing(door: Door) -> None:
    assert await door.telegram(UPDATES["text"], secret="wrong") == 403
    assert await door.whatsapp(FORM | {"Body": "x"}, token="wrong") == 403
    assert await door.whatsapp({f"f{number}": "x" for number in range(300)}) == 403
    assert await door.telegram(b" " * 10_000_000) == 413
    for body in (
        b"",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"1" * 5000,
        b"NaN",
        b"null",
    ):
        assert await door.telegram(body) == 200
    assert await door.count(InboxMessage) == 0


@only_sqlite
async def test_a_group_is_told_why_we_leave_and_left(door: Door) -> None:
    group = {"id": -1005, "type": "supergroup", "title": "Friends"}
    await door.telegram({"my_chat_member": {"chat": group, "from": FROM, "new_chat_member": {"status": "member"}}})
    await door.telegram({"message": said(text="hi all") | {"chat": group}})
    await door.telegram({"my_chat_member": {"chat": group, "from": FROM, "new_chat_member": {"status": "left"}}})
    await asyncio.sleep(0)
    assert [(kind, address) for kind, address, _ in door.told] == [("group", "-1005")] * 2
    assert "private chat" in door.told[0][2]
    assert "conversation privée" in door.told[0][2]
    assert (await door.count(InboxMessage), await door.answers()) == (0, 0)


@only_sqlite
async def test_a_press_is_acknowledged_at_once(door: Door) -> None:
    await door.telegram(UPDATES["tap"])
    await asyncio.sleep(0)
    assert door.told == [("button", "1001", "")]


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just({}), st.just([]),
    st.sampled_from(["\x00", "\ud83d", "\u202e", "x" * 5000, 10**30, -1, "9" * 400, [[[]]], {"id": None}, 32503680000]),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where something stands in a payload."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def damaged(draw: Callable[..., Any]) -> dict[str, Any]:
    """Return an update in which up to three things are not what they should be, or are missing."""
    update = copy.deepcopy(
        {"update_id": draw(st.integers(1, 10**9)), **draw(st.sampled_from([*UPDATES.values(), *SILENT.values()]))}
    )
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(sorted(places(update), key=str)))
        part = update
        for key in path:
            part = part[key]
        if draw(st.booleans()):
            part[last] = draw(ODD)
        elif isinstance(part, dict):
            del part[last]
        if not list(places(update)):
            break
    return update


TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["\x00", "x" * 5000, "9" * 5000, "nan", "-1", "SM\x00", "whatsapp:", "STOP"])
)
FORGED_FORMS = st.dictionaries(
    st.sampled_from(sorted({*FORM, *(name for form in FORMS.values() for name in form)})), TEXTS, max_size=4
)
SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@SLOW
@example(updates=[{"update_id": 5, "message": said(document=FILE | {"file_size": True})}], forms=[], status={})
@given(updates=st.lists(damaged(), max_size=6), forms=st.lists(FORGED_FORMS, max_size=4), status=FORGED_FORMS)
def test_nothing_that_can_be_posted_breaks_anything(
    door: Door, updates: list[dict[str, Any]], forms: list[dict[str, str]], status: dict[str, str]
) -> None:
    async def post() -> set[str]:
        for update in updates:
            assert await door.telegram(json.dumps(update).encode()) == 200
        for form in forms:
            assert await door.whatsapp(FORM | {"MessageSid": f"SM{next(door.numbers)}"} | form) in (200, 403)
        assert await door.whatsapp(FORM | {"MessageStatus": "failed"} | status, "/hooks/whatsapp/status/7") in (
            200,
            403,
        )
        return await door.addresses()

    door.met |= {str(chat["id"]) for update in updates for chat in _chats(update)}
    door.met |= {form.get("From", FORM["From"]) for form in forms}
    assert asyncio.run(post()) <= door.met


def _chats(value: Any) -> Iterator[dict[str, Any]]:
    for item in value.values() if isinstance(value, dict) else ():
        yield from _chats(item)
    chat = value.get("chat") if isinstance(value, dict) else None
    if isinstance(chat, dict) and chat.get("type") == "private" and "id" in chat:
        yield chat
