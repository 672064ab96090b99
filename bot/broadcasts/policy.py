"""What an installation decides and a broadcast must respect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.messaging.eligibility import Rules


class Paced(Protocol):
    """What a broadcast needs to know of a channel; every `channels.base.Channel` is one."""

    rate: float  #: messages a second
    has_window: bool  #: free text only for 24 hours after the person's last word


@dataclass(frozen=True, slots=True)
class Policy:
    """Channels that are switched on, limits that protect people, web domains that a text may link to."""

    channels: Mapping[str, Paced]
    rules: Rules = field(default_factory=Rules)
    domains: tuple[str, ...] = ()
    paid_rates: Mapping[str, float] = field(default_factory=dict)  #: of channels whose provider sells a faster one
    media_base: str = ""  #: what addresses of files that a provider fetches from us begin with
