"""A phone with WhatsApp: what its owner does becomes inbound messages of the Twilio account."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from bot import clock
from bot.emulators.phone import Button, Media, Phone, PhoneMessage

WINDOW = timedelta(hours=24)


class Carrier(Protocol):
    """Whoever takes a message on."""

    def receive(self, phone: "WhatsAppPhone", message: PhoneMessage, fields: dict[str, str]) -> str:
        """Take a message in and return its sid."""
        ...


class WhatsAppPhone(Phone):
    """One person's chat with the sender."""

    channel = "whatsapp"

    def __init__(
        self,
        carrier: Carrier,
        sender: str,
        number: str,
        name: str,
        language_code: str,
        changed: Callable[[Phone], None],
    ) -> None:
        super().__init__(f"whatsapp:{number}", name, language_code, changed)
        self.carrier, self.sender = carrier, sender
        self.read_receipts = True
        self._last_inbound: dict[str, datetime] = {}

    def window_is_open(self, sender: str) -> bool:
        """Say whether free-form messages from `sender` may come."""
        last = self._last_inbound.get(sender)
        return last is not None and clock.now() - last < WINDOW

    async def start(self, payload: str = "") -> PhoneMessage:
        """Open a wa.me link, which prepares the text, and send it."""
        return await self.send(payload or "Hello")

    async def send(self, text: str) -> PhoneMessage:
        """Write a text."""
        return self._send(PhoneMessage("", text, mine=True), {})

    async def send_location(self, latitude: float, longitude: float) -> PhoneMessage:
        """Share a place."""
        fields = {"MessageType": "location", "Latitude": str(latitude), "Longitude": str(longitude)}
        return self._send(PhoneMessage("", "", mine=True, location=(latitude, longitude)), fields)

    async def send_contact(self, phone_number: str) -> PhoneMessage:
        """Share a contact, which comes as a vCard."""
        card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{self.name}\r\nTEL:{phone_number}\r\nEND:VCARD\r\n"
        return self._send_media(card.encode(), "text/vcard", "contact.vcf", "", "contacts")

    async def send_photo(self, content: bytes, caption: str = "", content_type: str = "image/png") -> PhoneMessage:
        """Send a picture."""
        return self._send_media(content, content_type, "", caption, "image")

    async def send_document(
        self, content: bytes, file_name: str, content_type: str = "application/pdf", caption: str = ""
    ) -> PhoneMessage:
        """Send a file; Twilio passes its name on as the body."""
        return self._send_media(content, content_type, file_name, caption or file_name, "document")

    async def send_voice(self, content: bytes) -> PhoneMessage:
        """Send a voice message."""
        return self._send_media(content, "audio/ogg", "", "", "audio")

    async def tap(self, wanted: str, message: PhoneMessage | None = None) -> str:
        """Press the button or choose the list item with this id or label and return the sid of the message it makes."""
        on, button = self.button(wanted, message)
        if button.kind == "url":
            return ""
        fields = _choice(button) | {"OriginalRepliedMessageSid": on.external_id}
        fields["OriginalRepliedMessageSender"] = self.sender
        return self._send(PhoneMessage("", button.label, mine=True), fields).external_id

    async def block(self) -> None:
        """Block the sender, of which the bot hears only when it next sends."""
        self.blocked = True
        self.changed(self)

    async def unblock(self) -> None:
        """Unblock the sender."""
        self.blocked = False
        self.changed(self)

    def _send_media(
        self, content: bytes, content_type: str, file_name: str, caption: str, message_type: str
    ) -> PhoneMessage:
        media = Media(f"ME{secrets.token_hex(16)}", content_type, file_name, content)
        return self._send(PhoneMessage("", caption, mine=True, media=media), {"MessageType": message_type})

    def _send(self, message: PhoneMessage, fields: dict[str, str]) -> PhoneMessage:
        self.write(message)
        self._last_inbound[self.sender] = clock.now()
        message.external_id = self.carrier.receive(self, message, fields)
        return message


def _choice(button: Button) -> dict[str, str]:
    if button.kind == "item":
        return {
            "MessageType": "interactive",
            "ListId": button.id,
            "ListTitle": button.label,
            "ListDescription": button.description,
        }
    return {"MessageType": "button", "ButtonPayload": button.id, "ButtonText": button.label}
