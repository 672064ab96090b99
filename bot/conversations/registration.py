"""Registration: a table of questions, each asked in one function and understood in another."""

from bot.conversations import alike, details, joining
from bot.conversations.steps import ASKED_AGAIN, END
from bot.conversations.talk import Talk

STEPS = {**joining.STEPS, **details.STEPS}
#: What belongs to one detail: where a person lives is three questions, and a link is to one country.
_GO_TOGETHER = ("city", "timezone", "link")


def begin(talk: Talk, step: str, **data: object) -> None:
    """Start at a question, which takes the place of whatever is open."""
    talk.close_all()
    talk.open(step, **data)
    ask(talk)


def is_open(talk: Talk) -> bool:
    """Say whether the open question is one of these."""
    return talk.dialogue.step in STEPS


def is_changing(talk: Talk) -> bool:
    """Say whether a member only changes one detail."""
    return is_open(talk) and bool(talk.dialogue.data.get("changing"))


def is_choice(talk: Talk, said: str) -> bool:
    """Say whether a text is among the answers that the open question offers."""
    return is_open(talk) and STEPS[str(talk.dialogue.step)].is_choice(talk, said)


def ask(talk: Talk) -> None:
    """Ask the open question (again)."""
    STEPS[str(talk.dialogue.step)].ask(talk)


def hear(talk: Talk) -> None:
    """Read a message as the answer to the open question."""
    if talk.inbound.kind == "text":
        _take(talk, talk.inbound.text)
    else:
        talk.say("unknown.media")
        ask(talk)


def press(talk: Talk, button: str) -> None:
    """Take a button of the open question; of another one it comes late, and twice it says nothing new."""
    prefix = f"reg:{talk.dialogue.step}:"
    if button.startswith(prefix):
        _take(talk, button.removeprefix(prefix))
    elif button != talk.dialogue.data.get("before"):
        ask(talk)


def _take(talk: Talk, said: str) -> None:
    step = str(talk.dialogue.step)
    following = STEPS[step].take(talk, said)
    if following is None:
        talk.say("registration.not_understood")
        ask(talk)
    elif following != ASKED_AGAIN:
        _go(talk, step, said, following)


def _go(talk: Talk, step: str, said: str, following: str) -> None:
    if is_changing(talk) and following not in _GO_TOGETHER:
        talk.close()
        alike.note(talk)
        if step != "consent":  # which has said what it changed
            talk.say("profile.changed")
    elif following == END:
        talk.close()
        alike.note(talk)
    else:
        talk.open(following, before=f"reg:{step}:{said}")
        ask(talk)
