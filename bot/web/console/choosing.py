"""An audience as staff tick it on a form."""

from collections.abc import Collection

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.responses import Response

from bot.broadcasts import audience as audiences
from bot.broadcasts import taking_part
from bot.broadcasts.audience import Audience
from bot.contacts import groups
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.events.models import Event, EventStatus
from bot.events.wording import translated
from bot.staff.roles import Permission
from bot.surveys.models import Survey
from bot.web.console.context import ConsoleContext
from bot.web.console.keeping import kept
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit
from bot.web.forms import Form

pages = Pages()

CONDITIONS = (
    "origins", "residences", "languages", "interests", "wishes", "channels", "sources", "groups", "missed",
    "answered", "not_answered", "attended", "not_attended", "replies",
)  # fmt: skip
#: Most countries and join links that are offered to tick.
_OFFERED = 250
#: The latest surveys and sessions that are, beside those ticked before.
_LATEST = 15


def read(form: Form) -> Audience:
    """Return the ticked conditions."""
    return Audience(**{name: tuple(form.texts(name)) for name in CONDITIONS})


@pages.get("/audience", needs=Permission.MEMBERS_VIEW)
async def audience_count(visit: Visit) -> Response:
    people = await visit.database.query(audiences.count, read(visit.query))
    return visit.page("_count.html", people=people)


def offered(db: Session, context: ConsoleContext, reader: Reader, ticked: Audience) -> dict[str, dict[str, str]]:
    """Return what an audience may be chosen by: condition -> code -> label."""
    content = context.content
    residences = kept(db, context, "residences in use", lambda: _in_use(db, Contact.residence)).value
    sources = kept(db, context, "sources in use", lambda: _in_use(db, Contact.source)).value
    return {
        "origins": named(content, "origin.", reader),
        "residences": {code: reader.country(code) for code in residences},
        "languages": {code: language.name for code, language in LANGUAGES.items()},
        "interests": named(content, "interest.", reader),
        "wishes": {audiences.MATCHES: audiences.MATCHES},
        "channels": {code: code for code in context.policy.channels},
        "groups": {str(group.id): group.name for group, _ in groups.every(db)},
        "sources": {code: code for code in sources},
        "surveys": surveys(db, (*ticked.answered, *ticked.not_answered), _LATEST),
        "sessions": sessions(db, reader, _sessions_of(ticked), _LATEST),
    }


def names(db: Session, reader: Reader, rule: Audience) -> dict[str, dict[str, str]]:
    """Return what the surveys, sessions and groups are called that a rule names."""
    return {
        "surveys": surveys(db, (*rule.answered, *rule.not_answered)),
        "sessions": sessions(db, reader, _sessions_of(rule)),
        "groups": {str(group.id): group.name for group, _ in groups.every(db)} if rule.groups else {},
    }


def surveys(db: Session, forms: Collection[str], latest: int = 0) -> dict[str, str]:
    """Return the titles of these forms and of the latest others, by the id of the form."""
    newest = select(func.max(Survey.id)).where(Survey.published_at.is_not(None)).group_by(Survey.form_id)
    last = newest.order_by(func.max(Survey.id).desc()).limit(latest)
    rows = select(Survey.form_id, Survey.title).where(
        or_(Survey.id.in_(last), Survey.id.in_(newest.where(Survey.form_id.in_(forms))))
    )
    return {form: title or form for form, title in db.execute(rows.order_by(Survey.id.desc()))}


def sessions(db: Session, reader: Reader, numbers: Collection[int], latest: int = 0) -> dict[str, str]:
    """Return title and day of these sessions and of the latest others, by number, the latest first."""
    last = select(Event.id).where(Event.status != EventStatus.DRAFT).order_by(Event.starts_local.desc()).limit(latest)
    rows = select(Event).where(or_(Event.id.in_(last), Event.id.in_(numbers)))
    return {
        str(event.id): f"{translated(event.title, reader.code)}, {reader.calendar_day(event.starts_local)}"
        for event in db.scalars(rows.order_by(Event.starts_local.desc()))
    }


def _sessions_of(rule: Audience) -> list[int]:
    replied = (code.partition(":")[0] for code in rule.replies)
    return taking_part.numbers((*rule.attended, *rule.not_attended, *replied))


def named(content: Content, prefix: str, reader: Reader) -> dict[str, str]:
    """Return the codes of a kind, such as `origin.`, with what members read for them."""
    texts = content.catalogue
    keys = [key for key in texts.keys(SOURCE) if key.startswith(prefix)]
    return {key.removeprefix(prefix): texts.text(key, reader.code) for key in keys}


def _in_use(db: Session, column: InstrumentedAttribute[str | None]) -> list[str]:
    """Return the values that members have, the most frequent first."""
    rows = select(column).where(Contact.state == State.MEMBER, column.is_not(None)).group_by(column)
    return [str(value) for value in db.scalars(rows.order_by(func.count().desc(), column).limit(_OFFERED))]
