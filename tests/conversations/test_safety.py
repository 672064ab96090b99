"""Secrets are taken out; what only looks like one is left alone."""

import pytest

from bot.channels.base import Inbound
from bot.conversations import safety
from bot.conversations.safety import MARK

SECRETS = {
    "4111111111111111": "4111111111111111",
    "card 4111 1111 1111 1111 thanks": "4111 1111 1111 1111",
    "4111-1111-1111-1111": "4111-1111-1111-1111",
    "amex 3782 822463 10005": "3782 822463 10005",
    "ID 8001015009087": "8001015009087",
    "my pin is 1234": "1234",
    "PIN:1234": "1234",
    "The OTP is 123 456.": "123 456",
    "one-time code 99887766": "99887766",
    "cvv 123": "123",
    "code secret 4321": "4321",
    "password: hunter2": "hunter2",
    "My password is Thab0!": "Thab0!",
    "mot de passe = azerty": "azerty",
    "Mon mot de passe c’est Soleil7": "Soleil7",
    "le code confidentiel : 4321": "4321",
    "my verification code is 778 812": "778 812",
    "4821 is my PIN": "4821",
    "PIN ea ka ke 4821": "4821",
    "4821 ke PIN ea ka": "4821",
    "khoutu ea lekunutu ke 90 21": "90 21",
    "Phasewete ea ka ke Thaba1": "Thaba1",
    "PIN yanga ndi 5566": "5566",
    "nambala yachinsinsi ndi 771122": "771122",
    "mawu achinsinsi anga ndi Mulanje": "Mulanje",
    "mo PIN se 9087": "9087",
    "kod sekre: 4455": "4455",
    "mo modpas se Soley5": "Soley5",
    "My passport number is RA123456.": "RA123456",
    "passeport n° M7654321": "M7654321",
    "WhatsApp code 123-456": "123-456",
    "code Telegram : 54321": "54321",
}
HARMLESS = [
    "",
    "1 3 4",
    "I was born in 1990",
    "call me on +266 5012 3456 or +27 82 123 4567",
    "50123456 58123456",
    "4111111111111112",  # no card: its last digit is wrong
    "0000000000000000",
    "I was spinning 1200 metres of wool",
    "pin",
    "I forgot my password",
    "password",
    "M1,234.50 and R 12 000",
    "12345678901234567890123",
    "opinion 2024",
    "The passport office is at 22312345",
    "Write to us on WhatsApp: code 266 5012 3456",
    "In 2024 is my pinnacle",
    "ke rata lipotso tse 4",
    "se mo premie fwa, 1968",
    "ndi zabwino 2030",
    "My password is",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_taken_out_of_text_and_payload(text: str) -> None:
    raw = {"message": {"text": text, "entities": [{"text": text}], "message_id": 4111}, "Body": text}
    cleaned = safety.redact(Inbound("telegram", "us", "1", "me", "text", text=text, raw=raw))
    assert safety.has_secret(cleaned)
    assert SECRETS[text] not in repr(cleaned)
    assert cleaned.text == text.replace(SECRETS[text], MARK)
    assert cleaned.raw["message"]["message_id"] == 4111


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    inbound = Inbound("telegram", "us", "1", "me", "text", text=text, raw={"text": text})
    assert safety.redact(inbound) is inbound
    assert not safety.has_secret(inbound)
