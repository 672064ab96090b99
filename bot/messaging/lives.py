"""For how long after it was due a message is worth sending, where nobody named a deadline.

Who gets an answer days later has forgotten the question. A list of people may wait longer for its one invitation.
"""

from dataclasses import dataclass
from datetime import timedelta

from bot.messaging.models import Priority


@dataclass(frozen=True, slots=True)
class Lives:
    """How long each kind may wait."""

    reply: timedelta = timedelta(days=1)
    reminder: timedelta = timedelta(days=3)
    broadcast: timedelta = timedelta(days=7)


_chosen = Lives()


def of_hours(reply: int, reminder: int, broadcast: int) -> Lives:
    """Return the same from the settings' hours."""
    return Lives(timedelta(hours=reply), timedelta(hours=reminder), timedelta(hours=broadcast))


def use(lives: Lives) -> None:
    """Let messages that are queued from now on wait as long as the installation says."""
    global _chosen  # noqa: PLW0603 - one installation in a process, as with its keys
    _chosen = lives


def of(priority: Priority) -> timedelta:
    """Return how long a message of a priority may wait."""
    match priority:
        case Priority.REPLY:
            return _chosen.reply
        case Priority.REMINDER:
            return _chosen.reminder
    return _chosen.broadcast
