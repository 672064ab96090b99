"""What a question of the registration is."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.conversations.talk import Talk

#: Returned instead of a following step: nothing follows.
END = "end"
#: Returned by a question that has said itself why it asks again.
ASKED_AGAIN = "asked again"


@dataclass(frozen=True, slots=True)
class Step:
    """One question: `ask` queues it, `take` returns the next step's name, or None when it did not understand."""

    ask: Callable[[Talk], None]
    take: Callable[[Talk, str], str | None]
    is_choice: Callable[[Talk, str], bool] = lambda _talk, _said: False
    """Say whether a text is an answer offered by the question: then it is one even if it is a keyword elsewhere."""
