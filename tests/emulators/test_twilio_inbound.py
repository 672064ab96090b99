"""What a WhatsApp phone's owner does reaches the bot's webhook as Twilio sends it."""

import asyncio

import pytest
from twilio.request_validator import RequestValidator

from bot.emulators.faults import Fault, Kind
from bot.emulators.phone import Button, PhoneMessage
from bot.emulators.server import Addresses
from bot.emulators.whatsapp_phone import WhatsAppPhone
from bot.emulators.world import World


@pytest.fixture
async def phone(served: Addresses, world: World, hook) -> WhatsAppPhone:
    world.twilio.inbound_url = hook.url
    return world.whatsapp_phone("+26650000001", name="Thabo <b>")


async def test_a_text_comes_signed_with_all_its_fields(phone: WhatsAppPhone, world: World, hook) -> None:
    own = await phone.send("Lumela & <hello>")
    [body] = await hook.got(1)
    assert (body["Body"], body["From"], body["To"]) == ("Lumela & <hello>", phone.address, phone.sender)
    assert (body["ProfileName"], body["WaId"], body["NumMedia"]) == ("Thabo <b>", "26650000001", "0")
    assert body["MessageSid"] == body["SmsSid"] == own.external_id
    signature = hook.requests[0].headers["X-Twilio-Signature"]
    assert RequestValidator(world.accounts.twilio_token).validate(hook.url, body, signature)
    await asyncio.sleep(0.05)
    assert own.ticks == 2


async def test_a_quick_reply_and_a_list_item_carry_their_id_and_the_question_they_answer(
    phone: WhatsAppPhone, hook
) -> None:
    phone.show(PhoneMessage("SM1", "Ready?", buttons=(Button("yes", "Ee"),)))
    phone.show(PhoneMessage("SM2", "Which?", buttons=(Button("a", "First", "item", "the first"),), menu="Choose"))
    await phone.tap("Ee", phone.received[0])
    await phone.tap("a")
    quick, item = await hook.got(2)
    assert (quick["ButtonPayload"], quick["ButtonText"], quick["Body"]) == ("yes", "Ee", "Ee")
    assert (quick["OriginalRepliedMessageSid"], quick["OriginalRepliedMessageSender"]) == ("SM1", phone.sender)
    assert (item["ListId"], item["ListTitle"], item["OriginalRepliedMessageSid"]) == ("a", "First", "SM2")
    with pytest.raises(LookupError, match="First"):
        await phone.tap("Second")


async def test_a_tap_on_a_phone_without_buttons_says_so(phone: WhatsAppPhone) -> None:
    with pytest.raises(LookupError, match="no message has buttons"):
        await phone.tap("Yes")


async def test_a_link_sends_nothing(phone: WhatsAppPhone, world: World) -> None:
    phone.show(PhoneMessage("SM1", "See", buttons=(Button("https://example.org", "Open", "url"),)))
    assert await phone.tap("Open") == ""
    assert world.twilio.account.messages == {}


async def test_places_contacts_and_files_come_in_their_own_form(phone: WhatsAppPhone, hook) -> None:
    await phone.start("JOIN abc")
    await phone.send_location(-29.3, 27.5)
    await phone.send_contact("+26650000002")
    await phone.send_document(b"pdf", "plan.pdf")
    await phone.send_voice(b"ogg")
    start, place, contact, document, voice = await hook.got(5)
    assert start["Body"] == "JOIN abc"
    assert (place["Latitude"], place["Longitude"], place["Body"]) == ("-29.3", "27.5", "")
    assert contact["MediaContentType0"] == "text/vcard"
    assert (document["Body"], document["MediaContentType0"]) == ("plan.pdf", "application/pdf")
    assert (voice["MessageType"], voice["MediaContentType0"]) == ("audio", "audio/ogg")


async def test_an_error_of_the_bot_is_not_repeated_by_default(phone: WhatsAppPhone, hook) -> None:
    hook.answers = [500]
    lost = await phone.send("lost")
    await phone.send("next")
    bodies = await hook.got(2)
    assert [body["Body"] for body in bodies] == ["lost", "next"]
    assert lost.ticks == 1


async def test_an_error_is_repeated_when_the_address_asks_for_it(phone: WhatsAppPhone, world: World, hook) -> None:
    world.twilio.inbound_url = f"{hook.url}#rc=2&rp=5xx,ct"
    hook.answers = [500, 503]
    await phone.send("again")
    bodies = await hook.got(3)
    assert len({body["MessageSid"] for body in bodies}) == 1
    signature = hook.requests[0].headers["X-Twilio-Signature"]
    assert RequestValidator(world.accounts.twilio_token).validate(hook.url, bodies[0], signature)


async def test_the_phone_survives_a_webhook_that_is_not_there(phone: WhatsAppPhone, world: World) -> None:
    world.twilio.inbound_url = "http://127.0.0.1:9/nobody"
    own = await phone.send("hello")
    await asyncio.sleep(0.2)
    assert own.ticks == 1
    assert phone.history == [own]


async def test_an_inbound_message_can_come_twice(phone: WhatsAppPhone, world: World, hook) -> None:
    world.faults.add(Fault(Kind.DUPLICATE_INBOUND))
    await phone.send("twice")
    first, second = await hook.got(2)
    assert first["MessageSid"] == second["MessageSid"]


async def test_a_number_has_one_phone(phone: WhatsAppPhone, world: World) -> None:
    assert world.whatsapp_phone("+26650000001") is phone
