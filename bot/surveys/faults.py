"""An expression of a form that fails on somebody's answers: the run waits for staff, and the person is told."""

from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import SOURCE
from bot.messaging.outbox import Message
from bot.surveys.models import Run
from bot.surveys.turn import Turn
from bot.surveys.xpath.values import EvaluationError

log = structlog.get_logger(__name__)


def act(
    db: Session, content: Content, contact: Contact, run: Run, channel: str, do: Callable[[Turn], list[Message]]
) -> list[Message]:
    """Bring a run to life, do something with it and store it; park it when an expression of its form fails."""
    turn: Turn | None = None
    try:
        turn = Turn.begin(db, content, contact, run, channel)
        messages = do(turn)
    except EvaluationError as error:
        if turn is not None and not turn.session.torn:  # the answer was taken; what comes after it cannot be shown
            turn.save()
        return give_up(content, contact, run.survey_id, run, error)
    turn.save()
    return messages


def give_up(
    content: Content, contact: Contact, survey_id: int, run: Run | None, error: EvaluationError
) -> list[Message]:
    """Tell the person, and staff; a run that has begun waits."""
    if run is not None:
        park(run, error)
    else:
        log.error("survey_fault", survey=survey_id, question=error.place)
    return [Message(content.catalogue.text("survey.fault", contact.language or SOURCE))]


def park(run: Run, error: EvaluationError) -> None:
    """Let the run wait: for staff, or for the person who tries again."""
    run.paused, run.fault = True, error.place[:128]
    log.error("survey_fault", survey=run.survey_id, run=run.id, question=error.place)
