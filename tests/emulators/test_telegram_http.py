"""The Bot API on the wire: encodings and errors that python-telegram-bot does not produce."""

import json

import httpx
import pytest

from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.world import World

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}


class Api:
    """Calls methods of the emulated bot and returns (status, body)."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self._base = http, f"/telegram/bot{token}"

    async def __call__(self, method: str, **request: object) -> tuple[int, dict]:
        answer = await self.http.post(f"{self._base}/{method}", **request)
        return answer.status_code, answer.json()

    async def get(self, method: str, **params: object) -> dict:
        return (await self.http.get(f"{self._base}/{method}", params=params)).json()


@pytest.fixture
def api(http: httpx.AsyncClient, world: World) -> Api:
    return Api(http, world.accounts.telegram_token)


@pytest.fixture
async def phone(world: World) -> TelegramPhone:
    made = world.telegram_phone()
    await made.start()
    return made


async def test_json_forms_multipart_and_queries_are_all_understood(api: Api, phone: TelegramPhone) -> None:
    form = {"chat_id": str(phone.id), "text": "form", "reply_markup": json.dumps(KEYBOARD)}
    await api("sendMessage", json={"chat_id": phone.id, "text": "json", "reply_markup": KEYBOARD})
    await api("sendMessage", data=form)
    await api("sendDocument", data={"chat_id": str(phone.id)}, files={"document": ("a.txt", b"text", "text/plain")})
    await api.get("SENDMESSAGE", chat_id=phone.id, text="query")
    assert [message.text for message in phone.received] == ["json", "form", "", "query"]
    assert [len(message.buttons) for message in phone.received] == [1, 1, 0, 0]
    assert phone.received[2].media.content == b"text"


@pytest.mark.parametrize(
    ("method", "body", "status", "description"),
    [
        ("flyToTheMoon", {}, 404, "Not Found"),
        ("sendMessage", {"text": "x"}, 400, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": "@name", "text": "x"}, 400, "Bad Request: chat not found"),
        ("getUpdates", {"limit": "many"}, 400, "Bad Request: limit must be an integer"),
        ("getFile", {"file_id": "x"}, 400, "Bad Request: invalid file_id"),
        ("setMyDescription", {"description": "x" * 513}, 400, "Bad Request: description is too long"),
        (
            "setMyCommands",
            {"commands": [{"command": "a", "description": ""}]},
            400,
            "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            400,
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
        ),
    ],
)
async def test_errors_have_the_servers_words(api: Api, method: str, body: dict, status: int, description: str) -> None:
    expected = {"ok": False, "error_code": status, "description": description}
    assert await api(method, json=body) == (status, expected)


@pytest.mark.parametrize(
    ("method", "fields", "description"),
    [
        ("sendMessage", {"text": "<b>x</b>", "parse_mode": "HTML"}, "Bad Request: unsupported parse_mode"),
        ("sendPhoto", {"photo": "x", "caption": "x" * 1025}, "Bad Request: message caption is too long"),
        ("sendMessage", {"text": "x", "reply_markup": "{"}, "Bad Request: can't parse reply_markup JSON object"),
        (
            "sendMessage",
            {"text": "x", "reply_markup": json.dumps({"keyboard": [["x"] * 101]})},
            "Bad Request: reply markup is too long",
        ),
        ("deleteMessage", {"message_id": "99"}, "Bad Request: message to delete not found"),
    ],
)
async def test_messages_the_server_refuses(
    api: Api, phone: TelegramPhone, method: str, fields: dict, description: str
) -> None:
    status, body = await api(method, data={"chat_id": str(phone.id)} | fields)
    assert (status, body["description"]) == (400, description)
    assert phone.received == []


async def test_too_many_requests_say_how_long_to_wait(api: Api, phone: TelegramPhone, frozen: object) -> None:
    answers = [await api("sendMessage", json={"chat_id": phone.id, "text": "x"}) for _ in range(6)]
    assert answers[-1] == (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 1",
            "parameters": {"retry_after": 1},
        },
    )


async def test_files_need_the_token_and_a_known_id(api: Api, world: World) -> None:
    media = world.telegram.keep_file(b"x", "image/png", "")
    token = world.accounts.telegram_token
    assert (await api.http.get(f"/telegram/file/bot{token}/{media.id}")).content == b"x"
    for path in (f"{token}/other", f"1:wrong/{media.id}"):
        assert (await api.http.get(f"/telegram/file/bot{path}")).status_code == 404


async def test_an_empty_webhook_address_means_polling(api: Api) -> None:
    await api("setWebhook", json={"url": "http://127.0.0.1:9/"})
    await api("setWebhook", json={"url": ""})
    assert (await api.get("getUpdates"))["ok"]
