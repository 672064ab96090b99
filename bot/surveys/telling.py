"""What a person answered, in words: for the person, who may see all of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.contacts.service import zone_of
from bot.content import Content
from bot.content.languages import SOURCE
from bot.surveys.answers import bare
from bot.surveys.asking import form_language
from bot.surveys.form import Form, Question
from bot.surveys.models import Answer, Run, Survey
from bot.surveys.publishing import form_of
from bot.surveys.reading import Listener
from bot.surveys.showing import in_words
from bot.surveys.spelling import Option


@dataclass(frozen=True, slots=True)
class Told:
    """One current answer: the survey's title, the question, and what was answered."""

    title: str
    question: str
    answer: str
    at: datetime


def all_told(db: Session, content: Content, contact: Contact) -> list[Told]:
    """Return a person's current answers in their language, in the order in which they were given."""
    found = (
        select(Answer, Survey)
        .join(Run, Run.id == Answer.run_id)
        .join(Survey, Survey.id == Run.survey_id)
        .where(Run.contact_id == contact.id, Answer.superseded_at.is_(None))
        .order_by(Run.id, Answer.id)
    )
    return [_told(row, form_of(survey), content, contact) for row, survey in db.execute(found)]


def _told(row: Answer, form: Form, content: Content, contact: Contact) -> Told:
    question = form.nodes.get(bare(row.path))
    value = row.value or row.private or ""
    if not isinstance(question, Question):
        return Told(form.title, row.name, value, row.at)
    language = form_language(form, contact.language or SOURCE, content)
    label = form.wording(question.label, language)
    options = [
        Option(choice.value, (str(form.wording(choice.label, language) or choice.value),))
        for choice in question.choices
    ]
    listener = Listener(content, contact.language or SOURCE, row.at.astimezone(zone_of(contact)))
    said = in_words(question, value, options, listener) or row.said
    return Told(form.title, str(label or row.name), said, row.at)
