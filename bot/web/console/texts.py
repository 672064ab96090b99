"""Templates and languages: what members read, how far each text is reviewed, what WhatsApp has approved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.responses import Response

from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.content.templates import WHATSAPP_LANGUAGES, Template
from bot.messaging import templates
from bot.messaging.models import Content as ContentRow
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.context import ConsoleContext
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit
from bot.web.forms import Form

pages = Pages()

PAGE = 40
STATES = ("reviewed", "draft", "missing")


@dataclass(frozen=True, slots=True)
class Text:
    """One text in one language, beside its English."""

    key: str
    english: str
    forms: tuple[str, ...]
    state: str  #: one of STATES


@pages.get("/texts", needs=Permission.CONTENT_MANAGE)
async def listing(visit: Visit) -> Response:
    content, query = visit.context.content, visit.query
    language = query.text("language") if query.text("language") in LANGUAGES else "st"
    found = list(_find(content, language, query))
    start = min(query.number("from") or 0, len(found))
    every = templates.every(content, visit.context.policy.media_base)
    approvals = await visit.database.query(_approvals, every, visit.context.policy.media_base)
    return visit.page(
        "texts.html",
        counts={code: count(content, code) for code in LANGUAGES},
        language=language,
        search={"state": query.text("state"), "find": query.text("find")},
        texts=found[start : start + PAGE],
        following=start + PAGE if start + PAGE < len(found) else None,
        total=len(found),
        templates=every,
        approvals=approvals,
        whatsapp_languages=WHATSAPP_LANGUAGES,
        has_whatsapp=any(paced.has_window for paced in visit.context.policy.channels.values()),
    )


def _texts(content: Content, language: str) -> Iterator[Text]:
    for key in content.catalogue.keys(SOURCE):
        entry, english = content.catalogue.entry(key, language), content.catalogue.entry(key, SOURCE)
        state = "missing" if entry is None else "draft" if entry.draft else "reviewed"
        yield Text(key, english.forms[0] if english else "", entry.forms if entry else (), state)


def count(content: Content, language: str) -> dict[str, int]:
    """Return how many texts of a language are in each state."""
    states = [text.state for text in _texts(content, language)]
    return {state: states.count(state) for state in STATES}


def _find(content: Content, language: str, query: Form) -> Iterator[Text]:
    state, words = query.text("state"), query.text("find").casefold()
    for text in _texts(content, language):
        if state in STATES and text.state != state:
            continue
        if words and not any(words in part.casefold() for part in (text.key, text.english, *text.forms)):
            continue
        yield text


def _approvals(db: Session, every: Mapping[str, Template], media_base: str) -> dict[tuple[str, str], str]:
    """Return the provider's word on each template as it now stands, by name and language."""
    wanted = {
        templates.definition(template, language, media_base): (template.name, language)
        for template in every.values()
        for language in WHATSAPP_LANGUAGES
    }
    rows = select(ContentRow.definition, ContentRow.approval).where(ContentRow.definition.in_(wanted))
    return {wanted[definition]: approval or templates.UNSUBMITTED for definition, approval in db.execute(rows)}


@pages.get("/texts/template/{name}", needs=Permission.CONTENT_MANAGE)
async def template(visit: Visit) -> Response:
    media_base = visit.context.policy.media_base
    every = templates.every(visit.context.content, media_base)
    found = every.get(str(visit.request.path_params["name"]))
    approvals = await visit.database.query(_approvals, every, media_base)
    shown = {code: _shown(found, code) for code in found.texts} if found else {}
    return visit.page("template.html", 200 if found else 404, one=found, shown=shown, approvals=approvals)


def _shown(found: Template, language: str) -> str:
    samples = {variable.name: variable.sample for variable in found.variables}
    return found.render(language, samples)


@pages.post("/texts/sync", needs=Permission.CONTENT_MANAGE)
async def sync(visit: Visit) -> Response:
    """Ask the provider while the person already reads the page: it takes a call for each template."""
    await visit.database.run(_note_sync, visit.user)
    response = visit.go("/texts", "syncing")
    response.background = BackgroundTask(_sync, visit.context)
    return response


def _note_sync(db: Session, user: StaffUser) -> None:
    audit.record(db, user, "templates.synced", "template", "all")


async def _sync(context: ConsoleContext) -> None:
    await context.sync_templates()
