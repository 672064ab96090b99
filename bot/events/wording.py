"""What people read about a session, in their own language and local time."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.base import Button
from bot.contacts.models import Contact
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import SOURCE, chain
from bot.content.templates import WHATSAPP_LANGUAGES
from bot.events.models import Answer, Event, EventStatus, Rsvp, Standing
from bot.messaging.outbox import Message


@dataclass(frozen=True, slots=True)
class Reader:
    """All of a person that a wording depends on: people who share it read the same text."""

    language: str
    zone: str
    answer: Answer | None = None
    standing: Standing = Standing.NONE

    @classmethod
    def of(cls, contact: Contact, rsvp: Rsvp | None = None) -> "Reader":
        """Return what a text for this contact depends on."""
        answer, standing = (rsvp.answer, rsvp.standing) if rsvp else (None, None)
        return cls.read(contact.language, contact.zone, answer, standing)

    @classmethod
    def read(cls, language: str | None, zone: str | None, answer: str | None, standing: str | None) -> "Reader":
        """Return it from columns, None where nothing is known."""
        said = Answer(answer) if answer else None
        return cls(language or SOURCE, zone or HOME_ZONE, said, Standing(standing or Standing.NONE))


def invitation(content: Content, event: Event, reader: Reader) -> Message:
    """Ask whether the person will come."""
    text = _text(content, "session.invitation", event, reader)
    return _opening(content, "session_invitation", event, reader, text, tuple(Answer))


def reminder(content: Content, event: Event, reader: Reader) -> Message:
    """Remind of the start; who said maybe is asked again."""
    lines = [_text(content, "session.reminder", event, reader), *_joining(content, event, reader)]
    choices: tuple[Answer, ...] = ()
    if reader.answer == Answer.MAYBE:
        lines += [_your_answer(content, reader), content.catalogue.text("session.ask", reader.language)]
        choices = (Answer.YES, Answer.NO)
    return _opening(content, "session_reminder", event, reader, "\n".join(lines), choices)


def moved(content: Content, event: Event, reader: Reader) -> Message:
    """Tell the new time and place, and what the person had answered."""
    lines = [_your_answer(content, reader)] if reader.answer else []
    lines += [*_joining(content, event, reader), *_calendar(content, event, reader)]
    text = "\n".join([_text(content, "session.changed", event, reader), *lines])
    return _opening(content, "session_changed", event, reader, text, tuple(Answer))


def cancelled(content: Content, event: Event, reader: Reader) -> Message:
    """Tell that the session will not be held."""
    text = "\n".join([_text(content, "session.cancelled", event, reader), *_calendar(content, event, reader)])
    return _opening(content, "session_cancelled", event, reader, text, ())


def promoted(content: Content, event: Event, reader: Reader) -> Message:
    """Tell a person who waited that there is a place."""
    lines = [_text(content, "session.promoted", event, reader), *_joining(content, event, reader)]
    text = "\n".join([*lines, *_calendar(content, event, reader)])
    return _opening(content, "session_promoted", event, reader, text, (Answer.YES, Answer.NO))


def answered(content: Content, event: Event, reader: Reader, position: int | None) -> Message:
    """Confirm an answer; `position` is the place on the waiting list."""
    if position is not None:
        text = _text(content, "session.rsvp_waitlist", event, reader, position=position)
        return Message(text, _buttons(content, event, reader, (Answer.NO,)))
    text = _text(content, f"session.rsvp_{reader.answer}", event, reader)
    return Message("\n".join([text, *_joining(content, event, reader), *_calendar(content, event, reader)]))


def refused(content: Content, event: Event, reader: Reader, key: str) -> Message:
    """Say why an answer does not count."""
    return Message(_text(content, key, event, reader))


def details(content: Content, event: Event, reader: Reader) -> Message:
    """Describe one session and ask."""
    description = translated(event.description, reader.language)
    lines = [_text(content, "session.details", event, reader), *_joining(content, event, reader)]
    lines += ["", description] if description else []
    lines += ["", _your_answer(content, reader)] if reader.answer else []
    lines += ["", content.catalogue.text("session.ask", reader.language)]
    return Message("\n".join(lines), _buttons(content, event, reader, tuple(Answer)))


def listing(content: Content, items: Sequence[tuple[Event, Reader]]) -> Message:
    """List sessions to choose from, by number or button."""
    lines = [content.catalogue.text("session.list_intro", items[0][1].language)]
    for number, (event, reader) in enumerate(items, start=1):
        lines.append(f"{number}. {_text(content, 'session.list_item', event, reader)}")
        lines += [f"   {_your_answer(content, reader)}"] if reader.answer else []
    buttons = (Button(f"rsvp:{event.id}:show", title(event, reader)) for event, reader in items)
    return Message("\n".join(lines), tuple(buttons))


def nothing_planned(content: Content, language: str) -> Message:
    """Say that no session is planned."""
    return Message(content.catalogue.text("session.list_empty", language))


def _opening(
    content: Content, template: str, event: Event, reader: Reader, text: str, choices: tuple[Answer, ...]
) -> Message:
    """Return a message that may begin a conversation: where the window is closed, the template says it."""
    nearest = next(code for code in chain(reader.language) if code in WHATSAPP_LANGUAGES)
    return Message(
        text,
        _buttons(content, event, reader, choices),
        template=template,
        variables={
            "title": translated(event.title, nearest),
            "when": content.formats.format_datetime(event.starts_at, reader.zone, nearest),
        },
    )


def _text(content: Content, key: str, event: Event, reader: Reader, **values: object) -> str:
    return content.catalogue.text(
        key,
        reader.language,
        title=title(event, reader),
        when=content.formats.format_datetime(event.starts_at, reader.zone, reader.language),
        place=event.place or content.catalogue.text("session.online", reader.language),
        **values,
    )


def title(event: Event, reader: Reader) -> str:
    """Return what a session is called in the reader's language."""
    return translated(event.title, reader.language)


def translated(texts: dict[str, str], language: str) -> str:
    """Return the text in the nearest language, or in any at all."""
    nearest = (texts[code] for code in (*chain(language), *texts) if texts.get(code))
    return next(nearest, "")


def _joining(content: Content, event: Event, reader: Reader) -> list[str]:
    if not event.link or reader.standing != Standing.CONFIRMED:
        return []
    return [content.catalogue.text("session.link", reader.language, link=event.link)]


def _calendar(content: Content, event: Event, reader: Reader) -> list[str]:
    """Say what the file is for that goes along to those who have a place."""
    if reader.standing != Standing.CONFIRMED:
        return []
    key = "session.calendar_cancelled" if event.status == EventStatus.CANCELLED else "session.calendar_file"
    return [content.catalogue.text(key, reader.language)]


def calendar_text(content: Content, event: Event, reader: Reader) -> str:
    """Return what stands under a calendar entry."""
    speaker = [content.catalogue.text("session.speaker", reader.language, name=event.speaker)] if event.speaker else []
    answer = [_your_answer(content, reader)] if reader.answer else []
    description = translated(event.description, reader.language)
    return "\n".join(filter(None, [description, *speaker, *answer, *_joining(content, event, reader)]))


def _your_answer(content: Content, reader: Reader) -> str:
    key = "session.answer_waiting" if reader.standing == Standing.WAITING else f"button.{reader.answer}"
    answer = content.catalogue.text(key, reader.language)
    return content.catalogue.text("session.your_answer", reader.language, answer=answer)


def _buttons(content: Content, event: Event, reader: Reader, choices: tuple[Answer, ...]) -> tuple[Button, ...]:
    return tuple(
        Button(f"rsvp:{event.id}:{choice}", content.catalogue.text(f"button.{choice}", reader.language))
        for choice in choices
    )
