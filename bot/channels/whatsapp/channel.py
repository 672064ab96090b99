"""The WhatsApp channel: one number at Twilio."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from bot.channels.base import (
    Bubble,
    ContentStore,
    Hook,
    Inbound,
    Media,
    Misconfigured,
    Outbound,
    OutcomeUnknown,
    Receipt,
    SendFailure,
    Template,
)
from bot.channels.split import insist
from bot.channels.whatsapp import receiving, webhooks
from bot.channels.whatsapp.contents import TwilioContents
from bot.channels.whatsapp.creating import Creating
from bot.channels.whatsapp.failures import failure
from bot.channels.whatsapp.http import MovedClient, PooledClient
from bot.channels.whatsapp.layout import layout, texts, types_for

log = structlog.get_logger(__name__)

#: What WhatsApp takes no files of: people get an address instead.
LINKED_TYPES = frozenset({"text/calendar"})
#: Messages to one person that are looked through for a lost one: a page's most. A chat passes twenty in two minutes.
LISTED = 1000
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
        media_url: Callable[[Media], str],
        secondary_token: str = "",
    ) -> None:
        self.sender = number or service_sid
        self.rate = rate
        self._is_service = not number
        self._account, self._tokens = account_sid, [token for token in (auth_token, secondary_token) if token]
        self._public_url, self._media_url = public_url, media_url
        self._from = {"MessagingServiceSid": service_sid} if service_sid else {"From": f"whatsapp:{number}"}
        self._http = PooledClient(api_base, timeout, max_in_flight)
        self._creating = Creating(self._http, account_sid, auth_token)
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
        parts = await self._parts(message)
        try:
            return await self._send_parts(message, parts)
        except Misconfigured as error:
            if message.template or "ContentSid" not in parts[0] or error.code not in CONTENT_REFUSED:
                raise
            # Nothing went out: ask the same without buttons.
            return await self._send_parts(message, [self._part(bubble) for bubble in texts(message)])

    def calls(self, message: Outbound) -> int:
        """Return how many messages Twilio counts it as."""
        return 1 if message.template else len(layout(self._linked(message)))

    async def _send_parts(self, message: Outbound, parts: Sequence[dict[str, str]]) -> str:
        """Send all parts; the fate of the last is the message's, and it alone is asked a receipt for."""
        # Our own id in the address of the callback proves that the message was made, whatever became of the answer.
        callback = {"StatusCallback": f"{self._public_url}/hooks/whatsapp/status/{message.id}"}
        sid = ""
        for number, part in enumerate(parts, start=1):
            create = partial(self._create, message, part | callback if number == len(parts) else part)
            try:
                sid = await create() if number == 1 else await insist(create)
            except SendFailure as error:
                if number == 1:
                    raise
                raise OutcomeUnknown(f"part {error.code}") from error  # a part is out: repeating all would double it
        return sid

    async def _parts(self, message: Outbound) -> list[dict[str, str]]:
        """Return the forms of the calls that make up a message."""
        if message.template:
            return [_content(message.template.content_id, self._variables(message, message.template))]
        message = self._linked(message)
        parts: list[dict[str, str]] = []
        for bubble in layout(message):
            parts += await self._with_buttons(message) if bubble.buttons else [self._part(bubble)]
        return parts

    def _variables(self, message: Outbound, template: Template) -> Mapping[str, str]:
        """Return a template's variables, with the end of the address of the file above its text."""
        if not template.file_variable or message.media is None:
            return template.variables
        end = self._media_url(message.media).removeprefix(f"{self._public_url}/media/")
        return {**template.variables, template.file_variable: end}

    def _linked(self, message: Outbound) -> Outbound:
        """Put the address of a file that WhatsApp does not take into the text."""
        if message.media is None or message.media.content_type not in LINKED_TYPES:
            return message
        return replace(message, text=f"{message.text}\n{self._media_url(message.media)}", media=None)

    async def _with_buttons(self, message: Outbound) -> list[dict[str, str]]:
        types = types_for(message.text, message.buttons, message.menu)
        # Buttons are a comfort: without the Content API the same question goes out as text.
        with suppress(Exception):
            return [_content(await self.contents.session_content(types or {}), {"1": message.text})]
        return [self._part(bubble) for bubble in texts(message)]

    def _part(self, bubble: Bubble) -> dict[str, str]:
        file = {"MediaUrl": self._media_url(bubble.media)} if bubble.media else {}
        return file | {"Body": bubble.text} if bubble.text or not file else file

    async def _create(self, message: Outbound, part: dict[str, str]) -> str:
        fields = {"To": message.address, **self._from, **part}
        if message.valid_seconds is not None:
            fields["ValidityPeriod"] = str(min(max(message.valid_seconds, SHORTEST_VALIDITY), LONGEST_VALIDITY))
        try:
            return await self._creating.create(fields)
        except Exception as error:
            raise failure(error) from None

    async def sent_to(self, address: str, since: datetime) -> list[Receipt]:
        """Return what the provider says of our messages to an address, made since a time."""
        found = await self._client.messages.list_async(to=address, limit=LISTED, page_size=LISTED)
        return [
            webhooks.receipt(self.sender, str(one.sid), str(one.status), str(one.error_code or ""))
            for one in found
            if str(one.direction).startswith("outbound")
            and one.date_created
            and one.date_created >= since
            and (self._is_service or one.from_ == f"whatsapp:{self.sender}")  # another number of ours may write too
        ]

    async def examine(self, address: str) -> str | None:
        """Ask Twilio whether it knows us; where it calls stands in its own console only."""
        try:
            await self._client.messages.list_async(limit=1, page_size=1)
        except TwilioException as error:  # with the answer as its last argument
            if getattr(error.args[-1], "status_code", 0) in {401, 403}:
                return "token"
            raise
        return None

    def fetch(self, media: Media) -> AsyncIterator[bytes]:
        """Yield a file that a person sent."""
        return receiving.fetch(self._client, self._http, media)

    async def discard(self, media: Media) -> None:
        """Delete Twilio's copy of a file that a person sent."""
        await receiving.discard(self._client, media)

    async def forget(self, address: str, sent: Sequence[str], received: Sequence[str]) -> list[str]:
        """Delete Twilio's copies of messages and their files, which it would keep for 400 days."""
        return await receiving.forget(self._client, [*sent, *received])

    async def acknowledge(self, inbound: Inbound) -> None:
        """Twilio wants none."""

    async def decline(self, inbound: Inbound, text: str) -> None:
        """Twilio lets nobody bring a number into a group."""

    def parse_inbound(self, hook: Hook) -> list[Inbound]:
        """Verify and translate a message."""
        form = self._own_form(hook)
        found = webhooks.parse_message(form) if form else []
        # Twilio chooses among the numbers of a service: for us they are one sender.
        return [replace(one, sender=self.sender) for one in found] if self._is_service else found

    def parse_receipts(self, hook: Hook) -> list[Receipt]:
        """Verify and translate a status callback."""
        form = self._own_form(hook)
        return webhooks.parse_status(hook, form, self.sender) if form else []

    def _own_form(self, hook: Hook) -> dict[str, str] | None:
        """Return a verified form of our own account, or None: tokens may be shared, messages may not."""
        form = webhooks.verified_form(hook, self._public_url, self._tokens)
        if form.get("AccountSid", self._account) != self._account:
            log.warning("webhook of another account")
            return None
        return form


def _content(content_id: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {"ContentSid": content_id, "ContentVariables": json.dumps(dict(variables), ensure_ascii=False)}
