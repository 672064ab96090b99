"""Answers that staff give again and again, in the languages of members."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.content.languages import chain
from bot.conversations.models import ReadyAnswer
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, require


class TitleTaken(Exception):
    """Another ready answer has this title: choose another, or change that one."""


def every(db: Session) -> Sequence[ReadyAnswer]:
    """Return all ready answers by title."""
    return db.scalars(select(ReadyAnswer).order_by(ReadyAnswer.title)).all()


def text_for(answer: ReadyAnswer, language: str | None) -> tuple[str, str]:
    """Return the nearest language that has a text, and the text."""
    languages = [*chain(language or "en"), *answer.texts]
    code = next(code for code in languages if answer.texts.get(code))
    return code, str(answer.texts[code])


def save(db: Session, answer: ReadyAnswer | None, title: str, texts: Mapping[str, str], by: StaffUser) -> ReadyAnswer:
    """Add a ready answer, or change one."""
    require(by, Permission.INBOX_REPLY)
    other = db.scalar(select(ReadyAnswer.id).where(ReadyAnswer.title == title))
    if other is not None and (answer is None or answer.id != other):
        raise TitleTaken
    answer = answer or ReadyAnswer()
    answer.title, answer.texts = title, dict(texts)
    db.add(answer)
    db.flush()
    audit.record(db, by, "ready_answer.saved", "ready_answer", answer.id)
    return answer


def remove(db: Session, answer: ReadyAnswer, by: StaffUser) -> None:
    """Remove a ready answer."""
    require(by, Permission.INBOX_REPLY)
    db.delete(answer)
    db.flush()
    audit.record(db, by, "ready_answer.removed", "ready_answer", answer.id)
