"""What can be done with surveys. Whoever calls puts the returned messages into the outbox."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Button, Inbound
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging.outbox import Message
from bot.surveys import answers, faults, quotas, runs
from bot.surveys.answering import hear
from bot.surveys.commands import is_choice, pause
from bot.surveys.ending import finish
from bot.surveys.faults import act
from bot.surveys.inviting import BEGIN, LATER, invite
from bot.surveys.losing import lose
from bot.surveys.models import LIVE, Disposition, Run, Survey
from bot.surveys.nudging import queue_due_nudges
from bot.surveys.publishing import is_open, open_surveys, publish, upload
from bot.surveys.reading import LONG_LIST
from bot.surveys.runs import count_runs, expire, open_run, withdraw
from bot.surveys.steps import put
from bot.surveys.terms import close
from bot.surveys.turn import Turn
from bot.surveys.xpath.values import EvaluationError

__all__ = [
    "answer",
    "begin",
    "close",
    "correct",
    "count_runs",
    "expire",
    "invite",
    "is_choice_of_surveys",
    "lose",
    "offer",
    "offers",
    "open_run",
    "open_surveys",
    "press",
    "publish",
    "queue_due_nudges",
    "reopen",
    "resume",
    "speak",
    "upload",
    "withdraw",
]

#: Buttons of the templates `survey_invitation` and `survey_continue`.
CONTINUE = "continue"
_BUTTON = re.compile(r"sv:(\d{1,15}):([^:]*)", re.ASCII)
_RESUMABLE = (*LIVE, Disposition.WITHDRAWN, Disposition.EXPIRED)


def offer(db: Session, content: Content, contact: Contact, channel: str) -> list[Message]:
    """Go on with the survey that was left last, else begin the one there is, or let the contact choose.

    A survey that the contact is invited to goes first, one never begun before one that was refused.
    """
    left = runs.left_last(db, contact)
    if left:
        return resume(db, content, contact, left, channel)
    offered = open_surveys(db)
    past = {survey.id: runs.latest(db, contact, survey.form_id) for survey in offered}
    waiting = [survey for survey in offered if not _is_over(past[survey.id])]
    if not waiting:
        return [_say(content, contact, "survey.already_done" if offered else "survey.none_open")]
    first = min(_turn_of(past[survey.id]) for survey in waiting)
    found = [survey for survey in waiting if _turn_of(past[survey.id]) == first]
    return begin(db, content, contact, channel, found[0]) if len(found) == 1 else [_choose(content, contact, found)]


def _turn_of(run: Run | None) -> int:
    """Return what is offered first: 0 an invitation, 1 what is new, 2 what was begun before."""
    if run is None:
        return 1
    return 0 if run.disposition == Disposition.INVITED else 2


def _choose(content: Content, contact: Contact, surveys: Sequence[Survey]) -> Message:
    """Ask which survey."""
    buttons = tuple(Button(f"sv:{survey.id}:{BEGIN}", survey.title or survey.form_id) for survey in surveys[:LONG_LIST])
    return _say(content, contact, "survey.choose", buttons)


def is_choice_of_surveys(message: Message) -> bool:
    """Tell whether a message asks which survey: its buttons, or their numbers, are the answers."""
    return bool(message.buttons) and all(button.id.endswith(f":{BEGIN}") for button in message.buttons)


def _is_over(run: Run | None) -> bool:
    return run is not None and run.disposition == Disposition.COMPLETED


def begin(
    db: Session,
    content: Content,
    contact: Contact,
    channel: str,
    survey: Survey,
    *,
    occasion: str = "",
    seed: int | None = None,
) -> list[Message]:
    """Begin a survey, or go on with it where the contact stopped, on the version that was begun.

    It is answered once for each `occasion`, such as the test before a session, and the one after it. `seed` decides
    what is left to chance in it, which is another for everybody unless given.
    """
    run = runs.latest(db, contact, survey.form_id, occasion)
    if _is_over(run):
        return [_say(content, contact, "survey.already_done")]
    if run and run.disposition in _RESUMABLE:
        return resume(db, content, contact, run, channel)
    if not is_open(survey):
        return [_say(content, contact, "survey.closed")]
    if quotas.is_full_for(db, survey, contact):
        refused = runs.create(db, content, contact, channel, survey, run, occasion=occasion)
        refused.disposition = Disposition.QUOTA_FULL
        return [_say(content, contact, "survey.quota_full")]

    def start(turn: Turn) -> list[Message]:
        first = turn.prompt()
        total = turn.total((), first.path) if first else 0
        return _go_on(turn, turn.say("survey.intro", title=survey.title, total=total))

    try:
        begun = runs.create(db, content, contact, channel, survey, run, seed, occasion)
    except EvaluationError as error:
        return faults.give_up(content, contact, survey.id, None, error)
    return act(db, content, contact, begun, channel, start)


def resume(db: Session, content: Content, contact: Contact, run: Run, channel: str) -> list[Message]:
    """Go on with a run that was paused, left, expired, or is open."""
    survey = db.get_one(Survey, run.survey_id)
    if not is_open(survey):
        return [_say(content, contact, "survey.closed")]

    def go_on(turn: Turn) -> list[Message]:
        if quotas.is_full(turn):
            return finish(turn, Disposition.QUOTA_FULL)
        _revive(turn)
        return _go_on(turn, turn.say("survey.resumed", title=survey.title))

    return act(db, content, contact, run, channel, go_on)


def _revive(turn: Turn) -> None:
    """Let a run that was left or expired count as one that somebody is in the middle of."""
    if turn.run.disposition not in LIVE:
        turn.run.disposition = Disposition.PARTIAL if turn.session.answered() else Disposition.STARTED


def speak(db: Session, content: Content, contact: Contact, run: Run, language: str) -> list[Message]:
    """Go on in another language, with the open question."""
    contact.language = language
    changed = content.catalogue.text("survey.language_changed", language, language=LANGUAGES[language].name)
    return act(db, content, contact, run, run.channel, lambda turn: _go_on(turn, changed))


def _go_on(turn: Turn, *before: str) -> list[Message]:
    turn.run.paused = False
    runs.pause_others(turn.db, turn.run)
    return put(turn, *before)


def answer(db: Session, content: Content, contact: Contact, run: Run, inbound: Inbound) -> list[Message]:
    """Handle what a contact sent in the middle of a run; the same message twice changes nothing the second time."""
    if inbound.external_id == run.last_inbound:
        return []
    run.last_inbound, run.paused = inbound.external_id, False

    def do(turn: Turn) -> list[Message]:
        _revive(turn)
        if inbound.button == LATER:
            return pause(turn)
        return put(turn) if inbound.button == CONTINUE else hear(turn, inbound)

    return act(db, content, contact, run, inbound.channel, do)


def correct(
    db: Session, content: Content, contact: Contact, run: Run, inbound: Inbound, old: str, at: datetime
) -> list[Message]:
    """Take new words for what was said last, `old` at a time `at`: if it was an answer, that question's again."""

    def do(turn: Turn) -> list[Message]:
        last = answers.last(db, run)
        if last and last.said == old and last.at >= at:
            turn.move(last.path)
        return hear(turn, inbound)

    run.last_inbound, run.paused = inbound.external_id, False
    return act(db, content, contact, run, inbound.channel, do)


def offers(db: Session, content: Content, contact: Contact, run: Run, text: str) -> bool:
    """Say whether the text is among the answers that the open question offers."""
    with suppress(EvaluationError):
        turn = Turn.begin(db, content, contact, run, run.channel)
        prompt = turn.prompt()
        return prompt is not None and is_choice(turn, text, prompt)
    return False


def press(db: Session, content: Content, contact: Contact, inbound: Inbound) -> list[Message]:
    """Handle a survey's button, of whatever run: an open one, a paused one, one that is over or not begun."""
    button = _BUTTON.match(inbound.button or "")
    survey = db.get(Survey, int(button[1])) if button else None
    if button is None or survey is None:
        return [_say(content, contact, "survey.none_open")]
    if button[2] == LATER:
        return []
    if button[2] == BEGIN:
        return begin(db, content, contact, inbound.channel, survey)
    run = runs.through(db, contact, survey.id)
    if run and (run.disposition in LIVE or (run.disposition in _RESUMABLE and is_open(survey))):
        messages = answer(db, content, contact, run, inbound)
        runs.pause_others(db, run)
        return messages
    if run is None:
        return [_say(content, contact, "survey.none_open")]
    return [_say(content, contact, "survey.already_done" if _is_over(run) else "survey.closed")]


def reopen(db: Session, contact: Contact) -> Run | None:
    """Open the answers that were sent last once more, so that CHANGE can correct them; None when it is too late."""
    return runs.reopen(db, contact, clock.now())


def _say(content: Content, contact: Contact, key: str, buttons: tuple[Button, ...] = ()) -> Message:
    return Message(content.catalogue.text(key, contact.language or SOURCE), buttons)
