"""What comes in: updates and webhooks as plain values; forged and foreign ones as none."""

import json
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from bot.channels.base import BadSignature, Hook, Inbound

from .conftest import ACCOUNT, NUMBER, PUBLIC_URL, telegram, whatsapp

CHAT = {"id": 1001, "type": "private", "first_name": "Thabo"}


def update(**part: object) -> Inbound | None:
    found = telegram("http://127.0.0.1:9").parse_update({"update_id": 5, **part})
    return found[0] if found else None


def message(**fields: object) -> Inbound | None:
    return update(message={"message_id": 3, "date": 1, "chat": CHAT, "from": {"id": 1001}, **fields})


def test_a_text_is_a_text() -> None:
    inbound = message(text="Lumela", reply_to_message={"message_id": 2})
    assert inbound is not None
    assert (inbound.kind, inbound.text, inbound.address, inbound.external_id) == ("text", "Lumela", "1001", "5")
    assert (inbound.sender, inbound.replies_to, inbound.name) == ("700", "2", "Thabo")


@pytest.mark.parametrize(
    ("fields", "kind", "reference"),
    [
        ({"photo": [{"file_id": "small"}, {"file_id": "large"}], "caption": "Me"}, "image", "large"),
        ({"document": {"file_id": "D", "file_name": "cv.pdf", "mime_type": "application/pdf"}}, "document", "D"),
        ({"voice": {"file_id": "V", "mime_type": "audio/ogg"}}, "audio", "V"),
        ({"video": {"file_id": "W"}}, "video", "W"),
    ],
)
def test_a_file_is_kept_by_its_reference(fields: dict[str, object], kind: str, reference: str) -> None:
    inbound = message(**fields)
    assert inbound is not None
    assert inbound.kind == "media"
    assert [(item.kind, item.reference) for item in inbound.media] == [(kind, reference)]


def test_places_contacts_edits_and_the_rest_have_their_kinds() -> None:
    place = message(location={"latitude": -29.3, "longitude": 27.5})
    contact = message(contact={"phone_number": "+26650000001", "user_id": 1001})
    edited = update(edited_message={"chat": CHAT, "text": "I meant 4"})
    sticker = message(sticker={"file_id": "S"})
    assert place is not None
    assert place.location == (-29.3, 27.5)
    assert [one and one.kind for one in (place, contact, edited, sticker)] == [
        "location", "contact", "edited", "unsupported",
    ]  # fmt: skip


def test_a_tap_carries_the_buttons_id_and_the_message_it_stood_under() -> None:
    inbound = update(callback_query={"id": "9", "data": "rsvp:1:yes", "message": {"message_id": 8, "chat": CHAT}})
    assert inbound is not None
    assert (inbound.kind, inbound.button, inbound.replies_to) == ("button", "rsvp:1:yes", "8")


@pytest.mark.parametrize(("status", "kind"), [("kicked", "blocked"), ("member", "unblocked")])
def test_blocking_is_heard_of(status: str, kind: str) -> None:
    inbound = update(my_chat_member={"chat": CHAT, "new_chat_member": {"status": status}})
    assert inbound is not None
    assert inbound.kind == kind


def test_groups_and_unreadable_updates_are_dropped_not_raised() -> None:
    assert message(location={"latitude": "north"}) is None
    assert update(poll={}) is None


def telegram_hook(secret: str | None, body: bytes) -> Hook:
    headers = {} if secret is None else {"x-telegram-bot-api-secret-token": secret}
    return Hook("/hooks/telegram", "", headers, body)


@pytest.mark.parametrize("secret", [None, "", "hooK", "hook "])
def test_without_the_secret_nothing_of_telegram_gets_in(secret: str | None) -> None:
    with pytest.raises(BadSignature):
        telegram("http://127.0.0.1:9").parse_inbound(telegram_hook(secret, b"{}"))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b'{"update_id": 1, "message": 7}'])
def test_odd_bodies_with_the_secret_give_nothing(body: bytes) -> None:
    assert telegram("http://127.0.0.1:9").parse_inbound(telegram_hook("hook", body)) == []


def test_a_genuine_update_gets_in() -> None:
    body = json.dumps({"update_id": 5, "message": {"message_id": 1, "chat": CHAT, "text": "Hi"}}).encode()
    assert [one.text for one in telegram("http://127.0.0.1:9").parse_inbound(telegram_hook("hook", body))] == ["Hi"]


def twilio_hook(form: dict[str, str], path: str = "/hooks/whatsapp", token: str = "secret-token") -> Hook:
    signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, form)
    return Hook(path, "", {"x-twilio-signature": signature}, urlencode(form).encode())


FORM = {
    "AccountSid": ACCOUNT, "MessageSid": "SM1", "From": "whatsapp:+26650000001", "To": f"whatsapp:{NUMBER}",
    "Body": "", "NumMedia": "0", "ProfileName": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"Body": "Lumela"}, "text"),
        ({"ButtonPayload": "rsvp:1:yes", "ButtonText": "Yes"}, "button"),
        ({"ListId": "sv:1:a:b", "ListTitle": "B"}, "button"),
        ({"Latitude": "-29.3", "Longitude": "27.5"}, "location"),
        ({"NumMedia": "1", "MediaUrl0": "https://x.example/M", "MediaContentType0": "image/jpeg"}, "media"),
        ({}, "unsupported"),
    ],
)
def test_whatsapp_messages_have_their_kinds(fields: dict[str, str], kind: str) -> None:
    (inbound,) = whatsapp("http://127.0.0.1:9").parse_inbound(twilio_hook(FORM | fields))
    assert (inbound.kind, inbound.sender, inbound.address) == (kind, NUMBER, "whatsapp:+26650000001")
    assert inbound.raw["MessageSid"] == "SM1"


def test_a_wrong_a_missing_and_an_altered_signature_are_refused() -> None:
    channel = whatsapp("http://127.0.0.1:9")
    genuine = twilio_hook(FORM)
    for hook in (
        twilio_hook(FORM, token="another"),
        Hook(genuine.path, "", {}, genuine.body),
        Hook(genuine.path, "", genuine.headers, genuine.body.replace(b"SM1", b"SM2")),
        Hook(genuine.path, "x=1", genuine.headers, genuine.body),
        Hook("/hooks/whatsapp/", "", genuine.headers, genuine.body),
    ):
        with pytest.raises(BadSignature):
            channel.parse_inbound(hook)


def test_while_tokens_change_both_sign_for_twilio() -> None:
    channel = whatsapp("http://127.0.0.1:9", secondary_token="the-next")
    for token in ("secret-token", "the-next"):
        assert [one.external_id for one in channel.parse_inbound(twilio_hook(FORM, token=token))] == ["SM1"]
    with pytest.raises(BadSignature):
        channel.parse_inbound(twilio_hook(FORM, token=""))


def test_a_word_that_twilio_knows_for_stop_is_one() -> None:
    hook = twilio_hook(FORM | {"Body": "arret", "OptOutType": "STOP"})
    assert [one.text for one in whatsapp("http://127.0.0.1:9").parse_inbound(hook)] == ["STOP"]


def test_another_accounts_calls_are_not_ours_however_well_signed() -> None:
    channel = whatsapp("http://127.0.0.1:9")
    foreign = FORM | {"AccountSid": "AC" + "9" * 32, "Body": "x"}
    assert channel.parse_inbound(twilio_hook(foreign)) == []
    path = "/hooks/whatsapp/status/7"
    assert channel.parse_receipts(twilio_hook(foreign | {"MessageStatus": "read"}, path)) == []


@pytest.mark.parametrize(
    ("status", "ours"),
    [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("undelivered", "failed"), ("canceled", "failed")],
)
def test_a_status_callback_is_a_receipt_of_the_outbox_id_in_its_address(status: str, ours: str) -> None:
    hook = twilio_hook(FORM | {"MessageStatus": status, "ErrorCode": "63024"}, "/hooks/whatsapp/status/7")
    (receipt,) = whatsapp("http://127.0.0.1:9").parse_receipts(hook)
    assert (receipt.status, receipt.outbox_id, receipt.external_id, receipt.sender) == (ours, 7, "SM1", NUMBER)
    assert (receipt.failure is not None) == (ours == "failed")


@pytest.mark.parametrize("status", ["queued", "accepted", "sending", "", "new word"])
def test_words_on_the_way_are_no_receipts(status: str) -> None:
    hook = twilio_hook(FORM | {"MessageStatus": status}, "/hooks/whatsapp/status/7")
    assert whatsapp("http://127.0.0.1:9").parse_receipts(hook) == []
