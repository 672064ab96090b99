"""An audience as staff tick it on a form."""

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.responses import Response

from bot.broadcasts import audience as audiences
from bot.broadcasts.audience import Audience
from bot.contacts import groups
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.staff.roles import Permission
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit
from bot.web.forms import Form

pages = Pages()

CONDITIONS = ("origins", "residences", "languages", "interests", "wishes", "channels", "sources", "groups", "missed")
#: Most countries and join links that are offered to tick.
_OFFERED = 250


def read(form: Form) -> Audience:
    """Return the ticked conditions."""
    return Audience(**{name: tuple(form.texts(name)) for name in CONDITIONS})


@pages.get("/audience", needs=Permission.MEMBERS_VIEW)
async def audience_count(visit: Visit) -> Response:
    people = await visit.database.query(audiences.count, read(visit.query))
    return visit.page("_count.html", people=people)


def offered(db: Session, content: Content, channels: tuple[str, ...], reader: Reader) -> dict[str, dict[str, str]]:
    """Return what an audience may be chosen by: condition -> code -> label."""
    return {
        "origins": named(content, "origin.", reader),
        "residences": {code: reader.country(code) for code in _in_use(db, Contact.residence)},
        "languages": {code: language.name for code, language in LANGUAGES.items()},
        "interests": named(content, "interest.", reader),
        "wishes": {audiences.MATCHES: audiences.MATCHES},
        "channels": {code: code for code in channels},
        "groups": {str(group.id): group.name for group, _ in groups.every(db)},
        "sources": {code: code for code in _in_use(db, Contact.source)},
    }


def named(content: Content, prefix: str, reader: Reader) -> dict[str, str]:
    """Return the codes of a kind, such as `origin.`, with what members read for them."""
    texts = content.catalogue
    keys = [key for key in texts.keys(SOURCE) if key.startswith(prefix)]
    return {key.removeprefix(prefix): texts.text(key, reader.code) for key in keys}


def _in_use(db: Session, column: InstrumentedAttribute[str | None]) -> list[str]:
    """Return the values that members have, the most frequent first."""
    rows = select(column).where(Contact.state == State.MEMBER, column.is_not(None)).group_by(column)
    return [str(value) for value in db.scalars(rows.order_by(func.count().desc(), column).limit(_OFFERED))]
