"""A survey tried on the page as its members would get it: on each channel, in each language; nothing is kept.

The page carries what was said so far, and each step plays all of it anew: so any process can answer, and none keeps it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import filetypes
from bot.channels.base import Bubble, Outbound
from bot.content.languages import LANGUAGES, SOURCE
from bot.staff.roles import Permission
from bot.surveys import publishing, rehearsing
from bot.surveys.models import Survey, SurveyFile
from bot.surveys.rehearsing import Ended, NotPossible, Rehearsal, Said
from bot.web.console.context import ConsoleContext
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

MOST_LINES = 250
LINE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said, as the phone shows it."""

    mine: bool
    bubbles: list[Bubble]


@dataclass(frozen=True, slots=True)
class Tried:
    """A rehearsal as the page shows it."""

    turns: list[Turn]
    ended: Ended
    refused: NotPossible | None  #: why the last line was not taken


@pages.get("/surveys/{id:row}/try", needs=Permission.REPORTS_VIEW)
async def begin(visit: Visit) -> Response:
    return await _page(visit, ())


@pages.post("/surveys/{id:row}/try", needs=Permission.REPORTS_VIEW)
async def go_on(visit: Visit) -> Response:
    said = visit.form.texts("said")
    if visit.form.text("undo"):
        return await _page(visit, said[:-1])
    new = visit.form.text("line") or visit.form.text("text")
    if len(said) >= MOST_LINES:
        raise Refused("tried_enough")
    return await _page(visit, [*said, new[:LINE_LIMIT]] if new else said)


async def _page(visit: Visit, lines: Sequence[str]) -> Response:
    context = visit.context
    asked = visit.form if visit.form.text("channel") else visit.query
    channel = asked.text("channel") if asked.text("channel") in context.layouts else next(iter(context.layouts))
    language = asked.text("language") if asked.text("language") in LANGUAGES else SOURCE
    survey = await visit.database.query(_copy, visit.id)
    tried = await asyncio.to_thread(play, context, survey, channel, language, lines)
    kept = lines[:-1] if tried.refused else lines
    now = {"channel": _latest(kept, "@channel ", channel), "language": _latest(kept, "@language ", language)}
    values: dict[str, Any] = {"channel": channel, "language": language, "lines": kept, "now": now}
    return visit.page("surveys/try.html", survey=survey, tried=tried, channels=list(context.layouts), **values)


def _copy(db: Session, survey_id: int) -> Survey:
    survey = found(db.get(Survey, survey_id))
    publishing.form_of(survey)
    return rehearsing.copy(survey)


def _latest(lines: Sequence[str], word: str, first: str) -> str:
    return next((line.removeprefix(word) for line in reversed(lines) if line.startswith(word)), first)


def play(context: ConsoleContext, survey: Survey, channel: str, language: str, lines: Sequence[str]) -> Tried:
    """Play the lines, and return what the phone shows that was used last."""
    refused = None
    with Rehearsal(context.content, tuple(context.layouts), channel) as chat:
        chat.begin(survey, language)
        for line in lines:
            try:
                chat.hear(line)
            except NotPossible as error:
                refused = error
        return Tried(_turns(context, chat.chat, _latest(lines, "@channel ", channel)), chat.ended(), refused)


def _turns(context: ConsoleContext, chat: Sequence[Said], channel: str) -> list[Turn]:
    turns: list[Turn] = []
    for said in chat:
        if said.channel != channel:
            continue
        bubbles = [Bubble(said.message.text)] if said.mine else _bubbles(context, said)
        if said.edits:  # in the place of what it changes
            turns = turns[: max(number for number, turn in enumerate(turns) if not turn.mine)]
        turns.append(Turn(said.mine, bubbles))
    return turns


def _bubbles(context: ConsoleContext, said: Said) -> list[Bubble]:
    menu, message = context.content.catalogue.text("button.choose", said.language), said.message
    outbound = Outbound(0, "", message.text, message.buttons, menu, message.media, message.album)
    return context.layouts[said.channel](outbound)


@pages.get("/surveys/{id:row}/file", needs=Permission.REPORTS_VIEW)
async def file(visit: Visit) -> Response:
    """Show a picture of a form, by its content; anything else is saved."""
    data = await visit.database.query(_file, visit.id, visit.query.text("name"))
    kind = filetypes.of(data[: filetypes.HEAD])
    if kind and kind.content_type in ("image/png", "image/jpeg", "image/gif"):
        return Response(data, media_type=kind.content_type)
    headers = {"Content-Disposition": "attachment"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _file(db: Session, survey_id: int, name: str) -> bytes:
    return found(db.get(SurveyFile, (survey_id, name))).data
