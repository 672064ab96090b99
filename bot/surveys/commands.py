"""Words that mean the same at every question: BACK, SKIP, CHANGE, WHY, PAUSE, MORE."""

from bot.content import Keyword
from bot.content.normalise import normalise
from bot.messaging.outbox import Message
from bot.surveys import answers, quotas
from bot.surveys.asking import pages
from bot.surveys.ending import finish
from bot.surveys.engine import Prompt
from bot.surveys.models import Disposition
from bot.surveys.spelling import by_label
from bot.surveys.steps import put, so_far
from bot.surveys.turn import Turn, question_of


def command(turn: Turn, text: str, prompt: Prompt | None) -> list[Message] | None:
    """Do what a keyword asks for; None when the text is none, or is a choice of the open question."""
    word = turn.content.keywords.match(text)
    if word is None or (prompt and is_choice(turn, text, prompt)):
        return None
    match word:
        case Keyword.BACK:
            return back(turn, prompt)
        case Keyword.CHANGE:
            return change(turn, turn.content.keywords.parse_change(text))
        case Keyword.SKIP:
            return skip(turn, prompt, text)
        case Keyword.WHY:
            return why(turn, prompt)
        case Keyword.PAUSE:
            return pause(turn)
        case Keyword.MORE:
            return more(turn, prompt)
    return None


def is_choice(turn: Turn, text: str, prompt: Prompt) -> bool:
    """Say whether the text is the label or code of an answer to choose."""
    said, options = normalise(text), turn.options(prompt)
    return by_label(said, options) is not None or any(normalise(option.value) == said for option in options)


def back(turn: Turn, prompt: Prompt | None) -> list[Message]:
    """Ask the question before."""
    path = turn.session.previous(prompt.path if prompt else None)
    return put(turn, turn.say("survey.nothing_to_go_back_to")) if path is None else _return_to(turn, path)


def change(turn: Turn, number: int | None) -> list[Message]:
    """Ask a numbered question again; without a number, show which there are."""
    done = turn.session.answered()
    if number is None and done:
        return so_far(turn)
    if number is None or not 1 <= number <= len(done):
        return put(turn, turn.say("survey.cannot_change", number=number or 1))
    return _return_to(turn, done[number - 1])


def _return_to(turn: Turn, path: str) -> list[Message]:
    """Open a question again; a repeat that it is in may then get one more after all."""
    repeat, bracket, _ = path.rpartition("[")
    if bracket:
        turn.session.reopen(repeat)
    turn.move(path)
    return put(turn)


def skip(turn: Turn, prompt: Prompt | None, text: str) -> list[Message]:
    """Leave the question empty, where that is allowed."""
    if prompt is None:
        return put(turn)
    if prompt.repeat is not None:
        turn.session.close(prompt.path)
        turn.move(None)
        return put(turn)
    before = turn.session.answered()
    outcome = turn.session.skip(prompt.path)
    if not outcome.ok:
        return put(turn, outcome.message or turn.say("survey.cannot_skip"))
    answers.record(turn.db, turn.run, prompt.path, question_of(prompt), "", text)
    return proceed(turn, prompt.path, before)


def proceed(turn: Turn, path: str, before: list[str]) -> list[Message]:
    """Go on after the answer at `path`; `before` are the questions that counted until then."""
    now = turn.session.answered()
    answers.mark(turn.db, turn.run, set(before) - set(now), relevant=False)
    answers.mark(turn.db, turn.run, set(now) - {path, *before}, relevant=True)
    if quotas.is_full(turn):
        return finish(turn, Disposition.QUOTA_FULL)
    turn.move(None)
    return put(turn)


def why(turn: Turn, prompt: Prompt | None) -> list[Message]:
    """Say why we ask: in the form's words where it has any."""
    guidance = (prompt.hint.guidance or prompt.label.guidance) if prompt else ""
    return put(turn, guidance or turn.say("survey.why_default"))


def pause(turn: Turn) -> list[Message]:
    """Keep everything and be silent until the person returns."""
    turn.run.paused = True
    return [Message(turn.say("survey.paused"))]


def more(turn: Turn, prompt: Prompt | None) -> list[Message] | None:
    """Show the next page of a long list, after the last one the first."""
    count = pages(turn.options(prompt)) if prompt else 1
    if count == 1:
        return None
    turn.run.page = (turn.run.page + 1) % count
    return put(turn)
