"""A survey in the terminal: lines are typed, or come from a script."""

import os
import sys
from collections.abc import Iterator, Sequence

import typer

from bot import crypto, settings
from bot.cli.output import Trouble
from bot.content import Content
from bot.messaging.outbox import Message
from bot.surveys.models import Survey
from bot.surveys.rehearsing import Ended, NotPossible, Rehearsal, copy

CHANNELS = ("telegram", "whatsapp")
_THERE_IS_NO = {
    "button": "There is no button [{named}]: {there}",
    "language": "There is no language {named}: use {there}",
    "channel": "There is no channel {named}: use {there}",
    "word": "{named} leads out of the survey, which is not tried here: see `outreach survey preview`",
    "place": "{named} is no place: write @place -29.31,27.48",
}


def converse(survey: Survey, language: str, channel: str, *, speak: bool) -> Ended:
    """Ask a survey until it is over or nobody answers any more; `speak` False prints nothing."""
    content = Content.load(settings.load().messages)
    crypto.use(crypto.Keyring([os.urandom(32)]))
    with Rehearsal(content, CHANNELS, channel) as chat:
        show = _show if speak else _be_silent
        show(chat.begin(copy(survey), language))
        for line in lines(speak=speak):
            show(_hear(chat, line))
            if chat.ended().over:
                break
        return chat.ended()


def lines(*, speak: bool) -> Iterator[str]:
    """Yield what is typed, or what a script holds; an empty line says nothing."""
    while True:
        try:
            said = input("> " if speak else "").strip()
        except EOFError:
            return
        if speak and not sys.stdin.isatty():
            typer.echo(said)  # a transcript shows both sides
        if said:
            yield said


def _hear(chat: Rehearsal, line: str) -> list[Message]:
    try:
        return chat.hear(line)
    except NotPossible as error:
        brackets = error.kind == "button"
        there = " ".join(f"[{one}]" for one in error.there) if brackets else ", ".join(error.there)
        raise Trouble(_THERE_IS_NO[error.kind].format(named=error.named, there=there or "none is shown")) from None


def _show(messages: Sequence[Message]) -> None:
    for message in messages:
        typer.echo(f"\n{message.text}")
        if message.buttons:
            typer.echo(" ".join(f"[{button.label}]" for button in message.buttons))


def _be_silent(_: Sequence[Message]) -> None:
    """Print nothing."""
