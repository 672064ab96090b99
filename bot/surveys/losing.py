"""A file that somebody answered with, and that will not come: the question is asked again."""

from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.content import Content
from bot.messaging import received
from bot.messaging.models import ReceivedFile
from bot.messaging.outbox import Message
from bot.surveys import answers
from bot.surveys.faults import act
from bot.surveys.models import LIVE, Run, Survey
from bot.surveys.publishing import is_open
from bot.surveys.steps import put
from bot.surveys.turn import Turn

#: Reasons for which the same file would fail again.
_NOT_TAKEN = ("too_large", "type_not_taken", "empty")


def lose(db: Session, content: Content, contact: Contact, file: ReceivedFile) -> list[Message]:
    """Take the answer back and ask again; of answers that were sent already, say how to correct them."""
    run = db.get(Run, file.run_id) if file.run_id else None
    answer = answers.holding(db, run, received.name_of(file)) if run else None
    if run is None or answer is None:  # no answer, or one that was corrected since
        return []
    path = answer.path
    if run.disposition in LIVE and is_open(db.get_one(Survey, run.survey_id)):
        return act(db, content, contact, run, file.channel, lambda turn: _ask_again(turn, path, str(file.reason)))
    return act(db, content, contact, run, file.channel, lambda turn: _tell(turn, path))


def _ask_again(turn: Turn, path: str, reason: str) -> list[Message]:
    before = turn.session.answered()
    turn.session.clear(path)
    answers.supersede(turn.db, turn.run, path)
    answers.mark(turn.db, turn.run, set(before) - {path, *turn.session.answered()}, relevant=False)
    turn.move(path)
    turn.run.paused = False
    key = "survey.file_refused" if reason in _NOT_TAKEN else "survey.file_lost"
    return put(turn, turn.say(key, megabytes=received.MEGABYTES))


def _tell(turn: Turn, path: str) -> list[Message]:
    done = turn.session.answered()
    if path not in done:
        return []
    question = " ".join(turn.session.prompt(path).label.text.split())
    return [Message(turn.say("survey.file_lost_after", question=question, number=done.index(path) + 1))]
