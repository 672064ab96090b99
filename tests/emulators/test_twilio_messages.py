"""The real twilio client sends through the emulated Messaging API."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot import clock
from bot.emulators.faults import Fault, Kind
from bot.emulators.limits import Limits
from bot.emulators.server import Addresses
from bot.emulators.whatsapp_phone import WhatsAppPhone
from bot.emulators.world import World

NUMBER = "+26650000001"


@pytest.fixture
async def phone(world: World) -> WhatsAppPhone:
    """Return a phone that has just written, so that its window is open."""
    made = world.whatsapp_phone(NUMBER, name="Thabo")
    await made.send("hello")
    return made


@pytest.fixture
def sender(world: World) -> str:
    return world.accounts.whatsapp_from


async def create(twilio: Client, **parameters: object):
    """Create a message in a thread, so that the emulator in this loop can answer."""
    return await asyncio.to_thread(twilio.messages.create, **parameters)


async def refused(twilio: Client, **parameters: object) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as error:
        await create(twilio, **parameters)
    return error.value


def statuses(bodies: list[dict]) -> list[str]:
    return [body["MessageStatus"] for body in bodies]


async def test_a_message_reaches_the_phone_and_its_statuses_come_back_signed(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, hook
) -> None:
    callback = f"{hook.url}/status/77?x=1"
    made = await create(twilio, to=phone.address, from_=sender, body="Lumela", status_callback=callback)
    assert (made.status, made.direction, made.to, made.body) == ("queued", "outbound-api", phone.address, "Lumela")
    assert (await phone.next_message()).text == "Lumela"
    bodies = await hook.got(3)
    assert statuses(bodies) == ["sent", "delivered", "read"]
    assert {body["MessageSid"] for body in bodies} == {made.sid}
    validator = RequestValidator(world.accounts.twilio_token)
    for request, body in zip(hook.requests, bodies, strict=True):
        assert validator.validate(callback, body, request.headers["X-Twilio-Signature"])
        assert not validator.validate(callback, body | {"ErrorCode": "1"}, request.headers["X-Twilio-Signature"])
    assert world.ledger.tags == {(phone.key, "77"): 1}
    fetched = await asyncio.to_thread(twilio.messages(made.sid).fetch)
    assert (fetched.status, fetched.error_code, fetched.date_sent.tzinfo) == ("read", None, UTC)


async def test_a_messaging_service_accepts_first_and_chooses_the_sender(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, hook
) -> None:
    phone.read_receipts = False
    service = world.accounts.messaging_service_sid
    made = await create(twilio, to=phone.address, messaging_service_sid=service, body="x", status_callback=hook.url)
    assert (made.status, made.messaging_service_sid) == ("accepted", service)
    bodies = await hook.got(3)
    assert statuses(bodies) == ["queued", "sent", "delivered"]
    assert {body["From"] for body in bodies} == {sender}


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated", "ignore:The 'auth' parameter is deprecated")
async def test_the_async_client_of_the_library_works_too(
    served: Addresses, phone: WhatsAppPhone, sender: str, world: World
) -> None:
    class Loopback(AsyncTwilioHttpClient):
        async def request(self, method, url, *args, **kwargs):
            url = url.replace("https://api.twilio.com", served.twilio_api_base)
            return await super().request(method, url, *args, **kwargs)

    async with Loopback() as http:
        client = Client(world.accounts.twilio_sid, world.accounts.twilio_token, http_client=http)
        made = await client.messages.create_async(to=phone.address, from_=sender, body="hi")
        assert (await client.messages(made.sid).fetch_async()).body == "hi"
    assert (await phone.next_message()).external_id == made.sid


async def test_after_24_hours_free_form_messages_fail_by_callback(
    twilio: Client, phone: WhatsAppPhone, sender: str, hook
) -> None:
    clock.advance(timedelta(hours=24))
    made = await create(twilio, to=phone.address, from_=sender, body="late", status_callback=hook.url)
    assert made.status == "queued"
    [body] = await hook.got(1)
    assert (body["MessageStatus"], body["ErrorCode"]) == ("failed", "63016")
    assert phone.received == []
    fetched = await asyncio.to_thread(twilio.messages(made.sid).fetch)
    assert (fetched.status, fetched.error_code) == ("failed", 63016)
    await phone.send("I am back")
    await create(twilio, to=phone.address, from_=sender, body="welcome")
    assert (await phone.next_message()).text == "welcome"


async def test_a_number_without_whatsapp_and_a_blocked_sender_fail_by_callback(
    twilio: Client, phone: WhatsAppPhone, sender: str, hook
) -> None:
    await create(twilio, to="whatsapp:+26650009999", from_=sender, body="x", status_callback=hook.url)
    await hook.got(1)
    await phone.block()
    await create(twilio, to=phone.address, from_=sender, body="x", status_callback=hook.url)
    unknown, blocked = await hook.got(2)
    assert (unknown["MessageStatus"], unknown["ErrorCode"]) == ("undelivered", "63024")
    assert (blocked["MessageStatus"], blocked["ErrorCode"]) == ("undelivered", "63014")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"to": ""}, 21604),
        ({"to": "+26650000001"}, 21211),
        ({"from_": ""}, 21603),
        ({"from_": "whatsapp:+1999"}, 63007),
        ({"from_": "", "messaging_service_sid": "MGunknown"}, 21705),
        ({"body": ""}, 21619),
        ({"body": "x" * 1601}, 21617),
        ({"media_url": ["https://a.org/1.png", "https://a.org/2.png"]}, 21623),
        ({"media_url": ["file:///etc/passwd"]}, 21620),
        ({"content_sid": "HXunknown"}, 21655),
        ({"status_callback": "nowhere"}, 21609),
        ({"validity_period": 40000}, 20001),
    ],
)
async def test_calls_that_twilio_refuses(
    twilio: Client, phone: WhatsAppPhone, sender: str, parameters: dict, code: int
) -> None:
    error = await refused(twilio, **({"to": phone.address, "from_": sender, "body": "x"} | parameters))
    assert (error.status, error.code) == (400, code)
    assert phone.received == []


async def test_a_wrong_token_is_refused(http: httpx.AsyncClient, world: World) -> None:
    url = f"/twilio/2010-04-01/Accounts/{world.accounts.twilio_sid}/Messages.json"
    for auth in (None, (world.accounts.twilio_sid, "wrong")):
        answer = await http.get(url, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    answer = await http.get(url, headers={"Authorization": "Basic ä".encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize("limits", [Limits(sender_rate=10, sender_burst=2)])
async def test_a_sender_that_is_too_fast_is_refused(
    twilio: Client, phone: WhatsAppPhone, sender: str, frozen: datetime
) -> None:
    await phone.send("hello again, at the frozen hour")
    for _ in range(2):
        await create(twilio, to=phone.address, from_=sender, body="x")
    error = await refused(twilio, to=phone.address, from_=sender, body="x")
    assert (error.status, error.code) == (429, 20429)
    clock.advance(timedelta(seconds=0.1))
    await create(twilio, to=phone.address, from_=sender, body="x")


async def test_messages_are_listed_by_person_and_date_over_pages(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World
) -> None:
    for number in range(5):
        await create(twilio, to=phone.address, from_=sender, body=str(number))
    for _ in range(5):
        await phone.next_message()

    def listed(**filters: object) -> list[str]:
        return [message.body for message in twilio.messages.list(page_size=2, **filters)]

    now = clock.now()
    assert await asyncio.to_thread(listed, to=phone.address) == ["4", "3", "2", "1", "0"]
    assert await asyncio.to_thread(listed, from_=phone.address) == ["hello"]
    assert len(await asyncio.to_thread(listed, date_sent_after=now - timedelta(hours=1))) == 6
    assert await asyncio.to_thread(listed, date_sent_before=now - timedelta(hours=1)) == []
    assert await asyncio.to_thread(listed, to=phone.address, date_sent=now + timedelta(days=2)) == []
    pages = await asyncio.to_thread(lambda: twilio.messages.page(page_size=4).next_page())
    assert len(list(pages)) == 2


async def test_a_message_that_waits_can_be_cancelled_and_a_sent_one_not(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, hook
) -> None:
    world.twilio.pace_seconds = 0.3
    made = await create(twilio, to=phone.address, from_=sender, body="x", status_callback=hook.url)
    cancelled = await asyncio.to_thread(twilio.messages(made.sid).update, status="canceled")
    assert cancelled.status == "canceled"
    world.twilio.pace_seconds = 0
    sent = await create(twilio, to=phone.address, from_=sender, body="y")
    assert (await phone.next_message()).text == "y"
    with pytest.raises(TwilioRestException, match="cannot be canceled"):
        await asyncio.to_thread(twilio.messages(sent.sid).update, status="canceled")
    blanked = await asyncio.to_thread(twilio.messages(sent.sid).update, body="")
    assert blanked.body == ""
    assert await asyncio.to_thread(twilio.messages(sent.sid).delete)
    with pytest.raises(TwilioRestException, match="not found"):
        await asyncio.to_thread(twilio.messages(sent.sid).fetch)
    assert hook.bodies == []


async def test_a_picture_is_shown_by_its_address(twilio: Client, phone: WhatsAppPhone, sender: str) -> None:
    url = "https://example.org/flyer.png"
    made = await create(twilio, to=phone.address, from_=sender, body="Look", media_url=[url])
    assert (made.num_media, made.sid[:2]) == ("1", "MM")
    assert (await phone.next_message()).media.url == url


async def test_inbound_pictures_are_downloaded_with_the_accounts_password_and_then_deleted(
    twilio: Client, phone: WhatsAppPhone, world: World, hook
) -> None:
    world.twilio.inbound_url = hook.url
    await phone.send_photo(b"png", caption="my shop")
    [body] = await hook.got(1)
    assert (body["NumMedia"], body["MediaContentType0"], body["Body"]) == ("1", "image/png", "my shop")
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(body["MediaUrl0"])).status_code == 401
        auth = (world.accounts.twilio_sid, world.accounts.twilio_token)
        place = (await http.get(body["MediaUrl0"], auth=auth)).headers["location"]
        assert (await http.get(place)).content == b"png"
    media_sid = urlsplit(body["MediaUrl0"]).path.rpartition("/")[2]
    media = twilio.messages(body["MessageSid"]).media
    assert [item.sid for item in await asyncio.to_thread(media.list)] == [media_sid]
    assert (await asyncio.to_thread(media(media_sid).fetch)).content_type == "image/png"
    assert await asyncio.to_thread(media(media_sid).delete)
    assert await asyncio.to_thread(media.list) == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(Kind.TOO_MANY_REQUESTS), 429, 20429),
        (Fault(Kind.BAD_REQUEST, code=21610), 400, 21610),
        (Fault(Kind.SERVER_ERROR, code=503), 503, None),
    ],
)
async def test_a_refusing_fault_delivers_nothing(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, fault: Fault, status: int, code: int | None
) -> None:
    world.faults.add(fault)
    error = await refused(twilio, to=phone.address, from_=sender, body="x")
    assert error.status == status
    assert code in (None, error.code)
    assert len(world.twilio.account.messages) == 1


@pytest.mark.parametrize("kind", [Kind.HANG_THEN_DELIVER, Kind.DROP_ANSWER])
async def test_a_message_can_arrive_although_its_answer_is_lost(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, kind: Kind
) -> None:
    world.faults.add(Fault(kind))
    twilio.http_client.timeout = 0.2
    with pytest.raises(Exception, match=r"timed out|IncompleteRead|Connection broken"):
        await create(twilio, to=phone.address, from_=sender, body="x")
    assert (await phone.next_message()).text == "x"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(Kind.DUPLICATE_STATUSES), ["sent", "sent", "delivered", "delivered", "read", "read"]),
        (Fault(Kind.REORDER_STATUSES), ["read", "delivered", "sent"]),
        (Fault(Kind.LATE_DELIVERED, seconds=0.1), ["sent", "delivered", "read"]),
        (Fault(Kind.FAIL, code=63049), ["failed"]),
    ],
)
async def test_callbacks_can_be_doubled_reordered_late_or_bad_news(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, hook, fault: Fault, expected: list[str]
) -> None:
    world.faults.add(fault)
    made = await create(twilio, to=phone.address, from_=sender, body="x", status_callback=hook.url)
    bodies = await hook.got(len(expected))
    assert statuses(bodies) == expected
    assert bodies[0].get("ErrorCode") == (str(fault.code) if fault.code else None)
    assert world.twilio.account.messages[made.sid].status in ("read", "failed")


async def test_callbacks_can_be_lost(twilio: Client, phone: WhatsAppPhone, sender: str, world: World, hook) -> None:
    world.faults.add(Fault(Kind.LOSE_STATUSES))
    await create(twilio, to=phone.address, from_=sender, body="x", status_callback=hook.url)
    await phone.next_message()
    await create(twilio, to=phone.address, from_=sender, body="y", status_callback=f"{hook.url}/2")
    await hook.got(3)
    assert {request.path for request in hook.requests} == {"/hook/2"}


async def test_callbacks_can_come_before_the_answer(
    twilio: Client, phone: WhatsAppPhone, sender: str, world: World, hook
) -> None:
    world.faults.add(Fault(Kind.EARLY_STATUSES))
    await create(twilio, to=phone.address, from_=sender, body="x", status_callback=hook.url)
    assert statuses(hook.bodies) == ["sent", "delivered", "read"]
