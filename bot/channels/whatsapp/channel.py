"""The WhatsApp channel: one number at Twilio."""

import json
from typing import Any

from twilio.rest import Client

from bot.channels.base import Button, Hook, Inbound, Misconfigured, Outbound, OutcomeUnknown, Receipt, SendFailure
from bot.channels.split import split
from bot.channels.whatsapp import webhooks
from bot.channels.whatsapp.contents import ContentStore, TwilioContents, types_for
from bot.channels.whatsapp.failures import failure
from bot.channels.whatsapp.http import MovedClient, PooledClient

TEXT_LIMIT = 1600
#: What Twilio says of a text that it does not take as a variable.
CONTENT_REFUSED = frozenset({"21655", "21656", "21658", "63005"})
LONGEST_VALIDITY = 36000  #: seconds
SHORTEST_VALIDITY = 10


class WhatsAppChannel:
    """Sends from one number and reads Twilio's calls."""

    name = "whatsapp"
    has_window = True

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        number: str,
        service_sid: str,
        public_url: str,
        api_base: str,
        rate: float,
        timeout: float,
        max_in_flight: int,
        store: ContentStore,
        list_label: str,
    ) -> None:
        self.sender = number or service_sid
        self.rate = rate
        self._token, self._public_url, self._list_label = auth_token, public_url, list_label
        self._from: dict[str, str] = (
            {"messaging_service_sid": service_sid} if service_sid else {"from_": f"whatsapp:{number}"}
        )
        self._http = PooledClient(api_base, timeout, max_in_flight)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        self.contents = TwilioContents(
            Client(account_sid, auth_token, http_client=MovedClient(api_base, timeout)), store
        )

    async def start(self) -> None:
        """Open connections."""
        await self._http.open()

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def send(self, message: Outbound) -> str:
        """Send one message, in parts when it is too long."""
        content, text = await self._content(message)
        if content:
            try:
                return await self._create(message, **content)
            except Misconfigured as error:
                if message.template or error.code not in CONTENT_REFUSED:
                    raise
                text = numbered(message.text, message.buttons)  # nothing went out: ask the same without buttons
        parts = split(text, TEXT_LIMIT)
        first = await self._create(message, body=parts[0], **self._media(message))
        for part in parts[1:]:
            try:
                await self._create(message, body=part)
            except SendFailure as error:  # a part is out already: repeating all would double it
                raise OutcomeUnknown(f"part {error.code}") from error
        return first

    async def _content(self, message: Outbound) -> tuple[dict[str, Any], str]:
        """Return the content to send, or the text with its choices numbered where buttons have no room."""
        if message.template:
            variables = json.dumps(dict(message.template.variables), ensure_ascii=False)
            return {"content_sid": message.template.content_id, "content_variables": variables}, ""
        types = types_for(message.text, message.buttons, self._list_label)
        if types is None:
            return {}, numbered(message.text, message.buttons)
        try:
            sid = await self.contents.session_content(types)
            return {"content_sid": sid, "content_variables": json.dumps({"1": message.text}, ensure_ascii=False)}, ""
        except Exception:
            # Buttons are a comfort: without the Content API the same question goes out as text.
            return {}, numbered(message.text, message.buttons)

    def _media(self, message: Outbound) -> dict[str, Any]:
        return {"media_url": [message.media.reference]} if message.media else {}

    async def _create(self, message: Outbound, **content: Any) -> str:
        options: dict[str, Any] = {
            "to": message.address,
            # Our own id in the address of the callback proves that the message was made, whatever became of the answer.
            "status_callback": f"{self._public_url}/hooks/whatsapp/status/{message.id}",
            **self._from,
            **content,
        }
        if message.valid_seconds is not None:
            options["validity_period"] = min(max(message.valid_seconds, SHORTEST_VALIDITY), LONGEST_VALIDITY)
        try:
            created = await self._client.messages.create_async(**options)
        except Exception as error:
            raise failure(error) from None
        return str(created.sid)

    async def acknowledge(self, inbound: Inbound) -> None:
        """Twilio wants none."""

    def parse_inbound(self, hook: Hook) -> list[Inbound]:
        """Verify and translate a message."""
        return webhooks.parse_message(webhooks.verified_form(hook, self._public_url, self._token))

    def parse_receipts(self, hook: Hook) -> list[Receipt]:
        """Verify and translate a status callback."""
        return webhooks.parse_status(hook, webhooks.verified_form(hook, self._public_url, self._token))


def numbered(text: str, buttons: tuple[Button, ...]) -> str:
    """Return the text with its choices as numbered lines, unless it lists them already."""
    if all(button.label in text for button in buttons):
        return text
    lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, start=1)]
    return "\n".join([text, "", *lines])
