"""A channel without a provider: keeps what was sent, and fails as it is told to."""

from collections import deque

from bot.channels.base import BadSignature, Hook, Inbound, Outbound, Receipt, SendFailure


class MemoryChannel:
    """For tests of what lies behind the contract."""

    def __init__(
        self, name: str = "telegram", sender: str = "700", *, rate: float = 1000, has_window: bool = False
    ) -> None:
        self.name, self.sender, self.rate, self.has_window = name, sender, rate, has_window
        self.sent: list[Outbound] = []
        self.outcomes: deque[SendFailure | None] = deque()  #: of the next calls; None: sent

    async def send(self, message: Outbound) -> str:
        """Keep the message, or raise the next scripted failure."""
        outcome = self.outcomes.popleft() if self.outcomes else None
        if outcome:
            raise outcome
        self.sent.append(message)
        return f"M{message.id}"

    def parse_inbound(self, hook: Hook) -> list[Inbound]:
        """Refuse: nothing comes in here."""
        raise BadSignature

    def parse_receipts(self, hook: Hook) -> list[Receipt]:
        """Refuse: nothing comes in here."""
        raise BadSignature

    async def acknowledge(self, inbound: Inbound) -> None:
        """Do nothing."""

    async def start(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
