"""What happens to WhatsApp messages on the way: windows, failures, callbacks, inbound webhooks."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urldefrag, urlsplit

from bot import clock
from bot.emulators import twilio_errors as codes
from bot.emulators.background import Background, Queues
from bot.emulators.faults import Fault, Faults, Kind
from bot.emulators.ledger import Ledger
from bot.emulators.phone import PhoneMessage
from bot.emulators.twilio_account import API_VERSION, TwilioAccount, TwilioMessage
from bot.emulators.twilio_templates import Rendered
from bot.emulators.webhooks import Webhooks, twilio_signature
from bot.emulators.whatsapp_phone import WhatsAppPhone

LARGEST_FILE = 16 * 1024 * 1024
STATUS_FAULTS = (
    Kind.DUPLICATE_STATUSES,
    Kind.REORDER_STATUSES,
    Kind.LOSE_STATUSES,
    Kind.EARLY_STATUSES,
    Kind.LATE_DELIVERED,
    Kind.FAIL,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A status that a message reaches `delay` seconds after the one before."""

    status: str
    delay: float
    error_code: int = 0


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message on its way to the bot."""

    phone: WhatsAppPhone
    message: PhoneMessage
    form: dict[str, str]


class TwilioCarrier:
    """Carry messages between the account and the phones."""

    def __init__(
        self,
        account: TwilioAccount,
        phones: dict[str, WhatsAppPhone],
        faults: Faults,
        ledger: Ledger,
        background: Background,
        webhooks: Webhooks,
    ) -> None:
        self.account, self._phones, self._faults, self._ledger = account, phones, faults, ledger
        self._background, self._webhooks = background, webhooks
        self._inbound: Queues[Inbound] = Queues(background, self._deliver_inbound)
        self.inbound_url = ""
        self.inbound_urls: dict[str, str] = {}  #: of numbers that have one of their own
        self.media_base = ""
        self.fetched: list[str] = []  #: addresses of files that the bot served
        self.pace_seconds = 0.05

    async def accept(self, message: TwilioMessage) -> None:
        """Take over a message; returns soon, unless a fault lets the callbacks be faster than the answer."""
        await self._fetch_files(message)  # first, so that what comes after a file does not overtake it
        fault = self._faults.take(message.to, *STATUS_FAULTS)
        if fault and fault.kind is Kind.EARLY_STATUSES:
            await self._carry(message, fault)
        else:
            self._background.spawn(self._carry(message, fault))

    async def _carry(self, message: TwilioMessage, fault: Fault | None) -> None:
        kind, late = fault.kind if fault else None, []
        for step in self._steps(message, fault):
            await clock.sleep(step.delay)
            if message.status == "canceled":
                return
            message.move(step.status, step.error_code)
            if step.status == "delivered":
                self._show(message)
            if kind is Kind.REORDER_STATUSES:
                late.append(step)
            elif kind is not Kind.LOSE_STATUSES:
                await self._call_back(message, step, 2 if kind is Kind.DUPLICATE_STATUSES else 1)
        for step in reversed(late):
            await self._call_back(message, step)

    async def _fetch_files(self, message: TwilioMessage) -> None:
        """Fetch what the message carries from the bot; nothing is ever fetched from elsewhere than this machine."""
        for number, media in enumerate(message.media):
            if urlsplit(media.url).hostname not in ("127.0.0.1", "localhost"):
                continue
            found = await self._webhooks.get(media.url)
            if found is None or len(found[0]) > LARGEST_FILE:
                message.broken = True
                continue
            message.media[number] = replace(media, content=found[0], content_type=found[1])
            self.fetched.append(media.url)

    def _steps(self, message: TwilioMessage, fault: Fault | None) -> Iterable[Step]:
        pace = self.pace_seconds
        if message.status == "accepted":
            yield Step("queued", pace)
        yield Step("sending", pace)
        if fault and fault.kind is Kind.FAIL:
            yield Step("failed", 0, fault.code)
            return
        if error_code := self._obstacle(message):
            yield Step("failed" if error_code == codes.OUTSIDE_WINDOW else "undelivered", 0, error_code)
            return
        yield Step("sent", 0)
        yield Step("delivered", fault.seconds if fault and fault.kind is Kind.LATE_DELIVERED else pace)
        if self._phones[message.to].read_receipts:
            yield Step("read", pace)

    def _obstacle(self, message: TwilioMessage) -> int:
        phone, content = self._phones.get(message.to), message.content
        if phone is None or phone.deactivated:
            return codes.NOT_ON_WHATSAPP
        if phone.blocked:
            return codes.BLOCKED
        if message.broken:
            return codes.FILE_REFUSED
        if content and content.approved:
            return 0
        if not phone.window_is_open(message.from_):
            submitted = content is not None and content.status != "unsubmitted"
            return codes.TEMPLATE_NOT_APPROVED if submitted else codes.OUTSIDE_WINDOW
        return 0 if content is None or content.fits_session else codes.CONTENT_INVALID

    def _show(self, message: TwilioMessage) -> None:
        phone = self._phones[message.to]
        shown = Rendered(message.body, media=message.media[0] if message.media else None)
        if message.content:
            shown = replace(message.content.render(message.variables), media=shown.media)
        phone.show(PhoneMessage(message.sid, shown.text, buttons=shown.buttons, menu=shown.menu, media=shown.media))
        self._ledger.record(phone.key, shown.text, urlsplit(message.status_callback).path.rpartition("/")[2])

    async def _call_back(self, message: TwilioMessage, step: Step, times: int = 1) -> None:
        if not message.status_callback or step.status == "sending":
            return
        form = {
            "AccountSid": message.account_sid,
            "ApiVersion": API_VERSION,
            "ChannelPrefix": "whatsapp",
            "ChannelToAddress": message.to.removeprefix("whatsapp:"),
            "From": message.from_,
            "MessageSid": message.sid,
            "MessageStatus": step.status,
            "SmsSid": message.sid,
            "SmsStatus": step.status,
            "To": message.to,
        }
        if message.messaging_service_sid:
            form["MessagingServiceSid"] = message.messaging_service_sid
        if step.error_code:
            form["ErrorCode"] = str(step.error_code)
            form["ErrorMessage"] = codes.ERROR_MESSAGES.get(step.error_code, "")
        for _ in range(times):
            await self._post(message.status_callback, form)

    def receive(self, phone: WhatsAppPhone, message: PhoneMessage, fields: dict[str, str]) -> str:
        """Take a phone's message in for the bot's webhook and return its sid."""
        media = [message.media] if message.media else []
        kept = TwilioMessage(
            self.account.sid, phone.address, phone.sender, message.text, "inbound", "received", media=media
        )
        kept.sent_at = kept.created_at
        self.account.messages[kept.sid] = kept
        form = self._inbound_form(phone, kept) | fields
        self._inbound.put(phone.key, Inbound(phone, message, form))
        if self._faults.take(phone.key, Kind.DUPLICATE_INBOUND):
            self._inbound.put(phone.key, Inbound(phone, message, form))
        return kept.sid

    def _inbound_form(self, phone: WhatsAppPhone, message: TwilioMessage) -> dict[str, str]:
        form = {
            "AccountSid": message.account_sid,
            "ApiVersion": API_VERSION,
            "Body": message.body,
            "From": message.from_,
            "MessageSid": message.sid,
            "MessageType": "text",
            "NumMedia": str(len(message.media)),
            "NumSegments": "1",
            "ProfileName": phone.name,
            "ReferralNumMedia": "0",
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": message.to,
            "WaId": phone.address.removeprefix("whatsapp:+"),
        }
        for number, media in enumerate(message.media):
            form[f"MediaUrl{number}"] = f"{self.media_base}{message.uri}/Media/{media.id}"
            form[f"MediaContentType{number}"] = media.content_type
        return form

    async def _deliver_inbound(self, inbound: Inbound) -> None:
        url = self.inbound_urls.get(inbound.phone.sender, self.inbound_url)
        if not url:
            return
        repeats, causes = _overrides(url)
        for attempt in range(repeats + 1):
            status = await self._post(url, inbound.form)
            if status is not None and status // 100 == 2:
                inbound.phone.tick(inbound.message)
                return
            if not causes & {"all", f"{status // 100}xx" if status else "ct"}:
                return
            await clock.sleep(0.1 * 2**attempt)

    async def _post(self, url: str, form: dict[str, Any]) -> int | None:
        signed_url = urldefrag(url).url
        headers = {
            "X-Twilio-Signature": twilio_signature(self.account.auth_token, signed_url, form),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "User-Agent": "TwilioProxy/1.1",
        }
        return await self._webhooks.post(signed_url, headers, form=form)


def _overrides(url: str) -> tuple[int, set[str]]:
    """Read Twilio's connection overrides from the fragment; by default one repeat, and only without connection."""
    options = parse_qs(urldefrag(url).fragment)
    return int(options.get("rc", ["1"])[0]), set(options.get("rp", ["ct"])[0].split(","))
