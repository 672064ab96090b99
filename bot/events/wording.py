"""What people read about a session, in their own language and local time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.channels.base import Button
from bot.contacts.models import Contact
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE, chain
from bot.content.templates import WHATSAPP_LANGUAGES
from bot.events.models import Answer, Event, EventStatus, Rsvp, Standing
from bot.events.series import Part
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


Wording = Callable[[Content, Event, Reader], Message]


def invitation(content: Content, event: Event, reader: Reader) -> Message:
    """Ask whether the person will come."""
    text = _text(content, "session.invitation", event, reader)
    return _opening(content, "session_invitation", event, reader, text, tuple(Answer))


def reminder(content: Content, event: Event, reader: Reader) -> Message:
    """Remind of the start; who said maybe is asked again."""
    lines = [_text(content, "session.reminder", event, reader), *_joining(content, event, reader)]
    choices: tuple[Answer, ...] = ()
    if event.pretest_form and reader.standing == Standing.CONFIRMED:
        lines.append(content.catalogue.text("session.ask_pretest", reader.language))
        pretest = (_button(content, event, reader, "pretest", "test"),)
        return replace(_opening(content, "session_reminder", event, reader, "\n".join(lines), ()), buttons=pretest)
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


def starting(content: Content, event: Event, reader: Reader) -> Message:
    """Say that it begins, with the button to check in."""
    lines = [_text(content, "session.starting", event, reader), *_joining(content, event, reader)]
    lines.append(content.catalogue.text("session.say_here", reader.language))
    message = _opening(content, "session_start", event, reader, "\n".join(lines), ())
    return replace(message, buttons=(_button(content, event, reader, "here"),))


def checked_in(content: Content, event: Event, reader: Reader) -> Message:
    """Confirm that a person is there."""
    return Message(_text(content, "session.checked_in", event, reader))


def too_early(content: Content, event: Event, reader: Reader, opens: datetime) -> Message:
    """Say when check-in opens."""
    when = content.formats.format_datetime(opens, reader.zone, reader.language)
    values = {"title": title(event, reader), "when": when}
    return Message(content.catalogue.text("session.checkin_early", reader.language, **values))


def thanks(content: Content, event: Event, reader: Reader) -> Message:
    """Thank who was there, and ask what there is to ask."""
    asked = {"feedback": event.feedback_form, "posttest": event.posttest_form, "certificate": event.certificate}
    return _follow_up(content, event, reader, "session.thanks", [name for name, there in asked.items() if there])


def noted(content: Content, event: Event, reader: Reader) -> Message:
    """Thank who was there and was asked already how it was."""
    asked = {"posttest": event.posttest_form, "certificate": event.certificate}
    return _follow_up(content, event, reader, "session.thanks", [name for name, there in asked.items() if there])


def how_was_it(content: Content, event: Event, reader: Reader) -> Message:
    """Ask who had a place, where nobody's presence was noted."""
    return _follow_up(content, event, reader, "session.how_was_it", ["feedback"])


def missed(content: Content, event: Event, reader: Reader) -> Message:
    """Tell who had a place and was not there that they are welcome again."""
    message = _opening(content, "session_missed", event, reader, _text(content, "session.missed", event, reader), ())
    again = Button("menu:SESSIONS", content.catalogue.text("button.menu_sessions", reader.language))
    return replace(message, buttons=(again,))


def _follow_up(content: Content, event: Event, reader: Reader, key: str, asked: Sequence[str]) -> Message:
    texts = [_text(content, key, event, reader)]
    texts += [content.catalogue.text(f"session.ask_{name}", reader.language) for name in asked]
    labels = {"posttest": "test"}
    buttons = tuple(_button(content, event, reader, name, labels.get(name, name)) for name in asked)
    return replace(_opening(content, "session_follow_up", event, reader, "\n".join(texts), ()), buttons=buttons)


def required_first(content: Content, event: Event, first: Event, reader: Reader, *, planned: bool) -> Message:
    """Say which session must be taken first, and show it where it is planned."""
    key = "session.requires_first" if planned else "session.requires_none"
    text = content.catalogue.text(key, reader.language, title=title(event, reader), first=title(first, reader))
    show = Button(f"rsvp:{first.id}:show", title(first, reader))
    return Message(text, (show,) if planned else ())


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


def details(
    content: Content, event: Event, reader: Reader, *, part: Part | None = None, documents: bool = False
) -> Message:
    """Describe one session, perhaps `part` of a series, and ask; with `documents`, offer them too."""
    description = translated(event.description, reader.language)
    lines = [_text(content, "session.details", event, reader)]
    if part:
        values = {"series": translated(part.title, reader.language), "number": part.number, "count": part.count}
        lines.append(content.catalogue.text("session.series", reader.language, **values))
    lines += _facts(content, event, reader)
    lines += _joining(content, event, reader)
    lines += ["", description] if description else []
    lines += ["", _your_answer(content, reader)] if reader.answer else []
    lines += ["", content.catalogue.text("session.ask", reader.language)]
    more = (_button(content, event, reader, "documents"),) if documents else ()
    return Message("\n".join(lines), _buttons(content, event, reader, tuple(Answer)) + more)


def _facts(content: Content, event: Event, reader: Reader) -> list[str]:
    """Return who speaks, in which languages, and until when one can register."""
    texts, lines = content.catalogue, []
    if event.speaker:
        lines.append(texts.text("session.speaker", reader.language, name=event.speaker))
    if event.languages:
        names = ", ".join(LANGUAGES[code].name for code in event.languages if code in LANGUAGES)
        lines.append(texts.text("session.languages", reader.language, languages=names))
    if event.register_by:
        until = content.formats.format_datetime(event.register_by, reader.zone, reader.language)
        lines.append(texts.text("session.register_by", reader.language, when=until))
    return lines


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


def translated(texts: Mapping[str, str], language: str) -> str:
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


def _button(content: Content, event: Event, reader: Reader, choice: str, label: str = "") -> Button:
    return Button(f"rsvp:{event.id}:{choice}", content.catalogue.text(f"button.{label or choice}", reader.language))


def _buttons(content: Content, event: Event, reader: Reader, choices: tuple[Answer, ...]) -> tuple[Button, ...]:
    return tuple(_button(content, event, reader, choice) for choice in choices)
