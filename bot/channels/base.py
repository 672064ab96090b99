"""The contract between us and every provider: plain frozen values, and few failures decided by flags."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

#: A sender of ours: its channel, and the bot's id or our number.
SenderKey = tuple[str, str]
Kind = Literal[
    "text", "button", "location", "media", "contact", "edited", "blocked", "unblocked", "unsupported",
    "group",  # somebody brought us into a group, where what people say is not for us: declined, never recorded
]  # fmt: skip
Status = Literal["sent", "delivered", "read", "failed"]


@dataclass(frozen=True, slots=True)
class Button:
    """A choice under a message."""

    id: str  #: what comes back when it is pressed; at most 64 bytes in UTF-8
    label: str  #: what the person reads


@dataclass(frozen=True, slots=True)
class Media:
    """A file, sent or received."""

    kind: Literal["image", "document", "audio", "video"]
    reference: str  #: the provider's file id or address (inbound), a path below DATA_DIR/media (outbound)
    content_type: str = ""
    filename: str = ""
    size: int = 0  #: bytes, as far as the provider says so (inbound)
    caption: str = ""  #: what stands under it, in an album


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing a person did on a channel."""

    channel: str
    sender: str  #: our side: the bot's id, or our number
    external_id: str  #: the provider's id; unique per channel and sender, so a repeat is known
    address: str  #: the person's side: opaque, not always a phone number
    kind: Kind
    text: str = ""
    button: str | None = None  #: Button.id of what was pressed
    message_id: str | None = None  #: the provider's id of the person's message, by which an edit names it
    replies_to: str | None = None  #: external id of our message that a button or reply belongs to
    location: tuple[float, float] | None = None  #: latitude, longitude in degrees
    media: tuple[Media, ...] = ()
    name: str = ""  #: chosen by the person: untrusted
    raw: Mapping[str, Any] = field(default_factory=dict)  #: the provider's payload, kept as it came


@dataclass(frozen=True, slots=True)
class Template:
    """A wording the provider approved beforehand, for use outside its window."""

    content_id: str  #: the provider's id of the approved content
    variables: Mapping[str, str]
    file_variable: str = ""  #: the variable that takes the end of the address of the message's file; none: it has none


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to one person."""

    id: int  #: our outbox id; receipts may carry it back
    address: str
    text: str
    buttons: tuple[Button, ...] = ()
    menu: str = "…"  #: what opens the list of buttons, where a channel folds them away
    media: Media | None = None
    album: tuple[Media, ...] = ()  #: files with their captions, before the text
    template: Template | None = None
    edits: str | None = None  #: external id of the message that this one replaces, where the channel can
    valid_seconds: int | None = None  #: the provider need not try after this long
    paid: bool = False  #: may use the provider's paid rate


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message, or a part of one, as a phone shows it."""

    text: str = ""
    buttons: tuple[Button, ...] = ()
    menu: str = ""  #: what opens the buttons, where they are folded away
    media: Media | None = None


#: How a channel lays a message out: a pure function of what is sent.
Layout = Callable[[Outbound], list[Bubble]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says later about a message of ours."""

    channel: str
    sender: str
    external_id: str
    status: Status
    outbox_id: int | None = None  #: known when the provider's call carried it
    failure: "SendFailure | None" = None


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook call as it came, for signature checks on exactly what was signed."""

    path: str
    query: str  #: raw query string
    headers: Mapping[str, str]  #: names in lower case
    body: bytes


class BadSignature(Exception):
    """The call did not come from the provider."""


class SendFailure(Exception):
    """A message did not go out; the class is the case, `code` the provider's word for it."""

    status: Literal["failed", "suppressed", "uncertain", "queued", "held"] = "failed"

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


class TryLater(SendFailure):
    """Not processed; repeat after `after` seconds, in `most` attempts. A throttle pauses the sender and costs none."""

    status = "queued"

    def __init__(self, code: str, after: float | None = None, *, throttled: bool = False, most: int = 5) -> None:
        super().__init__(code)
        self.after = after
        self.throttled = throttled
        self.most = most


class Refused(SendFailure):
    """This message to this person is refused for good; `suspect`: many such point to what is sent, not to people."""

    def __init__(self, code: str, *, suspect: bool = False) -> None:
        super().__init__(code)
        self.suspect = suspect


class Unreachable(SendFailure):
    """The person cannot be reached at this address: blocked (may return) or gone."""

    def __init__(self, code: str, *, gone: bool = False) -> None:
        super().__init__(code)
        self.gone = gone


class OptedOut(SendFailure):
    """The person stopped us at the provider."""

    status = "suppressed"


class NeedsTemplate(SendFailure):
    """The window is closed: only an approved template may go out."""

    status = "held"


class Misconfigured(SendFailure):
    """Every message would fail alike: stop the sender, or the broadcast whose content is at fault; tell staff."""

    def __init__(self, code: str, *, sender: bool = True) -> None:
        super().__init__(code)
        self.sender = sender  #: False: only this content is at fault


class OutcomeUnknown(SendFailure):
    """The provider was called and we do not know: never repeated by itself."""

    status = "uncertain"


class FetchFailure(Exception):
    """A received file did not come; `again`: it may come later. `code` says why, never whose."""

    def __init__(self, code: str, *, again: bool = False) -> None:
        super().__init__(code)
        self.code, self.again = code, again


class ContentStore(Protocol):
    """Remembers what was made or uploaded at the provider, by a hash of it, across restarts."""

    async def get(self, definition: str) -> str | None:
        """Return the provider's id of a definition's hash, if it was made."""
        ...

    async def put(self, definition: str, content_id: str) -> None:
        """Remember an id."""
        ...


class Channel(Protocol):
    """One provider. Only `bot.app` knows which ones there are."""

    name: str
    sender: str  #: our side, as in Inbound.sender
    rate: float  #: messages a second
    has_window: bool  #: free text only for 24 hours after the person's last word

    async def send(self, message: Outbound) -> str:
        """Send, and return the external id; raise a SendFailure."""
        ...

    def calls(self, message: Outbound) -> int:
        """Return how many messages the provider's rate counts it as: parts, pictures, a file beside its text."""
        ...

    def parse_inbound(self, hook: Hook) -> list[Inbound]:
        """Verify and translate a call with people's messages; raise BadSignature."""
        ...

    def parse_receipts(self, hook: Hook) -> list[Receipt]:
        """Verify and translate a call about our messages; raise BadSignature."""
        ...

    def fetch(self, media: Media) -> AsyncIterator[bytes]:
        """Yield a received file in pieces; raise a FetchFailure."""
        ...

    async def discard(self, media: Media) -> None:
        """Delete the provider's copy of a received file, where it lets us; raise a FetchFailure."""
        ...

    async def forget(self, address: str, sent: Sequence[str], received: Sequence[str]) -> list[str]:
        """Delete the provider's copies of messages and their files, where it lets us, and may still be asked.

        `sent` and `received` are external ids. Returns those to ask for again later: the provider was away or busy.
        """
        ...

    async def acknowledge(self, inbound: Inbound) -> None:
        """Tell the provider at once that a button press arrived, where it wants that."""
        ...

    async def decline(self, inbound: Inbound, text: str) -> None:
        """Say `text` in the group that an inbound of kind "group" came from, and leave it."""
        ...

    async def examine(self, address: str) -> str | None:
        """Return what is wrong at the provider: token, address_other (than `address`), address_failing; None: nothing.

        `address` is where the provider should call us; empty: it need not. Raises when it cannot be asked.
        """
        ...

    async def start(self) -> None:
        """Open connections; an unreachable provider does not stop the start."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
