"""Writing a broadcast: its texts side by side, whom it is for, when it leaves."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.broadcasts import attachments, checks, service, targets, times
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.broadcasts.service import Draft
from bot.contacts.service import HOME_ZONE
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.content.templates import Category, Template
from bot.conversations import commands
from bot.events.wording import translated
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console import attaching, choosing
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found
from bot.web.forms import Form

pages = Pages()

TITLE_LIMIT = 120
TEXT_LIMIT = 10_000  #: characters that are stored; the checks say how much may be sent
VALUE_LIMIT = 500
#: What a button under a broadcast can do: id -> key of its label.
ACTIONS: Mapping[str, str] = {f"menu:{keyword}": key for key, keyword in commands.MENU.items()}


@pages.get("/broadcasts/new", needs=Permission.BROADCAST_WRITE)
async def new(visit: Visit) -> Response:
    return await _compose(visit, Draft("", checks.PURPOSES[0], {}), None, ())


@pages.post("/broadcasts/new", needs=Permission.BROADCAST_WRITE, limit=attaching.FORM_LIMIT)
async def create(visit: Visit) -> Response:
    draft, errors = await _read(visit)
    if errors:
        return await _compose(visit, draft, None, errors)
    broadcast = await visit.database.run(service.draft, visit.context.content, visit.user, draft)
    return visit.go(f"/broadcasts/{broadcast.id}", "saved")


@pages.get("/broadcasts/{id:row}/edit", needs=Permission.BROADCAST_WRITE)
async def edit(visit: Visit) -> Response:
    broadcast = found(await visit.database.query(_get, visit.id))
    if broadcast.status not in (BroadcastStatus.DRAFT, BroadcastStatus.APPROVED):
        return visit.go(f"/broadcasts/{visit.id}")
    return await _compose(visit, Draft.of(broadcast), broadcast, ())


@pages.post("/broadcasts/{id:row}/edit", needs=Permission.BROADCAST_WRITE, limit=attaching.FORM_LIMIT)
async def save(visit: Visit) -> Response:
    broadcast = found(await visit.database.query(_get, visit.id))
    draft, errors = await _read(visit)
    if errors:
        return await _compose(visit, draft, broadcast, errors)
    kept = Draft.of(broadcast)
    # The risks of a card go with whatever is said about it: it may give way to another card only.
    link = kept.link if _is_card(kept.link) and not _is_card(draft.link) else draft.link
    draft = replace(kept.rewritten(draft, ACTIONS), attachments=draft.attachments, link=link)
    await visit.database.run(_edit, visit.context.content, visit.id, visit.user, draft)
    return visit.go(f"/broadcasts/{visit.id}", "saved")


def _is_card(link: targets.Link | None) -> bool:
    return link is not None and link[0] == targets.CARD


async def _read(visit: Visit) -> tuple[Draft, tuple[str, ...]]:
    draft, errors = read(visit.form)
    actions = [id for id in visit.form.texts("actions") if id in ACTIONS]
    draft = replace(draft, buttons=tuple(button(visit.context.content, id) for id in actions))
    files, wrong = await attaching.read(visit)
    return replace(draft, attachments=files), (*errors, *wrong)


async def _compose(visit: Visit, draft: Draft, broadcast: Broadcast | None, errors: tuple[str, ...]) -> Response:
    content = visit.context.content
    links = await visit.database.query(_links, content, visit.reader, draft.link)
    offered = await visit.database.query(choosing.offered, visit.context, visit.reader, draft.audience)
    return visit.page(
        "broadcasts/compose.html",
        422 if errors else 200,
        draft=draft,
        broadcast=broadcast,
        errors=errors,
        offered=offered,
        conditions=choosing.CONDITIONS,
        purposes=checks.PURPOSES,
        limits=checks.LIMITS,
        file_limits={kind: limit // 1024**2 for kind, limit in attachments.LIMITS.items()},
        added={code: _added(content, code) for code in LANGUAGES},
        templates=_templates(content),
        links=links,
        link=":".join(map(str, draft.link or ())),
        link_labels={kind: _labels(content, key) for kind, key in targets.LABELS.items()},
        actions={id: content.catalogue.text(key, visit.reader.code) for id, key in ACTIONS.items()},
        paid_offered=draft.paid or bool(visit.context.policy.paid_rates),
        local=local,
    )


def button(content: Content, id: str) -> dict[str, Any]:
    """Return a button that does what one of the menu does, with its label in every language."""
    return {"id": id, "labels": _labels(content, ACTIONS[id])}


def _labels(content: Content, key: str) -> dict[str, str]:
    return {code: content.catalogue.text(key, code) for code in LANGUAGES}


def _links(db: Session, content: Content, reader: Reader, kept: targets.Link | None) -> dict[str, dict[str, str]]:
    """Return what may be linked to, by kind, and what is linked to though it is over."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in targets.PURPOSES}
    for target in targets.offered(db, content):
        kind, number = target.link
        found[kind][f"{kind}:{number}"] = translated(target.title, reader.code)
    if kept:
        found[kept[0]].setdefault(f"{kept[0]}:{kept[1]}", "")
    return found if not _is_card(kept) else {targets.CARD: found[targets.CARD]}


def _templates(content: Content) -> list[Template]:
    marketing = (one for one in content.templates.values() if one.category == Category.MARKETING)
    return [one for one in marketing if one.purpose in checks.PURPOSES]


def _added(content: Content, language: str) -> tuple[str, str]:
    """Return the lines that sending adds: about risks, and how to leave."""
    catalogue = content.catalogue
    return catalogue.text("opportunity.risk_line", language), catalogue.text("broadcast.footer_stop", language)


def read(form: Form) -> tuple[Draft, tuple[str, ...]]:
    """Return what was filled in, and the codes of what is wrong with it."""
    scheduled_at, expires_at = form.moment("scheduled_at"), form.moment("expires_at")
    draft = Draft(
        title=form.text("title"),
        purpose=form.text("purpose"),
        texts={code: form.text(f"text_{code}") for code in LANGUAGES if form.text(f"text_{code}")},
        audience=choosing.read(form),
        template=form.text("template") or None,
        link=targets.read(form.text("link")),
        variables=_variables(form),
        paid=bool(form.text("paid")),
        scheduled_at=at_office(scheduled_at),
        at_local=bool(form.text("at_local")),
        repeat=form.text("repeat") or None,
        repeat_until=at_office(form.moment("repeat_until")),
        expires_at=at_office(expires_at),
    )
    unread = (
        name for name in ("scheduled_at", "expires_at", "repeat_until") if form.text(name) and form.moment(name) is None
    )
    return draft, tuple(dict.fromkeys((*_too_much(form, draft), *unread)))


def _too_much(form: Form, draft: Draft) -> Iterator[str]:
    if not 0 < len(draft.title) <= TITLE_LIMIT:
        yield "title"
    if draft.purpose not in checks.PURPOSES:
        yield "purpose"
    if draft.repeat not in (None, *times.REPEATS):
        yield "repeat"
    if (draft.at_local or draft.repeat) and draft.scheduled_at is None:
        yield "scheduled_at"
    if any(len(text) > TEXT_LIMIT for text in draft.texts.values()):
        yield "text"
    if form.text("link") and draft.link is None:
        yield "link"
    if len(draft.template or "") > TITLE_LIMIT:
        yield "template"
    if any(len(value) > VALUE_LIMIT for values in draft.variables.values() for value in values.values()):
        yield "variables"


def _variables(form: Form) -> dict[str, dict[str, str]]:
    """Return the fields value.<template>.<language>.<name> of the chosen template."""
    values: dict[str, dict[str, str]] = {}
    chosen = f"value.{form.text('template')}."
    for field in form.names():
        language, _, name = field.removeprefix(chosen).partition(".")
        if field.startswith(chosen) and language in LANGUAGES and form.text(field):
            values.setdefault(language, {})[name] = form.text(field)
    return values if form.text("template") else {}


def at_office(moment: datetime | None) -> datetime | None:
    """Return a time typed at the office."""
    return moment.replace(tzinfo=ZoneInfo(HOME_ZONE)).astimezone(UTC) if moment else None


def local(moment: datetime | None) -> str:
    """Return a time as a field of a form shows it."""
    return f"{moment.astimezone(ZoneInfo(HOME_ZONE)):%Y-%m-%dT%H:%M}" if moment else ""


def _get(db: Session, broadcast_id: int) -> Broadcast | None:
    return db.get(Broadcast, broadcast_id)


def _edit(db: Session, content: Content, broadcast_id: int, editor: StaffUser, draft: Draft) -> None:
    service.edit(db, content, db.get_one(Broadcast, broadcast_id), editor, draft)
