"""Take an answer: typed, sent or tapped; in time, late, twice or not to be understood."""

from bot.channels.base import Inbound
from bot.content import Keyword
from bot.messaging.outbox import Message
from bot.surveys import answers
from bot.surveys.asking import DONE, MORE, SKIP, SUBMIT, button, token_of
from bot.surveys.commands import command, more, proceed, skip
from bot.surveys.ending import finish
from bot.surveys.engine import Prompt
from bot.surveys.form import Type
from bot.surveys.reading import Problem, Unread, read
from bot.surveys.showing import in_words
from bot.surveys.spelling import Option
from bot.surveys.steps import put, review
from bot.surveys.turn import REVIEW, YES, Turn, question_of

_PATIENCE = 3  #: answers not understood in a row, after which we offer a way out


def hear(turn: Turn, inbound: Inbound) -> list[Message]:
    """Handle one message."""
    asked, prompt = turn.run.path, turn.prompt()
    if asked != (prompt.path if prompt else REVIEW):
        return put(turn)  # time made the question moot: what was said to it answers no other
    if inbound.button:
        return _tapped(turn, prompt, inbound)
    done = command(turn, inbound.text, prompt)
    if done is not None:
        return done
    if turn.content.keywords.match(inbound.text) in _confirming(prompt):
        return _confirm(turn, prompt)
    return review(turn) if prompt is None else _answer(turn, prompt, inbound)


def _confirming(prompt: Prompt | None) -> set[Keyword | None]:
    """Return what means "so be it": at the end yes, at a question only DONE, where something is there to keep."""
    if prompt is None:
        return {Keyword.YES, Keyword.DONE}
    keeps = prompt.value or question_of(prompt).type is Type.SELECT_MULTIPLE
    return {Keyword.DONE} if keeps else set()


def _confirm(turn: Turn, prompt: Prompt | None) -> list[Message]:
    """Send all, or keep what is ticked or was answered before."""
    if prompt is None:
        return finish(turn)
    question = question_of(prompt)
    value = " ".join(turn.ticked(prompt)) if question.type is Type.SELECT_MULTIPLE else prompt.value
    if not value:
        return skip(turn, prompt, "")
    return take(turn, prompt, value, in_words(question, value, turn.options(prompt), turn.listener))


def _answer(turn: Turn, prompt: Prompt, inbound: Inbound) -> list[Message]:
    found = read(question_of(prompt), turn.options(prompt), inbound, turn.listener)
    if isinstance(found, Unread):
        return _not_understood(turn, prompt, found, inbound.text)
    return take(turn, prompt, found, inbound.text)


def take(turn: Turn, prompt: Prompt, value: str, said: str) -> list[Message]:
    """Give the value to the form, and go on if it is accepted."""
    if prompt.repeat is not None:
        turn.session.add(prompt.path) if value == YES else turn.session.close(prompt.path)
        turn.move(None)
        return put(turn)
    before = turn.session.answered()
    outcome = turn.session.set(prompt.path, value)
    if not outcome.ok:
        return _refused(turn, prompt, outcome.message or turn.say("survey.invalid_value"))
    kept = turn.session.facts(prompt.path).value
    if prompt.path not in before or kept != prompt.value:
        answers.record(turn.db, turn.run, prompt.path, question_of(prompt), kept, said)
    return proceed(turn, prompt.path, before)


def _not_understood(turn: Turn, prompt: Prompt, found: Unread, text: str) -> list[Message]:
    if found.problem is not Problem.MATCHES:
        return _refused(turn, prompt, turn.say(found.problem, **found.values))
    numbers = {option: number for number, option in enumerate(turn.options(prompt), 1)}
    lines = [turn.say(found.problem, answer=text), *(f"{numbers[one]}. {one.label}" for one in found.matches)]
    place = turn.step(prompt)
    buttons = [button(turn.survey.id, place, one.label, token_of(one.value)) for one in found.matches]
    return [Message("\n".join(lines), tuple(buttons))]


def _refused(turn: Turn, prompt: Prompt, reason: str) -> list[Message]:
    """Ask again and say why; now and then say what else can be done."""
    turn.run.failures += 1
    if turn.run.failures % _PATIENCE:
        return put(turn, reason)
    required = prompt.required or prompt.repeat is not None
    way_out = "survey.help_after_three_required" if required else "survey.help_after_three"
    return put(turn, reason, turn.say(way_out))


def _tapped(turn: Turn, prompt: Prompt | None, inbound: Inbound) -> list[Message]:
    _, _, rest = (inbound.button or "").partition(":")
    survey, _, rest = rest.partition(":")
    place, _, token = rest.partition(":")
    if survey != str(turn.survey.id) or place != (turn.step(prompt) if prompt else turn.step_at(REVIEW)):
        return _stale(turn, place if survey == str(turn.survey.id) else "", token)
    if prompt is None:
        return finish(turn) if token == SUBMIT else review(turn)
    if token == SKIP:
        return skip(turn, prompt, inbound.text)
    if token == DONE:
        return _confirm(turn, prompt)
    if token == MORE:
        return more(turn, prompt) or put(turn)
    option = next((one for one in turn.options(prompt) if token_of(one.value) == token), None)
    return _chosen(turn, prompt, option, inbound) if option else put(turn, turn.say("survey.invalid_choice"))


def _chosen(turn: Turn, prompt: Prompt, option: Option, inbound: Inbound) -> list[Message]:
    if question_of(prompt).type is not Type.SELECT_MULTIPLE:
        return take(turn, prompt, option.value, option.label)
    ticked = turn.ticked(prompt)
    turn.run.draft = [code for code in ticked if code != option.value] + [option.value] * (option.value not in ticked)
    return put(turn, edits=inbound.replies_to)


def _stale(turn: Turn, place: str, token: str) -> list[Message]:
    """Say which question an old button belongs to; pressed twice, it changes and says nothing."""
    done = turn.session.answered()
    path = next((path for path in done if turn.step_at(path) == place), None)
    if path is None:
        return put(turn, turn.say("survey.stale_button"))
    earlier = turn.session.prompt(path)
    if token in {SKIP, DONE, MORE} or token_of(earlier.value) == token:
        return []
    label = " ".join(earlier.label.text.split())
    return put(turn, turn.say("survey.stale_answer", number=done.index(path) + 1, question=label))
