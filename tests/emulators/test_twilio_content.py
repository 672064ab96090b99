"""Content objects and templates through the real twilio client."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from bot import clock
from bot.emulators.whatsapp_phone import WhatsAppPhone
from bot.emulators.world import World

TEXT = {"twilio/text": {"body": "Hello {{1}}, the session on {{2}} begins soon."}}
LIST = {
    "twilio/list-picker": {
        "body": "Where do you live, {{1}}?",
        "button": "Choose",
        "items": [
            {"id": "za", "item": "South Africa", "description": "or Eswatini"},
            {"id": "uk", "item": "UK", "description": ""},
        ],
    }
}


def quick_reply(count: int) -> dict[str, Any]:
    actions = [{"type": "QUICK_REPLY", "title": f"Option {n}", "id": f"o{n}"} for n in range(count)]
    return {"twilio/quick-reply": {"body": "Choose, {{1}}", "actions": actions}}


@pytest.fixture
async def phone(world: World) -> WhatsAppPhone:
    made = world.whatsapp_phone("+26650000001")
    await made.send("hello")
    return made


class Contents:
    """The real client's Content API, called in threads because its async side cannot send JSON."""

    def __init__(self, twilio: Client, sender: str) -> None:
        self.twilio, self._sender = twilio, sender

    async def create(self, types: dict[str, Any], variables: dict[str, str] | None = None) -> str:
        request = ContentList.ContentCreateRequest(
            {"friendly_name": "test", "language": "en", "types": types, "variables": variables or {}}
        )
        made = await asyncio.to_thread(self.twilio.content.v1.contents.create, content_create_request=request)
        return made.sid

    async def submit(self, sid: str, name: str = "welcome", category: str = "UTILITY") -> Any:
        request = ApprovalCreateList.ContentApprovalRequest({"name": name, "category": category})
        approvals = self.twilio.content.v1.contents(sid).approval_create
        return await asyncio.to_thread(approvals.create, content_approval_request=request)

    async def status(self, sid: str) -> dict[str, Any]:
        fetched = await asyncio.to_thread(self.twilio.content.v1.contents(sid).approval_fetch().fetch)
        return fetched.whatsapp

    async def send(self, phone: WhatsAppPhone, sid: str, variables: str = "", callback: str = "") -> Any:
        return await asyncio.to_thread(
            self.twilio.messages.create,
            to=phone.address,
            from_=self._sender,
            content_sid=sid,
            content_variables=variables,
            status_callback=callback,
        )


@pytest.fixture
def contents(twilio: Client, world: World) -> Contents:
    return Contents(twilio, world.accounts.whatsapp_from)


async def test_an_approved_template_reaches_a_phone_outside_the_window(contents, phone, world) -> None:
    sid = await contents.create(TEXT, {"1": "friend", "2": "Monday"})
    asked = await contents.submit(sid)
    assert (asked.status, asked.name, asked.content_type) == ("received", "welcome", "twilio/text")
    assert (await contents.status(sid))["status"] == "approved"
    clock.advance(timedelta(days=3))
    sent = await contents.send(phone, sid, '{"1": "Thabo"}')
    message = await phone.next_message()
    assert message.text == sent.body == "Hello Thabo, the session on Monday begins soon."


@pytest.mark.parametrize(("decision", "code"), [(None, "63016"), ("reject", "63040"), ("pause", "63040")])
async def test_a_template_that_is_not_approved_fails_outside_the_window(
    contents, phone, world: World, hook, decision, code
) -> None:
    sid = await contents.create(TEXT, {"1": "friend", "2": "Monday"})
    if decision:
        world.twilio.account.auto_approve = False
        await contents.submit(sid)
        assert (await contents.status(sid))["status"] == "received"
        world.twilio.account.reject(sid, "TAG_CONTENT_MISMATCH")
        assert (await contents.status(sid))["rejection_reason"] == "TAG_CONTENT_MISMATCH"
    if decision == "pause":
        world.twilio.account.pause(sid)
    clock.advance(timedelta(days=3))
    await contents.send(phone, sid, callback=hook.url)
    [body] = await hook.got(1)
    assert body["ErrorCode"] == code
    await phone.send("hello again")
    await contents.send(phone, sid)
    assert (await phone.next_message()).text.startswith("Hello friend")


async def test_quick_replies_are_buttons_and_more_than_three_need_approval(contents, phone, hook) -> None:
    three, four = await contents.create(quick_reply(3)), await contents.create(quick_reply(4))
    await contents.send(phone, three, '{"1": "Thabo"}')
    message = await phone.next_message()
    assert (message.buttons[0].id, message.buttons[0].label) == ("o0", "Option 0")
    await contents.send(phone, four, '{"1": "Thabo"}', hook.url)
    [body] = await hook.got(1)
    assert body["ErrorCode"] == "63021"
    await contents.submit(four)
    await contents.send(phone, four, '{"1": "Thabo"}')
    assert len((await phone.next_message()).buttons) == 4


async def test_a_list_picker_opens_a_list_and_is_never_a_template(contents, phone, hook) -> None:
    sid = await contents.create(LIST)
    await contents.send(phone, sid, '{"1": "Thabo"}')
    message = await phone.next_message()
    assert (message.text, message.menu) == ("Where do you live, Thabo?", "Choose")
    assert [(button.kind, button.description) for button in message.buttons] == [("item", "or Eswatini"), ("item", "")]
    with pytest.raises(TwilioRestException) as refused:
        await contents.submit(sid)
    assert refused.value.status == 400
    clock.advance(timedelta(days=2))
    await contents.send(phone, sid, '{"1": "Thabo"}', hook.url)
    [body] = await hook.got(1)
    assert body["ErrorCode"] == "63016"


async def test_media_and_links_are_shown(contents, phone) -> None:
    media = await contents.create({"twilio/media": {"body": "Flyer", "media": ["https://example.org/{{1}}.png"]}})
    link = await contents.create(
        {
            "twilio/call-to-action": {
                "body": "Join us",
                "actions": [{"type": "URL", "title": "Open", "url": "https://example.org/{{1}}"}],
            }
        }
    )
    await contents.send(phone, media, '{"1": "may"}')
    assert (await phone.next_message()).media.url == "https://example.org/may.png"
    await contents.send(phone, link, '{"1": "may"}')
    assert (await phone.next_message()).buttons[0].id == "https://example.org/may"


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ("", 21656),
        ("not json", 21656),
        ('["a"]', 21656),
        ('{"1": ""}', 21656),
        ('{"1": null, "2": "x"}', 21656),
        ('{"1": "%s", "2": "x"}' % ("y" * 1601), 21658),
    ],
)
async def test_variables_that_twilio_refuses(contents, phone, variables: str, code: int) -> None:
    sid = await contents.create(TEXT)
    with pytest.raises(TwilioRestException) as refused:
        await contents.send(phone, sid, variables)
    assert (refused.value.status, refused.value.code) == (400, code)


def changed(types: dict[str, Any], **fields: Any) -> dict[str, Any]:
    [(kind, body)] = types.items()
    return {kind: body | fields}


def items(**fields: Any) -> list[dict[str, Any]]:
    return [{"id": "a", "item": "A", "description": ""} | fields]


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"twilio/unknown": {"body": "x"}},
        {"twilio/text": {"body": ""}},
        {"twilio/text": {"body": "x" * 1601}},
        {"twilio/media": {"body": "x", "media": []}},
        quick_reply(0),
        quick_reply(11),
        changed(quick_reply(1), body="x" * 1025),
        changed(quick_reply(1), actions=[{"type": "QUICK_REPLY", "title": "x" * 21, "id": "a"}]),
        changed(quick_reply(1), actions=[{"type": "QUICK_REPLY", "title": "x", "id": "a" * 201}]),
        changed(quick_reply(1), actions=[{"type": "QUICK_REPLY", "title": "x", "id": i} for i in "ab"]),
        changed(LIST, items=[]),
        changed(LIST, items=items() * 11),
        changed(LIST, button="x" * 21),
        changed(LIST, items=items(item="x" * 25)),
        changed(LIST, items=items(description="x" * 73)),
        changed(LIST, items=items(id="x" * 201)),
    ],
)
async def test_content_beyond_the_limits_is_refused(http: httpx.AsyncClient, world: World, types: Any) -> None:
    auth = (world.accounts.twilio_sid, world.accounts.twilio_token)
    answer = await http.post("/twilio/v1/Content", auth=auth, json={"language": "en", "types": types})
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert world.twilio.account.contents == {}


async def test_contents_are_fetched_listed_and_deleted(contents, twilio: Client) -> None:
    sids = [await contents.create(quick_reply(1)) for _ in range(3)]
    await contents.submit(sids[0])

    def listed() -> list[str]:
        return [content.sid for content in twilio.content.v1.contents.list(page_size=2)]

    assert await asyncio.to_thread(listed) == sids
    fetched = await asyncio.to_thread(twilio.content.v1.contents(sids[0]).fetch)
    assert fetched.types["twilio/quick-reply"]["actions"][0]["id"] == "o0"
    approvals = await asyncio.to_thread(twilio.content.v1.content_and_approvals.list)
    assert [approval.approval_requests["status"] for approval in approvals] == ["approved", *["unsubmitted"] * 2]
    assert await asyncio.to_thread(twilio.content.v1.contents(sids[0]).delete)
    with pytest.raises(TwilioRestException):
        await asyncio.to_thread(twilio.content.v1.contents(sids[0]).fetch)


async def test_a_template_needs_a_free_name_a_category_and_a_short_text(contents) -> None:
    sid, long = await contents.create(TEXT), await contents.create({"twilio/text": {"body": "x" * 1025}})
    for name, category in (("With Capitals", "UTILITY"), ("fine", "OTHER")):
        with pytest.raises(TwilioRestException):
            await contents.submit(sid, name, category)
    await contents.submit(sid, "fine")
    with pytest.raises(TwilioRestException):
        await contents.submit(long, "fine")
    await contents.submit(long, "too_long")
    assert (await contents.status(long))["status"] == "rejected"
