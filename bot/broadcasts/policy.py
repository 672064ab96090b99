"""What an installation decides and a broadcast must respect."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.channels.base import Channel
from bot.messaging.eligibility import Rules


class Paced(Protocol):
    """What a broadcast needs to know of a channel; every `channels.base.Channel` is one."""

    @property
    def rate(self) -> float: ...  #: messages a second
    @property
    def has_window(self) -> bool: ...  #: free text only for 24 hours after the person's last word


@dataclass(frozen=True, slots=True)
class Pace:
    """What the senders of one channel do together."""

    rate: float
    has_window: bool


def paces(senders: Iterable[Channel]) -> dict[str, Pace]:
    """Return what all senders of each channel do together."""
    found: dict[str, Pace] = {}
    for one in senders:
        known = found.get(one.name, Pace(0, one.has_window))
        found[one.name] = Pace(known.rate + one.rate, one.has_window)
    return found


@dataclass(frozen=True, slots=True)
class Policy:
    """Channels that are switched on, limits that protect people, web domains that a text may link to."""

    channels: Mapping[str, Paced]
    rules: Rules = field(default_factory=Rules)
    domains: tuple[str, ...] = ()
    session_domains: tuple[str, ...] = ()  #: the same of what is said of a session, where people meet included
    paid_rates: Mapping[str, float] = field(default_factory=dict)  #: of channels whose provider sells a faster one
    prices: Mapping[str, float] = field(default_factory=dict)  #: in US dollars, of what a channel with a window takes
    media_base: str = ""  #: what addresses of files that a provider fetches from us begin with
