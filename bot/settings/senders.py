"""What each bot and number of ours has by itself."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Sender(BaseModel, ABC):
    """What any bot or number of ours has by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    channel: ClassVar[str]
    rate: float  #: messages a second
    paid_rate: float = 0  #: the same, for what the provider sells faster; 0: nothing
    daily_people: int = 0  #: with whom it may begin in 24 hours; 0: no limit

    @property
    @abstractmethod
    def name(self) -> str:
        """Return what rows call it."""


class TelegramSender(Sender):
    """One bot."""

    channel = "telegram"
    token: SecretStr
    webhook_secret: SecretStr = SecretStr("")
    username: str = ""
    rate: float = Field(30, gt=0, le=1000)
    paid_rate: float = Field(0, ge=0, le=1000)

    @property
    def name(self) -> str:
        """Return the bot's id."""
        return self.token.get_secret_value().partition(":")[0]


class WhatsAppSender(Sender):
    """One number, or messaging service, of the Twilio account."""

    channel = "whatsapp"
    number: str = ""
    service_sid: str = ""
    rate: float = Field(80, gt=0, le=1000)
    daily_people: int = Field(250, ge=0)

    @property
    def name(self) -> str:
        """Return the number, or the service where Twilio chooses among its numbers."""
        return self.number or self.service_sid
