"""A channel without a provider: keeps what was sent, and fails as it is told to."""

from collections import deque
from collections.abc import AsyncIterator, Sequence

from bot.channels.base import BadSignature, FetchFailure, Hook, Inbound, Media, Outbound, Receipt, SendFailure


class MemoryChannel:
    """For tests of what lies behind the contract."""

    def __init__(
        self, name: str = "telegram", sender: str = "700", *, rate: float = 1000, has_window: bool = False
    ) -> None:
        self.name, self.sender, self.rate, self.has_window = name, sender, rate, has_window
        self.sent: list[Outbound] = []
        self.outcomes: deque[SendFailure | None] = deque()  #: of the next calls; None: sent
        self.files: dict[str, bytes | FetchFailure] = {}  #: what people sent, by reference
        self.discarded: list[str] = []
        self.forgotten: list[str] = []
        self.trouble: str | None = None

    async def send(self, message: Outbound) -> str:
        """Keep the message, or raise the next scripted failure."""
        outcome = self.outcomes.popleft() if self.outcomes else None
        if outcome:
            raise outcome
        self.sent.append(message)
        return f"M{message.id}"

    def calls(self, message: Outbound) -> int:
        """Return 1: it takes everything whole."""
        return 1

    def parse_inbound(self, hook: Hook) -> list[Inbound]:
        """Refuse: nothing comes in here."""
        raise BadSignature

    def parse_receipts(self, hook: Hook) -> list[Receipt]:
        """Refuse: nothing comes in here."""
        raise BadSignature

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        """Yield the file, or raise what stands in its place."""
        found = self.files.get(media.reference, FetchFailure("gone"))
        if isinstance(found, FetchFailure):
            raise found
        yield found

    async def discard(self, media: Media) -> None:
        """Note the file."""
        self.discarded.append(media.reference)

    async def forget(self, address: str, sent: Sequence[str], received: Sequence[str]) -> list[str]:
        """Note the ids."""
        self.forgotten += [*sent, *received]
        return []

    async def acknowledge(self, inbound: Inbound) -> None:
        """Do nothing."""

    async def decline(self, inbound: Inbound, text: str) -> None:
        """Do nothing."""

    async def examine(self, address: str) -> str | None:
        """Return what was found wrong, as the test says."""
        return self.trouble

    async def start(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
