"""What comes after an answer: the next question, or the list of all answers."""

from dataclasses import replace

from bot.messaging.outbox import Message
from bot.surveys.asking import SUBMIT, ask, button
from bot.surveys.ending import ending, finish
from bot.surveys.models import Disposition
from bot.surveys.showing import in_words
from bot.surveys.turn import REVIEW, Turn

_LINE = 70  #: characters of a question in a list of answers
_PART = 900  #: characters of one message with a list of answers: WhatsApp takes 1024


def put(turn: Turn, *before: str, edits: str | None = None) -> list[Message]:
    """Ask the open question. When there is none, show all answers, or end what ends without them."""
    prompt = turn.prompt()
    if prompt is None:
        broken = turn.session.violations()
        if not broken:
            over = ending(turn.session)
            return review(turn, *before) if over is Disposition.COMPLETED else finish(turn, over)
        path, outcome = broken[0]  # it held until a later answer was changed
        prompt, before = turn.session.prompt(path), (*before, outcome.message or turn.say("survey.invalid_value"))
    if turn.run.path != prompt.path:
        turn.move(prompt.path)
    message = ask(turn.asked(prompt, *before), turn.survey.id, turn.channel, turn.listener)
    return [replace(message, edits=edits, media=None if edits else message.media, album=() if edits else message.album)]


def review(turn: Turn, *before: str) -> list[Message]:
    """Show all answers, and ask whether they may be sent."""
    if turn.run.path != REVIEW:
        turn.move(REVIEW)
    parts = _list(turn, "survey.review")
    send = button(turn.survey.id, turn.step_at(REVIEW), turn.say("button.submit"), SUBMIT)
    parts[0] = "\n\n".join([*before, parts[0]])
    return [*map(Message, parts[:-1]), Message(parts[-1], (send,))]


def so_far(turn: Turn) -> list[Message]:
    """Show the answers given so far with their numbers."""
    return [Message(part) for part in _list(turn, "survey.answers_so_far")]


def _list(turn: Turn, key: str) -> list[str]:
    """Return the answers, one line each, within our wording of `key`; cut into messages between lines."""
    paths = turn.session.answered()
    head, _, tail = turn.say(key, answers="\n\n", number=len(paths)).partition("\n\n")
    parts = [head.rstrip()]
    for line in [*(f"{number}. {_line(turn, path)}" for number, path in enumerate(paths, 1)), f"\n{tail.strip()}"]:
        if len(parts[-1]) + len(line) > _PART:
            parts.append(line.lstrip())
        else:
            parts[-1] = f"{parts[-1]}\n{line}"
    return parts


def _line(turn: Turn, path: str) -> str:
    prompt = turn.session.prompt(path)
    label = " ".join(prompt.label.text.split())
    short = label if len(label) <= _LINE else f"{label[: _LINE - 1].rstrip()}…"
    question = prompt.question
    answer = in_words(question, prompt.value, turn.options(prompt), turn.listener) if question else ""
    return f"{short} → {answer or turn.say('survey.skipped')}"
