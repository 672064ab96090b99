"""A rule of whom something is for, as commands take it."""

import json
from typing import TYPE_CHECKING

from bot.cli.output import Trouble

if TYPE_CHECKING:
    from bot.broadcasts.audience import Audience

#: Some conditions; broadcasts.audience has all of them.
EXAMPLE = '{"origins": ["LS"], "not_answered": ["diaspora_mapping"], "replies": ["17:yes"]}'


def audience(text: str) -> "Audience":
    """Read a rule."""
    from bot.broadcasts.audience import Audience, BadAudience

    try:
        return Audience.from_json(json.loads(text))
    except BadAudience as error:
        raise Trouble(str(error)) from None
    except (ValueError, TypeError, AttributeError):
        raise Trouble(f"The audience must be JSON, such as {EXAMPLE}") from None
