"""What can be done with surveys. Whoever calls puts the returned messages into the outbox."""

import re

from sqlalchemy.orm import Session

from bot.channels.base import Inbound
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging.outbox import Message
from bot.surveys import runs
from bot.surveys.answering import hear
from bot.surveys.commands import is_choice, pause
from bot.surveys.models import LIVE, Disposition, Run, Survey
from bot.surveys.publishing import close, is_open, open_surveys, publish, upload
from bot.surveys.runs import count_runs, expire, open_run, queue_due_nudges, withdraw
from bot.surveys.steps import put
from bot.surveys.turn import Turn

__all__ = [
    "answer",
    "begin",
    "close",
    "count_runs",
    "expire",
    "offer",
    "offers",
    "open_run",
    "open_surveys",
    "press",
    "publish",
    "queue_due_nudges",
    "resume",
    "speak",
    "upload",
    "withdraw",
]

#: Buttons of the template `survey_continue`.
CONTINUE, LATER = "continue", "later"
_BUTTON = re.compile(r"sv:(\d{1,18}):", re.ASCII)
_RESUMABLE = (*LIVE, Disposition.WITHDRAWN, Disposition.EXPIRED)


def offer(db: Session, content: Content, contact: Contact, channel: str) -> list[Message]:
    """Go on with the survey that was left last, else begin the newest that the contact has not answered."""
    left = runs.left_last(db, contact)
    if left:
        return resume(db, content, contact, left, channel)
    offered = open_surveys(db)
    past = {survey.id: runs.latest(db, contact, survey.form_id) for survey in offered}
    waiting = [survey for survey in offered if not _is_done(past[survey.id])]
    if not waiting:
        return [_say(content, contact, "survey.already_done" if offered else "survey.none_open")]
    untouched = [survey for survey in waiting if past[survey.id] is None]
    return begin(db, content, contact, channel, (untouched or waiting)[0])


def _is_done(run: Run | None) -> bool:
    return run is not None and run.disposition == Disposition.COMPLETED


def begin(db: Session, content: Content, contact: Contact, channel: str, survey: Survey) -> list[Message]:
    """Begin a survey, or go on with it where the contact stopped, on the version that was begun."""
    run = runs.latest(db, contact, survey.form_id)
    if run and run.disposition == Disposition.COMPLETED:
        return [_say(content, contact, "survey.already_done")]
    if run and run.disposition in _RESUMABLE:
        return resume(db, content, contact, run, channel)
    if not is_open(survey):
        return [_say(content, contact, "survey.closed")]
    turn = Turn.begin(db, content, contact, runs.create(db, content, contact, channel, survey, run), channel)
    first = turn.prompt()
    total = turn.total((), first.path) if first else 0
    return _go_on(turn, turn.say("survey.intro", title=survey.title, total=total))


def resume(db: Session, content: Content, contact: Contact, run: Run, channel: str) -> list[Message]:
    """Go on with a run that was paused, left, expired, or is open."""
    survey = db.get_one(Survey, run.survey_id)
    if not is_open(survey):
        return [_say(content, contact, "survey.closed")]
    turn = Turn.begin(db, content, contact, run, channel)
    run.disposition = Disposition.PARTIAL if turn.session.answered() else Disposition.STARTED
    return _go_on(turn, turn.say("survey.resumed", title=survey.title))


def speak(db: Session, content: Content, contact: Contact, run: Run, language: str) -> list[Message]:
    """Go on in another language, with the open question."""
    contact.language = language
    turn = Turn.begin(db, content, contact, run, run.channel)
    return _go_on(turn, turn.say("survey.language_changed", language=LANGUAGES[language].name))


def _go_on(turn: Turn, *before: str) -> list[Message]:
    turn.run.paused = False
    runs.pause_others(turn.db, turn.run)
    messages = put(turn, *before)
    turn.save()
    return messages


def answer(db: Session, content: Content, contact: Contact, run: Run, inbound: Inbound) -> list[Message]:
    """Handle what a contact sent in the middle of a run; the same message twice changes nothing the second time."""
    if inbound.external_id == run.last_inbound:
        return []
    run.last_inbound, run.paused = inbound.external_id, False
    turn = Turn.begin(db, content, contact, run, inbound.channel)
    if inbound.button == LATER:
        messages = pause(turn)
    else:
        messages = put(turn) if inbound.button == CONTINUE else hear(turn, inbound)
    turn.save()
    return messages


def offers(db: Session, content: Content, contact: Contact, run: Run, text: str) -> bool:
    """Say whether the text is among the answers that the open question offers."""
    turn = Turn.begin(db, content, contact, run, run.channel)
    prompt = turn.prompt()
    return prompt is not None and is_choice(turn, text, prompt)


def press(db: Session, content: Content, contact: Contact, inbound: Inbound) -> list[Message]:
    """Handle a survey's button, of whatever run: an open one, a paused one, or one that is over."""
    number = _BUTTON.match(inbound.button or "")
    run = runs.through(db, contact, int(number[1])) if number else None
    if run is None:
        return [_say(content, contact, "survey.none_open")]
    if run.disposition in LIVE:
        messages = answer(db, content, contact, run, inbound)
        runs.pause_others(db, run)
        return messages
    return [_say(content, contact, "survey.already_done" if _is_done(run) else "survey.closed")]


def _say(content: Content, contact: Contact, key: str) -> Message:
    return Message(content.catalogue.text(key, contact.language or SOURCE))
